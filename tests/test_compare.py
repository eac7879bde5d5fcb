"""Comparing runs: only on equal test sets, in words that say no more than the numbers do."""

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from crafted_runs import DEFAULTS, seal, write_run
from scipy.stats import binomtest

from iris_lab.artifacts import read_split
from iris_lab.cli import main
from iris_lab.data import load_dataset
from iris_lab.data.dataset import Dataset
from iris_lab.errors import ArtifactError, InputError, UnknownNameError
from iris_lab.figures.paired_figures import Row, scores_by_split
from iris_lab.modeling import load_model
from iris_lab.paired_tests import corrected_t_test, holm
from iris_lab.workflow.compare import compare, compare_runs
from iris_lab.workflow.compare_files import comparison_section
from iris_lab.workflow.compare_text import summarize
from iris_lab.workflow.compared_runs import find_runs, read_run

SEEDS = range(3)
IRIS = load_dataset("iris")


@pytest.fixture(scope="module")
def sweep(tmp_path_factory) -> Path:
    """Two models with three seeds."""
    folder = tmp_path_factory.mktemp("sweep")
    for model in ("lda", "knn"):
        for seed in SEEDS:
            write_run(folder / f"model={model}_seed={seed}", model=model, seed=seed)
    return folder


def altered(run: Path, place: Path, *, metrics: dict | None = None, dataset: Dataset = IRIS, **values) -> Path:
    """Return a copy of a run with other numbers or parameters, and a record that fits."""
    shutil.copytree(run, place, ignore=shutil.ignore_patterns("ro-crate-metadata.json"))
    path = place / "metrics.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | (metrics or {})))
    seal(place, dict(read_run(run, "accuracy").values) | values, dataset)
    return place


def accuracies(sweep: Path, model: str) -> list[float]:
    metrics = [json.loads((sweep / f"model={model}_seed={seed}/metrics.json").read_text()) for seed in SEEDS]
    return [each["evaluate.accuracy"] for each in metrics]


def test_models_are_compared_by_the_paired_differences_over_equal_seeds(sweep):
    (row,) = compare([sweep]).to_dict("records")
    one, other = accuracies(sweep, row["one"]), accuracies(sweep, row["other"])
    assert {row["one"], row["other"]} == {"lda", "knn"}
    known = corrected_t_test(np.subtract(one, other), 38 / 112)
    assert (row["splits"], row["verdict"]) == (3, "not distinguishable")
    assert [row[name] for name in ("difference", "low", "high", "t", "p")] == pytest.approx(
        [known.difference, known.low, known.high, known.statistic, known.p]
    )


def test_a_folder_of_runs_and_the_runs_one_by_one_are_the_same(sweep):
    assert compare([sweep]).equals(compare(sorted(map(str, sweep.iterdir()))))


def test_the_runs_of_a_folder_are_in_the_order_of_their_numbers_without_those_being_written(tmp_path):
    for name in ("seed=10", "seed=2", ".seed=3.partial"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "ro-crate-metadata.json").touch()
    assert [run.name for run in find_runs([tmp_path])] == ["seed=2", "seed=10"]


def test_models_of_one_test_set_are_compared_sample_by_sample(sweep):
    runs = [sweep / f"model={model}_seed=0" for model in ("lda", "knn")]
    right = []
    for run in runs:
        model = load_model(run)
        split = read_split(run, model)
        right.append(model.estimator.predict(split.test_features) == split.test_target)
    (row,) = compare(runs).to_dict("records")
    better, worse = int((right[0] & ~right[1]).sum()), int((right[1] & ~right[0]).sum())
    sign = 1 if row["one"] == "lda" else -1
    assert row["difference"] == pytest.approx(sign * (better - worse) / 38)
    assert row["p"] == (binomtest(better, better + worse).pvalue if better + worse else 1)
    assert row["splits"] == 1
    assert "it says nothing about another draw" in " ".join(summarize(compare_runs(runs)).split())


