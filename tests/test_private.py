"""A private run holds no sample: canaries in its table are neither in its files nor in what its endpoint answers."""

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import requests
from canaries import Canaries, contents, plant, unpacked
from flask.testing import FlaskClient
from tampering import PUBLISHED, edit_record

from iris_lab import figures
from iris_lab.artifacts import read_split, write_split
from iris_lab.cli import main
from iris_lab.data.dataset import Dataset
from iris_lab.data.datasets import load_dataset
from iris_lab.data.privacy import FEWEST, outwards
from iris_lab.data.schema import Feature
from iris_lab.errors import InputError
from iris_lab.evaluation import misclassified
from iris_lab.exploration import describe, duplicates, first_samples, kinds_of_features, summarize
from iris_lab.findings import overlapping_classes, separating_features
from iris_lab.modeling import Split, load_model, make_estimator, make_split, save_model
from iris_lab.pitfalls import in_table, record_pitfalls
from iris_lab.serving import create_app
from iris_lab.serving.http.middleware import Rules

LOCAL = {"Host": "127.0.0.1"}
PAGES = ("/", "/docs", "/model", "/model/samples", "/openapi.json", "/metrics", "/health/ready", "/v2", "/nowhere")


@pytest.fixture
def table(tmp_path: Path) -> Iterator[Path]:
    yield tmp_path / "people.csv"


def found_in(files: Iterable[Path], canaries: Canaries) -> list[str]:
    return [f"{path.name}: {one}" for path in files for content in contents(path) for one in canaries.found_in(content)]


def answers(client: FlaskClient) -> Iterator[bytes]:
    """Yield what an endpoint answers: its pages, predictions, and refusals."""
    for page in PAGES:
        for accept in ("text/html", "application/json"):
            yield client.get(page, headers=LOCAL | {"Accept": accept}).data
    example = client.get("/openapi.json", headers=LOCAL).json["paths"]["/predict"]["post"]["requestBody"]
    body = example["content"]["application/json"]["example"] | {"probabilities": True}
    right = client.post("/predict", json=body, headers=LOCAL)
    assert right.status_code == 200
    yield right.data
    for wrong in ({}, {"data": [{}]}, {"data": [dict.fromkeys(body["data"][0])]}):
        yield client.post("/predict", json=wrong, headers=LOCAL).data
    yield client.post("/predict_table", data=b"a,b\n1,2\n", content_type="text/csv", headers=LOCAL).data


def test_the_search_finds_what_is_in_a_table_that_is_not_private(table: Path, tmp_path: Path) -> None:
    canaries = plant(table)
    assert len(canaries) > 1000
    dataset = load_dataset(table, keep="badge", drop="scarce,sparse")
    assert len(set(canaries.found_in(table.read_bytes()))) > 1900
    split = make_split(dataset)
    estimator = make_estimator("lda", 0, dataset.schema).fit(split.train_features, split.train_target)
    save_model(tmp_path / "run", estimator, split, "lda")
    assert len(found_in([tmp_path / "run" / "model.json"], canaries)) > 500
    for content in (canaries.numbers[:5].tobytes(), canaries.numbers[:5].byteswap().tobytes(), b"7.314159e+08"):
        table.write_bytes(b"xyz, " + content)
        assert found_in([table], canaries), content


def test_nothing_of_a_sample_is_in_what_the_steps_show_and_draw(table: Path, tmp_path: Path) -> None:
    canaries, run = plant(table), tmp_path / "run"
    dataset = load_dataset(table, keep="badge,flag", private=True)
    assert list(dataset.features) == ["salary", "dose", "ratio", "sparse", "born", "city", "height"]
    again = saved_split(dataset, "logistic", run)
    estimator = load_model(run).estimator
    predicted, shares = estimator.predict(again.test_features), estimator.predict_proba(again.test_features)
    tables = [first_samples(dataset), kinds_of_features(dataset), summarize(dataset), duplicates(dataset)]
    tables += [record_pitfalls(run, "eda", in_table(dataset)), misclassified(again, predicted)]
    texts = [describe(dataset), separating_features(dataset).data, overlapping_classes(dataset).data]
    texts += [shown for one in tables for shown in (one.to_string(), one.to_html(), one.to_csv())]
    (run / "shown.txt").write_text("\n".join(texts), encoding="utf-8")
    for draw in (figures.violins, figures.pairs, figures.levels):
        (run / f"{draw.__name__}.svg").write_bytes(figures.render(draw(dataset), "svg"))
    for draw in (figures.reliability, figures.threshold_curves):
        (run / f"{draw.__name__}.svg").write_bytes(figures.render(draw(again, shares), "svg"))
    (run / "confidence.svg").write_bytes(figures.render(figures.confidence(again, shares, predicted), "svg"))
    assert found_in(run.rglob("*.*"), canaries) == []


