"""Models of categories, booleans, dates and gaps behind the endpoint: asked in JSON, in tensors, and on the page."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from conftest import save_run
from demo_page import Visit, expect_answer
from mixed_table import mixed_dataset, mixed_table
from playwright.sync_api import expect

from iris_lab.modeling import MODELS, Split, load_model
from iris_lab.prediction.tables import predict_file
from iris_lab.serving import create_app, launch

PET = {"weight (kg)": 4.2, "colour": "black", "castrated": True, "born": "2019-05-17", "toys": 3}
LOCAL = {"Host": "127.0.0.1"}


@pytest.fixture(scope="module")
def pets(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Split]:
    folder = tmp_path_factory.mktemp("pets")
    _, split = save_run(folder, mixed_dataset(), "boosting")
    return folder, split


@pytest.fixture(scope="module")
def ask(pets: tuple[Path, Split]) -> Callable[..., tuple[int, Any]]:
    client = create_app(load_model(pets[0])).app.test_client()

    def post(body: object, path: str = "/predict") -> tuple[int, Any]:
        answer = client.post(path, data=json.dumps(body), content_type="application/json", headers=LOCAL)
        return answer.status_code, answer.json

    return post


@pytest.mark.parametrize("model", MODELS)
def test_the_answers_are_those_of_the_model(tmp_path: Path, model: str) -> None:
    saved, split = save_run(tmp_path, mixed_dataset(), model)
    columns = {one.name: one.as_json(split.test_features[one.name]) for one in split.dataset.schema}
    rows = [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]
    client = create_app(load_model(tmp_path)).app.test_client()
    answer = client.post("/predict", json={"data": rows, "probabilities": True}, headers=LOCAL).json
    assert answer["result"] == saved.estimator.predict(split.test_features).tolist()
    assert answer["probabilities"] == saved.estimator.predict_proba(split.test_features).tolist()
    assert "unknown" not in answer


def test_a_level_that_training_did_not_have_is_answered_and_said(ask: Callable[..., tuple[int, Any]]) -> None:
    status, answer = ask({"data": [PET, PET | {"colour": "purple"}, PET | {"colour": None}, PET | {"colour": ""}]})
    assert status == 200
    assert answer["unknown"] == [{"row": 1, "feature": "colour"}, {"row": 3, "feature": "colour"}]


REFUSED = {
    "a number for a text": ({"colour": 5}, '"colour" is 5, expected a text, or null'),
    "a text for a number": ({"weight (kg)": "4"}, "expected a finite number, at most 1e+30 in size, or null"),
    "no date": ({"born": "17.5.2019"}, "expected a date such as 2024-01-31, or null"),
    "no such day": ({"born": "2019-02-29"}, "expected a date such as 2024-01-31, or null"),
    "a gap where training had none": ({"toys": None}, '"toys" is null, expected a finite number'),
    "a number for a boolean": ({"castrated": -1}, '"castrated" is -1, expected true or false, or as a number 1 or 0'),
    "a text for a boolean": ({"castrated": "true"}, "expected true or false, or as a number 1 or 0, or null"),
}


@pytest.mark.parametrize(("change", "words"), REFUSED.values(), ids=REFUSED)
def test_what_does_not_fit_the_schema_is_refused(
    ask: Callable[..., tuple[int, Any]], change: dict[str, Any], words: str
) -> None:
    status, problem = ask({"data": [PET | change]})
    assert status == 422
    assert words in problem["detail"]


def test_the_description_has_levels_and_null(pets: tuple[Path, Split]) -> None:
    document = create_app(load_model(pets[0])).app.test_client().get("/openapi.json", headers=LOCAL).json
    assert {"/predict", "/predict_table"} == {path for path in document["paths"] if "predict" in path}
    sample = document["components"]["schemas"]["Sample"]["properties"]
    assert {"enum": ["black", "brown", "grey", "red", "teal", "white"]} in sample["colour"]["anyOf"][0]["anyOf"]
    assert {"type": "null"} in sample["weight (kg)"]["anyOf"]
    assert sample["toys"]["type"] == "number"
    example = document["paths"]["/predict"]["post"]["requestBody"]["content"]["application/json"]["example"]
    assert isinstance(example["data"][0]["colour"], str)
    assert isinstance(example["data"][0]["castrated"], bool)


def tensors(**changes: dict[str, Any]) -> dict[str, Any]:
    kinds = {"weight (kg)": "FP64", "colour": "BYTES", "castrated": "BOOL", "born": "BYTES", "toys": "INT64"}
    inputs = [
        {"name": name, "shape": [1], "datatype": kind, "data": [PET[name]]} | changes.get(name.split()[0], {})
        for name, kind in kinds.items()
    ]
    return {"inputs": inputs}


def test_the_inference_protocol_takes_texts_and_booleans(
    ask: Callable[..., tuple[int, Any]], pets: tuple[Path, Split]
) -> None:
    path = "/v2/models/boosting/infer"
    status, answer = ask(tensors(), path)
    assert status == 200, answer
    (_, same) = ask({"data": [PET], "probabilities": True})
    assert answer["outputs"][0]["data"] == same["result"]
    assert answer["outputs"][1]["data"] == same["probabilities"][0]
    assert ask(tensors(colour={"data": [None]}), path)[0] == 200
    metadata = create_app(load_model(pets[0])).app.test_client().get("/v2/models/boosting", headers=LOCAL).json
    assert [tensor["datatype"] for tensor in metadata["inputs"]] == ["FP64", "BYTES", "BOOL", "BYTES", "FP64"]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"colour": {"datatype": "FP64", "data": [1.0]}}, "expected one of BYTES"),
        ({"born": {"data": ["yesterday"]}}, "expected a date such as 2024-01-31"),
        ({"toys": {"data": [None]}}, "is null, expected an integer"),
        ({"castrated": {"data": [1]}}, "expected true or false"),
        ({"castrated": {"datatype": "FP64", "data": [0.5]}}, "expected 1 or 0"),
    ],
)
def test_tensors_that_do_not_fit_the_schema_are_refused(
    ask: Callable[..., tuple[int, Any]], change: dict[str, Any], words: str
) -> None:
    status, problem = ask(tensors(**change), "/v2/models/boosting/infer")
    assert status == 422
    assert words in problem["detail"]


def test_one_tensor_for_all_features_needs_numbers(ask: Callable[..., tuple[int, Any]]) -> None:
    one = {"name": "input-0", "shape": [1, 5], "datatype": "FP64", "data": [1, 2, 3, 4, 5]}
    status, problem = ask({"inputs": [one]}, "/v2/models/boosting/infer")
    assert status == 422
    assert "an input for each feature, as some are not numbers" in problem["detail"]


def test_a_table_file_is_predicted_with_gaps_and_new_levels(pets: tuple[Path, Split], tmp_path: Path) -> None:
    table = mixed_table()
    table.loc[5, "colour"] = "purple"
    table.drop(columns="kind").to_csv(tmp_path / "pets.csv", index=False)
    lines = "".join(predict_file(pets[0], tmp_path / "pets.csv")).splitlines()
    (tmp_path / "answer.csv").write_text("\n".join(lines))
    answer = pd.read_csv(tmp_path / "answer.csv", keep_default_na=False, dtype=str)
    model, dataset = load_model(pets[0]), mixed_dataset()
    codes = model.estimator.predict(dataset.features)
    same = np.array([model.classes[code] for code in codes]) == answer["predicted"].to_numpy()
    assert set(np.flatnonzero(~same)) <= {5}
    assert answer["colour"][1] == table["colour"][1] == "?"


@pytest.mark.slow
def test_the_page_has_a_control_for_each_kind(pets: tuple[Path, Split], visit: Visit) -> None:
    with launch(pets[0], share_samples=True) as server:
        page = visit(f"{server.url}/")
        expect_answer(page)
        page.get_by_label("colour", exact=True).select_option("black")
        page.get_by_label("castrated", exact=True).select_option("true")
        page.get_by_label("weight (kg)", exact=True).first.fill("3.9")
        expect(page.locator("#verdict-name")).to_have_text("cat")
        page.locator("#unknown-1").check()
        expect(page.locator("#curl")).to_contain_text('"colour":null')
        expect_answer(page)
        page.get_by_label("born", exact=True).fill("2031-01-01")
        expect(page.locator("#verdict-note")).to_contain_text("Outside the training range: born")
        for axis in ("colour", "born", "castrated"):
            page.get_by_label("x axis").select_option(axis)
            expect_answer(page) if axis != "colour" else expect(page.locator("#plot-says")).to_contain_text("are known")
        page.get_by_role("button", name="owl").click()
        expect_answer(page)


def test_a_csv_table_is_answered_as_the_command_does(pets: tuple[Path, Split], tmp_path: Path) -> None:
    client = create_app(load_model(pets[0])).app.test_client()
    mixed_table().to_csv(tmp_path / "pets.csv", index=False)
    answer = client.post(
        "/predict_table", data=(tmp_path / "pets.csv").read_bytes(), content_type="text/csv", headers=LOCAL
    )
    assert (answer.status_code, answer.content_type) == (200, "text/csv; charset=utf-8")
    assert answer.text == "".join(predict_file(pets[0], tmp_path / "pets.csv"))


BAD_TABLES = {
    "a column less": (b"colour,born\nred,2019-01-01\n", "the table has no column 'weight (kg)'"),
    "nothing": (b"", "'table.csv'"),
    "no text": (b"\x00\xff\x00" * 99, "'table.csv'"),
    "a wrong value": (
        b"weight (kg),colour,castrated,born,toys\n4,red,true,2019-01-01,many\n",
        "line 2: 'toys' is 'many', expected a finite number",
    ),
}


@pytest.mark.parametrize(("table", "words"), BAD_TABLES.values(), ids=BAD_TABLES)
def test_a_table_that_cannot_be_predicted_is_refused_in_one_line(
    pets: tuple[Path, Split], table: bytes, words: str
) -> None:
    client = create_app(load_model(pets[0])).app.test_client()
    answer = client.post("/predict_table", data=table, content_type="text/csv", headers=LOCAL)
    assert answer.status_code == 422
    assert words in answer.json["detail"]


@pytest.mark.slow
def test_a_table_given_to_the_page_comes_back_with_predictions(
    pets: tuple[Path, Split], visit: Visit, tmp_path: Path
) -> None:
    mixed_table().drop(columns="kind").to_csv(tmp_path / "my pets.csv", index=False)
    (tmp_path / "bad.csv").write_text("a,b\n1,2\n")
    with launch(pets[0]) as server:
        page = visit(f"{server.url}/", outages=True)
        with page.expect_download() as downloading:
            page.set_input_files("#file", tmp_path / "my pets.csv")
        assert downloading.value.suggested_filename == "my pets-predicted.csv"
        answer = pd.read_csv(downloading.value.path())
        assert len(answer) == 400
        assert "predicted" in answer
        page.set_input_files("#file", tmp_path / "bad.csv")
        expect(page.locator("#table-says")).to_contain_text("was not predicted: the table has no column")