@pytest.fixture(scope="module")
def three(sweep, tmp_path_factory) -> Path:
    """Three configurations with three seeds: knn is the best in cross-validation, boosting on every test set."""
    folder = tmp_path_factory.mktemp("three")
    for seed in SEEDS:
        run = sweep / f"model=lda_seed={seed}"
        for model, validated, held_out in (("lda", 0.7, 0.71), ("knn", 0.9, 0.7), ("boosting", 0.8, 0.95)):
            noise = 0.001 * (seed - 1) * (1 if model == "lda" else 2 if model == "knn" else -1)
            metrics = {"train.accuracy_mean": validated, "evaluate.accuracy": held_out + noise}
            altered(run, folder / f"{model}{seed}", model=model, metrics=metrics)
    return folder


def test_best_is_said_by_cross_validation_and_never_by_the_test_set(three):
    group = compare_runs([three]).groups[0]
    assert [each.name for each in group.configurations] == ["knn", "boosting", "lda"]
    said = " ".join(summarize(compare_runs([three])).split())
    assert "The best by cross-validation is knn (90.0 %, the mean of 3 seeds)." in said
    assert "By its accuracy on the test sets, it is worse than boosting, lda." in said


def test_p_values_are_adjusted_over_the_pairs_and_decide_the_verdict(three):
    table = compare([three])
    assert len(table) == 3
    assert table["p_holm"].tolist() == pytest.approx(holm(table["p"].tolist()))
    assert table.set_index(["one", "other"])["verdict"]["knn", "boosting"] == "boosting is better"
    assert ((table["p_holm"] < 0.05) == table["verdict"].str.endswith("is better")).all()


def test_of_a_score_that_should_be_low_the_lower_one_is_better(sweep, tmp_path):
    for seed in SEEDS:
        for model, loss in (("lda", 0.1), ("knn", 0.5)):
            metrics = {"evaluate.log_loss": loss + 0.001 * seed * (model == "knn")}
            altered(sweep / f"model=lda_seed={seed}", tmp_path / f"{model}{seed}", model=model, metrics=metrics)
    assert compare([tmp_path], score="log_loss")["verdict"].tolist() == ["lda is better"]


def test_the_same_difference_on_every_test_set_is_no_test(sweep, tmp_path):
    for seed in SEEDS:
        for model, accuracy in (("lda", 0.9), ("knn", 0.8)):
            metrics = {"evaluate.accuracy": accuracy}
            altered(sweep / f"model=lda_seed={seed}", tmp_path / f"{model}{seed}", model=model, metrics=metrics)
    (row,) = compare([tmp_path]).to_dict("records")
    assert row["verdict"] == "not tested: no variation" and np.isnan(row["p_holm"])
    said = " ".join(summarize(compare_runs([tmp_path])).split())
    assert "it cannot be tested against" in said and "not distinguishable" not in said


def test_only_the_best_is_compared_with_many(sweep, tmp_path):
    for folds in range(2, 9):
        for seed in (0, 1):
            metrics = {"train.accuracy_mean": 0.5 + folds / 100}
            altered(sweep / f"model=lda_seed={seed}", tmp_path / f"{folds}_{seed}", folds=folds, metrics=metrics)
    table = compare([tmp_path])
    assert set(table["one"]) == {"folds=8"} and len(table) == 6
    assert "only the best by cross-validation is compared" in " ".join(summarize(compare_runs([tmp_path])).split())


def test_runs_with_other_test_sets_are_told_apart(sweep, tmp_path, capsys):
    for seed in (0, 1):
        for model in ("lda", "knn"):
            write_run(tmp_path / f"{model}{seed}", model=model, seed=seed, test_size=0.4)
    table = compare([sweep, tmp_path])
    assert sorted(table["group"]) == ["test_size=0.25", "test_size=0.4"]
    assert sorted(table["splits"]) == [2, 3]
    assert main(["compare", str(sweep), str(tmp_path)]) == 0
    said = " ".join(capsys.readouterr().out.split())
    assert re.search(r"Not compared with each other, because their test sets differ: \(test_size=0.\d+\), \(test", said)


def test_different_models_of_different_seeds_are_not_compared(sweep):
    runs = [sweep / "model=lda_seed=0", sweep / "model=knn_seed=1"]
    assert compare(runs).empty
    assert "their test sets differ: (model=lda, seed=0), (model=knn, seed=1)" in " ".join(
        summarize(compare_runs(runs)).split()
    )