@pytest.mark.parametrize("model", ["logistic", "forest", pytest.param("boosting", marks=pytest.mark.slow)])
def test_nothing_of_a_sample_is_in_a_model_and_what_its_endpoint_answers(
    table: Path, tmp_path: Path, model: str
) -> None:
    canaries, run = plant(table), tmp_path / "run"
    saved_split(load_dataset(table, keep="badge", private=True), model, run)
    assert found_in(run.rglob("*.*"), canaries) == []
    client = create_app(load_model(run), rules=Rules(share_samples=True)).app.test_client()
    assert canaries.found_in(b"\n".join(answers(client))) == []
    assert "it holds no training rows" in client.get("/model/samples", headers=LOCAL).json["detail"]
    assert str(tmp_path) not in client.get("/model", headers=LOCAL).text  # where the table was


def saved_split(dataset: Dataset, model: str, run: Path) -> Split:
    """Fit and save a private model and its split, and return the split as the next step reads it."""
    split = make_split(dataset)
    estimator = make_estimator(model, 0, dataset.schema, private=True).fit(split.train_features, split.train_target)
    saved = save_model(run, estimator, split, model)
    write_split(run, split)
    return read_split(run, saved)


def test_a_leaf_of_a_private_forest_rests_on_five_samples(table: Path) -> None:
    plant(table)
    dataset = load_dataset(table, private=True)
    split = make_split(dataset)
    forest = make_estimator("forest", 0, dataset.schema, private=True).fit(split.train_features, split.train_target)[-1]
    assert min(tree.tree_.n_node_samples.min() for tree in forest.estimators_) >= FEWEST


@pytest.mark.parametrize("model", ["knn", "svm"])
def test_models_that_consist_of_samples_are_refused(model: str) -> None:
    with pytest.raises(InputError, match=f"model={model}: its file consists of training samples"):
        make_estimator(model, private=True)


def test_values_are_shared_and_ranges_end_beyond_them(table: Path) -> None:
    plant(table)
    exact, coarse = load_dataset(table), load_dataset(table, private=True)
    assert coarse.digest == exact.digest
    for feature in coarse.schema:
        values, before = coarse.features[feature.name], exact.features[feature.name]
        if feature.kind == "category":
            assert feature.levels == ("Aton", "Beton", "Ceton")
            continue
        assert min((values == values.min()).sum(), (values == values.max()).sum()) >= FEWEST
        low, high = outwards(feature, values.min(), values.max())
        assert low <= values.min() <= values.max() <= high
        inside = before.between(*before.quantile([0.1, 0.9]))
        spread = before.quantile(0.75) - before.quantile(0.25)
        assert (values - before)[inside].abs().max() <= (31 if feature.kind == "date" else spread / 20)
    assert outwards(Feature("born", "date"), 8009.0, 8034.0) == (8004.0, 8034.0)


def test_a_group_counts_once_however_many_samples_it_has(table: Path) -> None:
    random = np.random.default_rng(0)
    person, value = np.repeat(np.arange(60), 10), random.normal(size=600)
    city = np.where(person < 12, "Aton", "Beton").astype(object)
    city[person == 3] = "Lonely"
    value[person == 5] = 99.0
    pd.DataFrame({
        "value": value, "city": city, "person": person, "state": np.where(random.random(600) < 0.5, "a", "b"),
    }).to_csv(table, index=False)  # fmt: skip
    alone = load_dataset(table, drop="person", private=True)
    assert alone.special["city"].levels == ("Aton", "Beton", "Lonely")
    assert alone.features["value"].max() > 90
    grouped = load_dataset(table, groups="person", private=True)
    assert grouped.special["city"].levels == ("Aton", "Beton")
    assert grouped.features["value"].max() < 5


def test_a_class_of_few_and_a_table_without_common_values_are_refused(table: Path) -> None:
    pd.DataFrame({"v": np.arange(40.0), "kind": ["a"] * 33 + ["rare"] * 7}).to_csv(table, index=False)
    with pytest.raises(InputError, match="class 'rare' has 7 samples or groups: a private run names no class of fewer"):
        load_dataset(table, private=True, keep="v")
    pd.DataFrame({"v": [*"abcdefghij"] * 4, "w": ["x"] * 40, "kind": ["a", "b"] * 20}).to_csv(table, index=False)
    with pytest.raises(InputError, match="no feature has values that several samples share"):
        load_dataset(table, private=True, drop="w")
    with pytest.raises(InputError, match="private='no': expected True or False"):
        load_dataset("iris", private="no")  # type: ignore[arg-type]  # as papermill gives it


