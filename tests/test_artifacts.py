import os
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from iris_lab.artifacts import read_split, record_metrics, run_folder, write_split
from iris_lab.by_step import read_metrics
from iris_lab.data.datasets import load_dataset
from iris_lab.errors import ArtifactError, InputError
from iris_lab.modeling import Model, make_estimator, make_split, save_model


def train(folder: Path, source: str | Path) -> Model:
    split = make_split(load_dataset(source))
    write_split(folder, split)
    estimator = make_estimator().fit(split.train_features, split.train_target)
    return save_model(folder, estimator, split, "logistic")


@pytest.fixture
def odd_table(tmp_path: Path) -> Path:
    """Values with all their digits, class names that look like something else, a quote and a comma in a name."""
    rng = np.random.default_rng(0)
    features = pd.DataFrame(rng.normal(size=(60, 2)) * 1e-7, columns=['say "a", b', "part"])
    features.assign(kind=np.tile(["1", "NaN of it", "inf"], 20)).to_csv(tmp_path / "odd.csv", index=False)
    return tmp_path / "odd.csv"


def test_a_split_is_read_as_it_was_written(tmp_path: Path, odd_table: Path) -> None:
    for source in ("iris", odd_table):
        model = train(tmp_path, source)
        split, read = make_split(load_dataset(source)), read_split(tmp_path, model)
        assert read.dataset.digest == split.dataset.digest
        assert read.train.tolist() == split.train.tolist()
        assert read.test.tolist() == split.test.tolist()
        assert read.dataset.labels.equals(split.dataset.labels)


def test_without_a_split_the_message_says_what_to_run(tmp_path: Path) -> None:
    model = train(tmp_path, "iris")
    (tmp_path / "split.csv").unlink()
    with pytest.raises(ArtifactError, match=r"no split.csv in the run directory: run 02_train first"):
        read_split(tmp_path, model)


@pytest.mark.parametrize(
    ("old", "new"),
    [(",train", ",trial"), ("7,t", "8,t"), ("subset", "part"), ("150,", "151,"), ("sample", "row"), ("3,", "three,")],
)
def test_an_altered_split_is_refused(tmp_path: Path, old: str, new: str) -> None:
    model = train(tmp_path, "iris")
    path = tmp_path / "split.csv"
    path.write_text(path.read_text().replace(old, new, 1))
    with pytest.raises(ArtifactError, match=r"split.csv is not .*: run 02_train again"):
        read_split(tmp_path, model)


def test_a_run_holds_the_users_table_once_and_a_bundled_dataset_not_at_all(tmp_path: Path, odd_table: Path) -> None:
    train(tmp_path / "own", odd_table)
    train(tmp_path / "bundled", "iris")
    assert (tmp_path / "own" / "data" / "odd.csv").read_bytes() == odd_table.read_bytes()
    assert not (tmp_path / "bundled" / "data").exists()
    for run in ("own", "bundled"):
        lines = (tmp_path / run / "split.csv").read_text().splitlines()
        assert lines[0] == "sample,subset"
        assert all(re.fullmatch(r"\d+,(train|test)", line) for line in lines[1:])


def test_an_own_table_is_read_as_it_was_for_training(tmp_path: Path) -> None:
    table = tmp_path / "table.txt"
    rows = "".join(f"{at % 7},5|{at * 37 % 11}|{'ab'[at % 2]}|{at * 13 % 5}\n" for at in range(60))
    table.write_text(f"x|y|kind|z\n{rows}")
    dataset = load_dataset(table, "kind", separator="|", decimal=",", drop="z")
    split = make_split(dataset)
    write_split(tmp_path, split)
    estimator = make_estimator().fit(split.train_features, split.train_target)
    model = save_model(tmp_path, estimator, split, "logistic")
    assert read_split(tmp_path, model).dataset.digest == dataset.digest


def test_a_table_that_is_gone_or_altered_is_named(tmp_path: Path, odd_table: Path) -> None:
    model = train(tmp_path, odd_table)
    copy = tmp_path / "data" / "odd.csv"
    copy.write_text(copy.read_text().replace("1\n", "inf\n", 1))
    with pytest.raises(ArtifactError, match=r"odd is not the data the model was trained on \(digest\)"):
        read_split(tmp_path, model)
    copy.unlink()
    with pytest.raises(ArtifactError, match=r"no data/odd.csv in the run directory: run 02_train first"):
        read_split(tmp_path, model)


def test_the_split_of_another_run_is_refused(tmp_path: Path) -> None:
    model = train(tmp_path, "iris")
    train(tmp_path, "wine")
    with pytest.raises(ArtifactError, match=r"split.csv is not .*: run 02_train again"):
        read_split(tmp_path, model)


def test_metrics_are_flat_sorted_and_replaced_by_step(tmp_path: Path) -> None:
    record_metrics(tmp_path, "train", {"b": 1, "a": 0.5})
    record_metrics(tmp_path, "eda", {"n": 3})
    record_metrics(tmp_path, "train", {"c": 2})
    assert read_metrics(tmp_path) == {"eda.n": 3, "train.c": 2}
    assert (tmp_path / "metrics.json").read_text() == '{\n "eda.n": 3,\n "train.c": 2\n}\n'


def test_training_again_removes_the_numbers_of_the_model_before(tmp_path: Path) -> None:
    record_metrics(tmp_path, "evaluate", {"accuracy": 0.9})
    record_metrics(tmp_path, "train", {"a": 1}, outdates="evaluate")
    assert read_metrics(tmp_path) == {"train.a": 1}


def test_numbers_of_numpy_are_recorded_as_numbers(tmp_path: Path) -> None:
    record_metrics(tmp_path, "train", {"mean": np.array([0.25, 0.5]).mean()})
    assert read_metrics(tmp_path) == {"train.mean": 0.375}


@pytest.mark.parametrize("content", ["", "[]", '{"a": "b"}', '{"a": null}'])
def test_damaged_metrics_are_one_clear_line(tmp_path: Path, content: str) -> None:
    (tmp_path / "metrics.json").write_text(content)
    with pytest.raises(ArtifactError, match=r"metrics.json is not a flat table of numbers"):
        record_metrics(tmp_path, "train", {"a": 1})


def test_the_run_folder_is_made_where_it_is_named(tmp_path: Path) -> None:
    assert run_folder(str(tmp_path / "a" / "b")).is_dir()


def test_the_default_run_folder_is_the_project_s_draft_wherever_one_stands(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert run_folder().parts[-2:] == ("reports", "draft")
    assert os.listdir(tmp_path) == []


def test_a_run_folder_that_is_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "taken").touch()
    for path in (tmp_path / "taken", tmp_path / "taken" / "below"):
        with pytest.raises(InputError, match=re.escape(f"cannot use run directory {str(path)!r}: ")):
            run_folder(str(path))