def test_seeds_of_one_model_are_repetitions(sweep):
    found = compare_runs([sweep / f"model=knn_seed={seed}" for seed in SEEDS])
    assert "One configuration with 3 seeds: nothing to compare it with." in summarize(found)
    mean, low, high = found.groups[0].best.scores["accuracy"]
    known = corrected_t_test(accuracies(sweep, "knn"), 38 / 112)
    assert (mean, low, high) == pytest.approx((known.difference, known.low, min(1, known.high)))


def test_a_test_set_that_no_seed_changes_counts_once(sweep, tmp_path):
    for model in ("lda", "knn"):
        for seed in SEEDS:
            altered(sweep / f"model={model}_seed=0", tmp_path / f"{model}{seed}", seed=seed)
    assert compare([tmp_path])["splits"].tolist() == [1]


def test_equal_rows_of_another_table_are_another_test_set(sweep, tmp_path):
    features = IRIS.features.copy()
    features.iloc[7, 2] += 0.1
    other = Dataset("iris", features, IRIS.target, IRIS.classes, IRIS.target_name, "mine")
    run = altered(sweep / "model=knn_seed=0", tmp_path / "other", dataset=other)
    with pytest.raises(InputError, match=r"of different data cannot be compared: .* is of iris \(187571a23f1b…\), "):
        compare([sweep / "model=lda_seed=0", run])
    groups = compare_runs([sweep, run]).groups
    assert [len(group.pairs) for group in groups] == [1, 0]
    said = " ".join(summarize(compare_runs([sweep, run])).split())
    assert re.search(r"their data differ: \(iris \(187571a23f1b…\)\), \(iris \(\w{12}…\), model=knn, seed=0\)", said)


def test_runs_of_different_data_are_one_line_and_exit_code_2(sweep, tmp_path, capsys):
    write_run(tmp_path / "wine", data="wine", model="lda")
    assert main(["compare", str(sweep / "model=lda_seed=0"), str(tmp_path / "wine")]) == 2
    out, err = capsys.readouterr()
    assert out == "" and err.count("\n") == 1
    assert "runs of different data cannot be compared" in err and "is of iris (" in err and "of wine (" in err


def damaged(run: Path, place: Path, name: str, content: str | None) -> Path:
    shutil.copytree(run, place)
    (place / name).unlink() if content is None else (place / name).write_text(content)
    return place


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("metrics.json", '{"evaluate.accuracy": 1.0}', "is damaged: metrics.json: not the file that the record names"),
        ("metrics.json", None, "is damaged: metrics.json: No such file"),
        ("ro-crate-metadata.json", "{", "is damaged: ro-crate-metadata.json is no record of a run"),
        ("ro-crate-metadata.json", '{"@graph": [7]}', "is damaged: ro-crate-metadata.json is no record of a run"),
        ("ro-crate-metadata.json", '{"@graph": []}', "has no metrics.json, so no model to compare"),
        ("ro-crate-metadata.json", None, "no run in .*: expected ro-crate-metadata.json in it, or folders that have"),
    ],
)
def test_a_damaged_run_is_named(sweep, tmp_path, name, content, message):
    run = damaged(sweep / "model=lda_seed=0", tmp_path / "run", name, content)
    with pytest.raises(ArtifactError, match=message) as found:
        compare([sweep / "model=knn_seed=0", run])
    assert "\n" not in str(found.value) and "run" in str(found.value)


def test_a_run_without_an_evaluation_is_refused(sweep, tmp_path):
    run = tmp_path / "run"
    shutil.copytree(sweep / "model=lda_seed=0", run)
    (run / "metrics.json").write_text('{"eda.samples": 150}')
    seal(run, DEFAULTS, IRIS)
    with pytest.raises(ArtifactError, match=r"has no evaluated model in metrics.json: give runs of all three steps"):
        compare([sweep / "model=knn_seed=0", run])


def test_what_cannot_be_compared_is_refused(sweep, tmp_path):
    run = sweep / "model=lda_seed=0"
    copy = altered(run, tmp_path / "copy")
    with pytest.raises(InputError, match="one run has nothing to be compared with: give another beside"):
        compare([run])
    with pytest.raises(InputError, match="is given twice: name each run once"):
        compare([run, run / ".." / run.name])
    with pytest.raises(InputError, match="have the same parameters and the same test set: give one of them"):
        compare([run, copy])
    with pytest.raises(ArtifactError, match="'nowhere' does not exist: give folders of runs"):
        compare(["nowhere"])
    with pytest.raises(ArtifactError, match="is a file: give folders of runs"):
        compare([run / "metrics.json"])
    with pytest.raises(UnknownNameError, match="unknown score 'roc_acu': did you mean roc_auc"):
        compare([sweep], score="roc_acu")