def test_an_unknown_level_is_answered_like_a_rare_one(table: Path, tmp_path: Path) -> None:
    plant(table)
    dataset = load_dataset(table, private=True)
    split = make_split(dataset)
    estimator = make_estimator("logistic", 0, dataset.schema, private=True)
    save_model(tmp_path, estimator.fit(split.train_features, split.train_target), split, "logistic")
    client = create_app(load_model(tmp_path)).app.test_client()
    one = client.get("/openapi.json", headers=LOCAL).json["paths"]["/predict"]["post"]["requestBody"]["content"]
    sample = one["application/json"]["example"]["data"][0]
    body = {"data": [sample | {"city": "Rareville7"}, sample | {"city": "Nowhere"}], "probabilities": True}
    reply = client.post("/predict", json=body, headers=LOCAL).json
    assert reply["probabilities"][0] == reply["probabilities"][1]
    assert [place["row"] for place in reply["unknown"]] == [0, 1]


# --- by the command line


def iris_lab(*arguments: str, folder: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "iris_lab", *arguments]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


@pytest.mark.slow
def test_a_private_run_is_made_served_and_verified_without_a_sample_in_it(table: Path, tmp_path: Path) -> None:
    canaries = plant(table)
    options = ("-p", f"data={table}", "-p", "keep=badge", "-p", "model=forest", "--private", "-o", "run")
    made = iris_lab("report", *options, folder=tmp_path)
    assert made.returncode == 0, made.stderr
    run = tmp_path / "run"
    assert not (run / "data").exists()
    files = [path for path in run.rglob("*") if path.is_file()]
    assert len(files) > 20
    assert found_in(files, canaries) == []
    assert [path.name for path in files if str(tmp_path).encode() in path.read_bytes()] == []
    assert (run / "split.csv").read_text(encoding="utf-8").startswith("sample,subset\n")

    for content in served(run):
        assert [one for piece in unpacked(content) for one in canaries.found_in(piece)] == []

    moved = table.rename(tmp_path / "moved.csv")
    same = iris_lab("verify", "run", "--data", str(moved), "--json", folder=tmp_path)
    assert json.loads(same.stdout)["verdict"] == "identical", same.stdout
    frame = pd.read_csv(moved)
    frame.loc[100, "ratio"] += 1e-9
    frame.to_csv(tmp_path / "other.csv", index=False)
    other = iris_lab("verify", "run", "--data", "other.csv", folder=tmp_path)
    assert (other.returncode, "data people  SHA-256" in other.stdout) == (1, True), other.stdout


def served(run: Path) -> Iterator[bytes]:
    process = subprocess.Popen(
        [sys.executable, "-m", "iris_lab", "serve", str(run), "--port", "0", "--share-samples"],
        stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        assert process.stdout is not None
        url = re.findall(r"http://[^ ]+", process.stdout.readline())[0]
        for page in PAGES:
            for accept in ("text/html", "application/json"):
                yield requests.get(url + page, headers={"Accept": accept}, timeout=60).content
        yield requests.post(f"{url}/predict", json={"data": [{}]}, timeout=60).content
    finally:
        process.terminate()
        process.communicate(timeout=60)


def test_a_private_run_without_its_table_is_not_verified_and_another_run_takes_none(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = Path(shutil.copytree(PUBLISHED, tmp_path / "run"))
    assert main(["verify", str(run), "--data", "people.csv"]) == 2
    assert capsys.readouterr().err == "iris-lab: run 'run' is not private and holds its data: leave out --data\n"

    def make_private(entities: dict[str, Any]) -> None:
        entities["#own"] = {"@id": "#own", "@type": "PropertyValue", "name": "private", "value": True}
        for step in ("01_eda", "02_train"):
            entities[f"#{step}-data"]["value"] = "people.csv"
            entities[f"#step-{step}"]["object"].append({"@id": "#own"})

    edit_record(run, make_private)
    assert main(["verify", str(run)]) == 2
    said = capsys.readouterr().err
    assert said.startswith("iris-lab: run 'run' is private and holds no table: give it with --data, such as --data pe")
    assert said.count("\n") == 1
    assert main(["verify", str(run), "--data", "nothing.csv", "--quick"]) == 2
    assert "--quick executes nothing to compare" in capsys.readouterr().err
