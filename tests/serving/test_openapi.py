"""The description of the endpoint is true: valid OpenAPI 3.1, complete, and kept by every answer."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any
from urllib.parse import quote

import numpy as np
import pandas as pd
import pytest
import schemathesis
from conftest import save_run
from jsonschema import Draft202012Validator
from markupsafe import escape
from services import serving
from werkzeug.test import Client

import iris_lab.serving
from iris_lab.data.datasets import load_dataset
from iris_lab.modeling import load_model
from iris_lab.serving.app import create_app, endpoint_of
from iris_lab.serving.http.problems import KINDS
from iris_lab.serving.oip.protocol import OUTPUTS
from iris_lab.serving.routes import PREDICT_SPECIES

LOCAL = {"Host": "127.0.0.1"}
HOSTILE = ["<script>alert(1)</script>", 'a "quoted" \\ name', "größe 🌸 (mm)", "constant", "{{ 7 * 7 }}", "O'Hara"]


@pytest.fixture(scope="session")
def hostile_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run on a table whose names of features and classes are code, quotes and signs."""
    folder = tmp_path_factory.mktemp("hostile")
    table = pd.DataFrame(np.random.default_rng(0).normal(size=(60, len(HOSTILE))).round(2), columns=HOSTILE)
    table["constant"] = 3
    table["</title><script>"] = [f"<b>{row % 4}</b> & \"'" for row in range(60)]
    table.to_csv(folder / "table.csv", index=False)
    save_run(folder / "run", load_dataset(str(folder / "table.csv"), "</title><script>"))
    return folder / "run"


@pytest.fixture(scope="module", params=["iris", "hostile", "boolean"])
def run(request: pytest.FixtureRequest) -> Path:
    folder: Path = request.getfixturevalue(f"{request.param}_run")
    return folder


@pytest.fixture(scope="module")
def client(run: Path) -> Client:
    return Client(endpoint_of(run))


@pytest.fixture(scope="module")
def document(client: Client) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads(client.get("/openapi.json", headers=LOCAL).data)
    return loaded


def test_the_document_is_valid_openapi(document: dict[str, Any]) -> None:
    assert document["openapi"].startswith("3.1")
    schemathesis.openapi.from_dict(document).validate()


def test_a_sample_in_the_document_is_what_requests_are_checked_against(document: dict[str, Any], run: Path) -> None:
    sample = document["components"]["schemas"]["Sample"]
    features = load_model(run).info["features"]
    assert list(sample["properties"]) == sample["required"] == [feature["name"] for feature in features]
    assert sample["additionalProperties"] is False
    for feature in features:
        assert f"{feature['min']:g} to {feature['max']:g}" in sample["properties"][feature["name"]]["description"]


def test_a_boolean_feature_is_described_as_a_boolean_or_a_number(boolean_run: Path) -> None:
    document = json.loads(Client(endpoint_of(boolean_run)).get("/openapi.json", headers=LOCAL).data)
    described = document["components"]["schemas"]["Sample"]["properties"]["smokes"]
    assert [one["type"] for one in described["anyOf"]] == ["boolean", "number"]
    assert described["description"].startswith("True or false; as a number, 1 or 0.")
    assert described["examples"] in ([True], [False])


def test_the_example_in_the_document_is_answered(document: dict[str, Any], client: Client) -> None:
    (path,) = document["paths"].keys() & {"/predict_species", "/predict"}
    content = document["paths"][path]["post"]["requestBody"]["content"]["application/json"]
    assert client.post(path, json=content["example"], headers=LOCAL).status_code == 200


def test_every_route_of_the_application_is_described(document: dict[str, Any], run: Path) -> None:
    model = load_model(run)
    rules = [rule.rule for rule in create_app(model).app.url_map.iter_rules() if rule.endpoint != "static"]
    paths = {rule.replace("<model:name>", quote(model.name)) for rule in rules}
    other = "/predict" if model.is_iris else "/predict_species"  # of both, only one is described
    assert paths - {"/v2/", other} == set(document["paths"])


def test_the_path_of_the_prediction_route_is_written_in_one_file() -> None:
    package = Path(iris_lab.serving.__file__).parent
    files = [path for path in package.rglob("*") if path.suffix in (".py", ".js", ".html")]
    assert [path.name for path in files if PREDICT_SPECIES[1:] in path.read_text(encoding="utf-8")] == ["routes.py"]


def test_the_request_id_is_described_for_every_answer(document: dict[str, Any]) -> None:
    refusals = document["components"]["responses"]
    for path, operations in document["paths"].items():
        for operation in operations.values():
            for status, answer in operation["responses"].items():
                described = refusals[answer["$ref"].rsplit("/", 1)[1]] if "$ref" in answer else answer
                assert "X-Request-ID" in described["headers"], (path, status)


def test_an_inference_request_for_several_outputs_is_described(document: dict[str, Any]) -> None:
    schema = {"$ref": "#/components/schemas/InferenceRequest", "components": document["components"]}
    check = Draft202012Validator(schema).is_valid
    content = document["paths"]["/v2/models/logistic/infer"]["post"]["requestBody"]["content"]["application/json"]
    asked = {name: content["example"] | {"outputs": [{"name": name}, {"name": "class"}]} for name in OUTPUTS}
    assert [name for name in OUTPUTS if check(asked[name])] == ["predict", "predict_proba"]  # and no output twice


def test_the_documentation_names_every_feature_class_route_and_problem(client: Client, run: Path) -> None:
    answer = client.get("/docs", headers=LOCAL)
    assert answer.headers["Content-Security-Policy"].startswith("default-src 'none'")
    model, page = load_model(run), answer.text
    for name in (*model.features, *model.classes, str(model.info["target"])):
        assert str(escape(name)) in page
    assert all(f'id="{kind}"' in page for kind in KINDS)
    assert "<script" not in page
    assert "<b>" not in page


def test_what_the_model_is_can_be_asked(client: Client, run: Path) -> None:
    about = json.loads(client.get("/model", headers=LOCAL).data)
    info = json.loads((run / "model.json").read_text(encoding="utf-8"))
    metrics = json.loads((run / "metrics.json").read_text(encoding="utf-8"))
    assert about["classes"] == info["classes"]
    assert about["sha256"] == info["sha256"]
    assert about["versions"] == info["versions"]
    assert [{name: feature[name] for name in ("name", "unit", "min", "max")} for feature in about["features"]] == [
        {name: feature[name] for name in ("name", "unit", "min", "max")} for feature in info["features"]
    ]
    accuracy = {part: metrics[f"evaluate.accuracy{part}"] for part in ("", "_low", "_high")}
    assert about["metrics"]["accuracy"] == {
        "value": accuracy[""], "low": accuracy["_low"], "high": accuracy["_high"], "confidence": 0.95
    }  # fmt: skip


@pytest.mark.slow
def test_schemathesis_finds_no_answer_outside_the_description(run: Path, tmp_path: Path) -> None:
    command = [str(Path(sys.executable).with_name("schemathesis")), "run", "--checks", "all", "--no-color"]
    with serving(run) as service:
        command += ["--seed", "4", "--max-examples", "250", "--phases", "examples,coverage,fuzzing"]
        ran = subprocess.run(
            [*command, f"{service.url}/openapi.json"], capture_output=True, text=True, timeout=900, cwd=tmp_path
        )
        assert ran.returncode == 0, ran.stdout
    assert len(service.log) > 1000, ran.stdout
    assert not [line for line in service.log if " 500 " in line]