@pytest.mark.parametrize(
    ("output", "message"),
    [
        ("page.pdf", "expected a name that ends in .html, .svg or .png"),
        ("nowhere/page.html", "expected a file name in a folder that exists"),
    ],
)
def test_an_output_that_cannot_be_written_is_refused_first(sweep, tmp_path, capsys, output, message):
    assert main(["compare", str(sweep), "--output", str(tmp_path / output)]) == 2
    assert message in capsys.readouterr().err


def test_a_picture_of_nothing_is_refused(sweep, tmp_path, capsys):
    runs = [str(sweep / "model=lda_seed=0"), str(sweep / "model=knn_seed=1")]
    assert main(["compare", *runs, "--output", str(tmp_path / "picture.svg")]) == 2
    assert "no two of these runs have the same test set" in capsys.readouterr().err


def test_page_and_pictures_are_written_and_the_same_each_time(sweep, tmp_path):
    names = ("page.html", "picture.svg", "picture.png")
    outputs = [str(tmp_path / name) for name in names]
    written = []
    for _ in range(2):
        assert main(["compare", str(sweep), *(word for name in outputs for word in ("-o", name))]) == 0
        written.append([Path(name).read_bytes() for name in outputs])
    assert written[0] == written[1]
    page = written[0][0].decode()
    assert "not distinguishable" in page and "6 runs of iris, compared" in page
    assert not re.findall(r"(?:src|href)=\"(?!data:)|url\(|<script", page), "it needs no network"
    assert written[0][1].startswith(b"<?xml") and written[0][2].startswith(b"\x89PNG")


def test_names_and_values_cannot_write_html(sweep, tmp_path):
    for model in ("lda", "knn"):
        altered(sweep / f"model={model}_seed=0", tmp_path / f"<b>{model}", drop=f"<script>{model}", data="<i>x")
    section = comparison_section(list(tmp_path.iterdir()))
    assert "<script" not in section and "<b>lda" not in section and "<i>" not in section
    assert "&lt;script&gt;lda" in section


def test_a_section_says_why_there_is_nothing_to_compare(sweep):
    section = comparison_section([sweep / "model=lda_seed=0"] * 2)
    assert "is given twice" in section
    assert section.startswith("<section") and section.endswith("</section>")
    assert comparison_section([sweep / "model=lda_seed=0"]) == ""


def drawn_points(rows: list[Row]) -> list[np.ndarray]:
    axes = scores_by_split(rows, title="", scale="", percent=True, signed=True).axes[0]
    return [line.get_xydata() for line in axes.lines if line.get_marker() == "o"]


def test_every_split_is_a_point_that_no_other_one_hides():
    equal = Row("equal", [0.0] * 20, 0, float("nan"), float("nan"))
    spread = Row("spread", [place / 38 for place in (-2, -1, -1, 0, 0, 0, 1, 3)], 0.01, -0.05, 0.07, "not better")
    for row, points in zip([equal, spread], drawn_points([equal, spread]), strict=True):
        assert sorted(points[:, 0]) == sorted(row.points)
        assert len({(round(x, 9), round(y, 9)) for x, y in points}) == len(row.points)


@pytest.mark.slow
def test_the_runs_of_a_real_sweep_are_compared(tmp_path):
    command = [sys.executable, "-m", "iris_lab"]
    swept = ["sweep", "-p", "model=lda,knn", "-p", "seed=0,1", "--output", "swept", "--jobs", "2"]
    subprocess.run([*command, *swept], cwd=tmp_path, check=True, capture_output=True, timeout=900)
    said = subprocess.run(
        [*command, "compare", "swept", "-o", "page.html"], cwd=tmp_path, check=True, capture_output=True, text=True
    ).stdout
    assert re.search(r"runs +4 of iris", said) and "seed: 0, 1" in said
    assert re.search(r"(lda − knn|knn − lda) .* not distinguishable", said)
    assert (tmp_path / "page.html").stat().st_size > 50_000
