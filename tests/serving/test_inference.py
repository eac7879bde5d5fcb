import json
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import msgspec
import numpy as np
import pandas as pd
import pytest
import tritonclient.http as triton
from conftest import save_run
from flask import Flask
from jsonschema import Draft202012Validator
from services import serving
from tritonclient.utils import InferenceServerException

from iris_lab.data.datasets import load_dataset
from iris_lab.modeling import MODELS, Model, load_model
from iris_lab.serving import create_app, launch
from iris_lab.serving.http.middleware import Rules
from iris_lab.serving.http.problems import PROBLEM_TYPE
from iris_lab.serving.oip.protocol import (
    DATATYPES,
    InferenceResponse,
    ModelMetadata,
    ModelReady,
    ServerLive,
    ServerMetadata,
    ServerReady,
)

INFER = "/v2/models/logistic/infer"
ROWS = [[5.1, 3.5, 1.4, 0.2], [6.0, 2.9, 4.5, 1.5]]
FLOWERS: dict[str, Any] = {"name": "input-0", "shape": [2, 4], "datatype": "FP64", "data": ROWS}
BOTH_PATHS = pytest.mark.parametrize("dispatch", ["fast path", "Flask"])


def changed(**members: Any) -> dict[str, Any]:
    return {"inputs": [FLOWERS | members]}


def by_feature(rows: list[list[float]], model: Model) -> list[dict[str, Any]]:
    """One input for each feature, in the reverse of the order of training."""
    columns = zip(model.features, zip(*rows, strict=True), strict=True)
    return [{"name": name, "shape": [len(rows)], "datatype": "FP64", "data": list(values)} for name, values in columns][
        ::-1
    ]


@pytest.fixture(scope="module")
def model(iris_run: Path) -> Model:
    return load_model(iris_run)


@pytest.fixture(scope="module")
def apps(model: Model) -> dict[str, Flask]:
    return {"fast path": create_app(model).app, "Flask": create_app(model, fast_path=False).app}


def ask(app: Flask, body: Any, path: str = INFER, **options: Any) -> Any:
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    return app.test_client().post(path, data=data, **options)


def data_of(answer: Any) -> dict[str, Any]:
    assert answer.status_code == 200, answer.text
    return {output["name"]: output["data"] for output in answer.json["outputs"]}


def expected_of(model: Model, rows: Any) -> dict[str, Any]:
    frame = pd.DataFrame(np.array(rows, np.float64), columns=list(model.features))
    codes = model.estimator.predict(frame)
    return {
        "predict": codes.tolist(),
        "predict_proba": model.estimator.predict_proba(frame).ravel().tolist(),
        "class": [model.classes[code] for code in codes],
    }


# What a standard client sees


@pytest.fixture(scope="module", params=["waitress", "granian"])
def address(request: pytest.FixtureRequest, iris_run: Path) -> Iterator[str]:
    if request.param == "waitress":
        with launch(iris_run) as server:
            yield f"127.0.0.1:{server.port}"
        return
    with serving(iris_run) as service:
        yield f"127.0.0.1:{service.port}"


@pytest.fixture
def client(address: str) -> Iterator[triton.InferenceServerClient]:
    with triton.InferenceServerClient(address) as client:
        yield client


def tensor(values: Any, name: str = "input-0", datatype: str = "FP64", binary: bool = False) -> triton.InferInput:
    array = np.array(values, DATATYPES[datatype])
    return triton.InferInput(name, list(array.shape), datatype).set_data_from_numpy(array, binary_data=binary)


def test_tritonclient_finds_server_and_model_ready(client: triton.InferenceServerClient) -> None:
    assert client.is_server_live()
    assert client.is_server_ready()
    assert client.is_model_ready("logistic")
    assert client.is_model_ready("logistic", "1")
    assert not client.is_model_ready("forest")
    assert not client.is_model_ready("logistic", "2")


def test_tritonclient_reads_the_metadata(client: triton.InferenceServerClient) -> None:
    server, model = client.get_server_metadata(), client.get_model_metadata("logistic", "1")
    assert (server["name"], server["extensions"]) == ("iris-lab", ["binary_tensor_data"])
    assert model == client.get_model_metadata("logistic")
    assert model["inputs"] == [{"name": "input-0", "datatype": "FP64", "shape": [-1, 4]}]
    assert [(output["name"], output["datatype"], output["shape"]) for output in model["outputs"]] == [
        ("predict", "INT64", [-1]),
        ("predict_proba", "FP64", [-1, 3]),
        ("class", "BYTES", [-1]),
    ]


@pytest.mark.parametrize("binary_answer", [False, True])
@pytest.mark.parametrize("binary_request", [False, True])
def test_tritonclient_gets_what_the_model_says(
    client: triton.InferenceServerClient, model: Model, binary_request: bool, binary_answer: bool
) -> None:
    wanted = [triton.InferRequestedOutput(name, binary_answer) for name in ("class", "predict_proba", "predict")]
    flowers = load_dataset("iris").features.to_numpy()
    answer = client.infer("logistic", [tensor(flowers, binary=binary_request)], outputs=wanted, request_id="né 7")
    assert answer.get_response()["id"] == "né 7"
    expected = expected_of(model, flowers)
    assert answer.as_numpy("predict").tolist() == expected["predict"]
    assert answer.as_numpy("predict_proba").shape == (150, 3)
    assert answer.as_numpy("predict_proba").ravel().tolist() == expected["predict_proba"]
    names = [name.decode() if binary_answer else name for name in answer.as_numpy("class")]
    assert names == expected["class"]


def test_tritonclient_gets_every_output_where_it_names_none(client: triton.InferenceServerClient) -> None:
    answer = client.infer("logistic", [tensor(ROWS)], model_version="1")
    assert [output["name"] for output in answer.get_response()["outputs"]] == ["predict", "predict_proba", "class"]
    assert answer.as_numpy("predict").tolist() == [0, 1]


def test_tritonclient_may_send_one_tensor_a_feature(client: triton.InferenceServerClient, model: Model) -> None:
    columns = [tensor([[row[place]] for row in ROWS], name) for place, name in enumerate(model.features)]
    assert client.infer("logistic", columns[::-1]).as_numpy("predict").tolist() == [0, 1]


def test_tritonclient_is_told_what_is_wrong(client: triton.InferenceServerClient) -> None:
    with pytest.raises(
        InferenceServerException, match=r"\[422\] inputs\[0\]: shape is \[1, 3\], expected \[samples, 4\]"
    ):
        client.infer("logistic", [tensor([[1.0, 2.0, 3.0]])])
    with pytest.raises(InferenceServerException, match=r'\[404\] .* the model here is "logistic", version "1"'):
        client.infer("forest", [tensor(ROWS)])
    with pytest.raises(InferenceServerException, match=r"\[415\] Content-Encoding is 'gzip'"):
        client.infer("logistic", [tensor(ROWS)], request_compression_algorithm="gzip")
    assert client.infer("logistic", [tensor(ROWS)]).as_numpy("predict").tolist() == [0, 1]


@pytest.mark.parametrize("source", ["iris", "wine"])
@pytest.mark.parametrize("name", MODELS)
def test_every_model_answers_with_its_own_bits(tmp_path: Path, name: str, source: str) -> None:
    model, split = save_run(tmp_path, load_dataset(source), name)
    rows = split.test_features.to_numpy()
    expected = expected_of(model, rows)
    with launch(model) as server, triton.InferenceServerClient(f"127.0.0.1:{server.port}") as client:
        assert client.is_model_ready(name)
        answer = client.infer(name, [tensor(rows)])
        assert answer.as_numpy("predict_proba").ravel().tolist() == expected["predict_proba"]
        assert answer.as_numpy("predict").tolist() == expected["predict"]
    app = create_app(model).app
    inputs = by_feature(rows.tolist(), model)
    assert data_of(ask(app, {"inputs": inputs}, f"/v2/models/{name}/infer")) == expected


# Requests and answers


@BOTH_PATHS
def test_the_default_answer_has_all_outputs_and_no_id(apps: dict[str, Flask], model: Model, dispatch: str) -> None:
    answer = ask(apps[dispatch], changed())
    assert data_of(answer) == expected_of(model, ROWS)
    assert answer.content_type == "application/json"
    assert answer.json.keys() == {"model_name", "model_version", "outputs"}
    assert (answer.json["model_name"], answer.json["model_version"]) == ("logistic", "1")
    assert [(output["datatype"], output["shape"]) for output in answer.json["outputs"]] == [
        ("INT64", [2]),
        ("FP64", [2, 3]),
        ("BYTES", [2]),
    ]


def test_only_the_outputs_asked_for_come_in_their_order(apps: dict[str, Flask]) -> None:
    answer = ask(apps["fast path"], changed() | {"outputs": [{"name": "class"}, {"name": "predict"}]})
    assert list(data_of(answer).items()) == [("class", ["setosa", "versicolor"]), ("predict", [0, 1])]


def test_what_other_servers_clients_add_is_no_problem(apps: dict[str, Flask]) -> None:
    body = changed(parameters={"content_type": "np"}) | {"parameters": {"a": 1, "b": "x", "c": True}, "new": [None]}
    answer = ask(apps["fast path"], body | {"id": "", "outputs": []}, content_type="application/json; charset=utf-8")
    assert answer.json["id"] == ""
    assert data_of(answer)["predict"] == [0, 1]


def test_data_may_be_flat(apps: dict[str, Flask], model: Model) -> None:
    assert data_of(ask(apps["fast path"], changed(data=[*ROWS[0], *ROWS[1]]))) == expected_of(model, ROWS)


def test_features_may_come_by_name_in_any_order(apps: dict[str, Flask], model: Model) -> None:
    inputs = by_feature(ROWS, model)
    inputs[0] |= {"shape": [2, 1], "data": [[value] for value in inputs[0]["data"]]}
    assert data_of(ask(apps["fast path"], {"inputs": inputs})) == expected_of(model, ROWS)


@pytest.mark.parametrize("datatype", DATATYPES)
def test_every_datatype_is_taken_for_what_it_is(apps: dict[str, Flask], model: Model, datatype: str) -> None:
    rows = np.array(ROWS, DATATYPES[datatype])
    expected = expected_of(model, rows)
    assert data_of(ask(apps["fast path"], changed(datatype=datatype, data=rows.tolist()))) == expected
    head = json.dumps(changed(datatype=datatype, parameters={"binary_data_size": rows.nbytes}, data=[])).encode()
    head = head.replace(b', "data": []', b"")
    headers = {"Inference-Header-Content-Length": str(len(head))}
    options = {"headers": headers, "content_type": "application/octet-stream"}
    assert data_of(ask(apps["fast path"], head + rows.tobytes(), **options)) == expected


def test_a_number_in_json_is_rounded_to_its_datatype(apps: dict[str, Flask], model: Model) -> None:
    answer = data_of(ask(apps["fast path"], changed(datatype="FP16")))
    assert answer == expected_of(model, np.array(ROWS, np.float16))
    assert answer["predict_proba"] != expected_of(model, ROWS)["predict_proba"]


@pytest.mark.parametrize("number", [2**63 - 1, -(2**63)])
def test_the_ends_of_an_integer_datatype_belong_to_it(apps: dict[str, Flask], number: int) -> None:
    assert ask(apps["fast path"], changed(datatype="INT64", data=[number] * 8)).status_code == 200


def test_predictions_are_counted_by_class(model: Model) -> None:
    app = create_app(model).app
    ask(app, changed())
    exposed = app.test_client().get("/metrics").text
    assert 'iris_lab_predictions_total{name="setosa"} 1.0' in exposed
    assert 'iris_lab_requests_total{method="POST",route="/v2/models/<model:name>/infer",status="200"} 1.0' in exposed


def test_thousands_of_rows_are_answered(apps: dict[str, Flask], model: Model) -> None:
    rows = np.random.default_rng(0).uniform(0, 8, (10_000, 4))
    answer = data_of(ask(apps["fast path"], changed(shape=[10_000, 4], data=rows.tolist())))
    assert answer == expected_of(model, rows)


# What is refused

BAD = {
    "nothing": (b"", 400, "the body is empty, expected a JSON object with the member inputs"),
    "no JSON": (b"{", 400, "the body is not JSON"),
    "no UTF-8": (b'{"id": "\xff"}', 400, "the body is not valid UTF-8"),
    "nested too deeply": (b"[" * 200_000, 400, "nested too deeply, expected inputs"),
    "deep data": (b'{"inputs":[{"name":"input-0","shape":[1,4],"datatype":"FP64","data":' + b"[" * 900 + b"]" * 900
                  + b"}]}", 422, "data[0] is a list of 1, expected a list of 4"),
    "a list": ([], 422, "the body: expected an object, got a list"),
    "no inputs": ({"data": []}, 422, "missing required field inputs"),
    "empty inputs": ({"inputs": []}, 422, "inputs: expected a list of length >= 1"),
    "inputs that are none": ({"inputs": [1]}, 422, "inputs[0]: expected an object, got an integer"),
    "a number for an id": (changed() | {"id": 7}, 422, "id: expected text, got an integer"),
    "NaN for an id": (changed() | {"id": float("nan")}, 422, "id: expected text, got a number that is not finite"),
    "null for an id": (changed() | {"id": None}, 422, "id: expected text, got null"),
    "half an emoji for an id": (changed() | {"id": "\ud83c"}, 422, 'the text "\\ud83c" has a lone surrogate'),
    "a list in parameters": (changed(parameters={"a": []}), 422, "inputs[0].parameters[...]: expected"),
    "half an emoji for a key": (changed() | {"\ud83c": 7}, 422, 'the text "\\ud83c" has a lone surrogate'),
    "a repeated member": (json.dumps(changed()).encode().replace(b'{"inputs"', b'{"id":"1","id":"2","inputs"'),
                          422, '"id" is given more than once'),
    "a repeated name": (json.dumps(changed()).encode().replace(b'"name"', b'"name":"x","name"'),
                        422, 'inputs[0]: "name" is given more than once'),
    "a repeated parameter": (json.dumps(changed(parameters={"a": 1})).encode().replace(b'"a"', b'"a":2,"a"'),
                             422, 'inputs[0]: parameters: "a" is given more than once'),
    "no name": ({"inputs": [{"shape": [1, 4], "datatype": "FP64", "data": [1, 2, 3, 4]}]}, 422, "required field name"),
    "a misspelt input": (changed(name="petal widht (cm)"), 422, 'did you mean "petal width (cm)"? (or send one input'),
    "an unknown input": (changed(name="x"), 422, 'unknown input "x": expected one of "sepal length (cm)"'),
    "an input twice": ({"inputs": [FLOWERS, FLOWERS]}, 422, 'input "input-0" is given more than once'),
    "features missing": (changed(name="petal width (cm)", shape=[8], data=[1] * 8), 422,
                         'input "sepal length (cm)" is missing'),
    "both forms": ({"inputs": [FLOWERS, FLOWERS | {"name": "petal width (cm)"}]}, 422, 'unknown input "input-0"'),
    "a text for a shape": (changed(shape="2,4"), 422, "inputs[0].shape: expected a list, got text"),
    "a text in a shape": (changed(shape=["2", 4]), 422, "inputs[0].shape[0]: expected an integer, got text"),
    "a fraction in a shape": (changed(shape=[2.5, 4]), 422, "inputs[0].shape[0]: expected an integer, got a number"),
    "true in a shape": (changed(shape=[True, 4]), 422, "inputs[0].shape[0]: expected an integer, got true or false"),
    "no shape": (changed(shape=[]), 422, "inputs[0].shape: expected a list of length >= 1"),
    "three axes": (changed(shape=[1, 2, 4]), 422, "inputs[0].shape: expected a list of length <= 2"),
    "one axis": (changed(shape=[8]), 422, "shape is [8], expected [samples, 4]"),
    "the wrong width": (changed(shape=[4, 2]), 422, "shape is [4, 2], expected [samples, 4]"),
    "no samples": (changed(shape=[0, 4]), 422, "shape is [0, 4], expected [samples, 4], with at least one sample"),
    "a negative shape": (changed(shape=[-2, -4]), 422, "shape is [-2, -4]"),
    "the metadata's shape": (changed(shape=[-1, 4]), 422, "shape is [-1, 4]"),
    "a huge shape": (changed(shape=[9999999999, 9999999999]), 422, "shape is [9999999999, 9999999999]"),
    "a huge batch": (changed(shape=[9999999999, 4]), 422, "data has 8 elements, expected 39999999996"),
    "an endless extent": (changed(shape=[10**400, 4]), 422, "got a number that is not finite"),
    "another count": (changed(data=[1.0] * 7), 422, "data has 7 elements, expected 8 for its shape"),
    "a short row": (changed(data=[[1, 2, 3, 4], [1, 2, 3]]), 422, "data[1] is a list of 3, expected a list of 4"),
    "a number for a row": (changed(data=[[1, 2, 3, 4], 5]), 422, "data[1] is 5, expected a list of 4"),
    "no data": (changed(data=[]), 422, "inputs[0].data: expected a list of length >= 1"),
    "null data": (changed(data=None), 422, "inputs[0].data: expected a list, got null"),
    "truth": (changed(datatype="BOOL", data=[True] * 8), 422, 'datatype is the text "BOOL", expected one of FP64'),
    "bytes": (changed(datatype="BYTES", data=["a"] * 8), 422, 'datatype is the text "BYTES", expected one of FP64'),
    "a small letter": (changed(datatype="fp64"), 422, 'datatype is the text "fp64"'),
    "an unknown output": (changed() | {"outputs": [{"name": "x"}]}, 422,
                          'unknown output "x": expected predict, predict_proba, class'),
    "an output twice": (changed() | {"outputs": [{"name": "class"}] * 2}, 422,
                        'output "class" is given more than once'),
    "an output without a name": (changed() | {"outputs": [{}]}, 422, "outputs[0]: object missing required field name"),
    "classification": (changed() | {"outputs": [{"name": "predict", "parameters": {"classification": 2}}]}, 422,
                       '"predict": parameter classification is not supported'),
    "missing binary data": (changed(parameters={"binary_data_size": 64}), 422, "both data and binary data"),
}  # fmt: skip
BAD_ELEMENTS = {
    "NaN": ("FP64", float("nan"), "is NaN, expected a finite number, at most 1e+30 in size"),
    "Infinity": ("FP64", float("-inf"), "is -Infinity, expected a finite number"),
    "1e400": ("FP64", 10**400, "expected a finite number"),
    "1e31": ("FP32", 1e31, "is 1e+31, expected a finite number, at most 1e+30 in size"),
    "too much for FP16": ("FP16", 65_505, "is 65505, expected a finite number, at most 65504 in size"),
    "null": ("FP64", None, "is null, expected a finite number"),
    "text": ("FP64", "5.1", 'is the text "5.1", expected a finite number'),
    "true": ("FP64", True, "is true, expected a finite number"),
    "a list": ("FP64", [1], "is a list of 1, expected a finite number"),
    "a fraction": ("INT8", 0.5, "is 0.5, expected an integer from -128 to 127"),
    "too much for INT8": ("INT8", 128, "is 128, expected an integer from -128 to 127"),
    "too little for UINT8": ("UINT8", -1, "is -1, expected an integer from 0 to 255"),
    "too much for INT64": ("INT64", 2**63, "is 9223372036854775808, expected an integer from"),
    "too much for UINT64": ("UINT64", 2**64, "is 18446744073709551616, expected an integer from 0 to"),
}


def check_problem(answer: Any, status: int, message: str) -> None:
    assert (answer.status_code, answer.content_type) == (status, PROBLEM_TYPE), answer.text
    assert message in answer.json["detail"]
    assert answer.json["error"] == answer.json["detail"]
    assert answer.json["request_id"] == answer.headers["X-Request-ID"]


@BOTH_PATHS
@pytest.mark.parametrize(("body", "status", "message"), BAD.values(), ids=BAD)
def test_bad_requests_are_refused(apps: dict[str, Flask], dispatch: str, body: Any, status: int, message: str) -> None:
    check_problem(ask(apps[dispatch], body), status, message)


@pytest.mark.parametrize(("datatype", "element", "message"), BAD_ELEMENTS.values(), ids=BAD_ELEMENTS)
def test_bad_elements_are_named_by_row_and_feature(
    apps: dict[str, Flask], datatype: str, element: Any, message: str
) -> None:
    answer = ask(apps["fast path"], changed(datatype=datatype, data=[1, 2, 3, 4, 5, 6, 7, element]))
    check_problem(answer, 422, 'inputs[0]: row 1, "petal width (cm)" is')
    assert message in answer.json["detail"]
    (problem,) = answer.json["problems"]
    assert (problem["row"], problem["feature"]) == (1, "petal width (cm)")


def test_all_problems_are_told_up_to_a_limit(apps: dict[str, Flask]) -> None:
    body = changed(data=["x"] * 8) | {"outputs": [{"name": "x"}]}
    assert len(ask(apps["fast path"], body).json["problems"]) == 9
    answer = ask(apps["fast path"], changed(shape=[100, 4], data=[None] * 400))
    check_problem(answer, 422, "; and at least 20 more")
    assert len(answer.json["problems"]) == 20


def test_inputs_of_unequal_lengths_are_refused(apps: dict[str, Flask], model: Model) -> None:
    inputs = by_feature(ROWS, model)
    inputs[2] |= {"shape": [1], "data": [1.0]}
    check_problem(ask(apps["fast path"], {"inputs": inputs}), 422, "the inputs have 1 to 2 samples")


BAD_BINARY: dict[str, tuple[Any, bytes, str, int, str]] = {
    "too few bytes": ({"binary_data_size": 8}, bytes(8), "", 422, "has 8 bytes, expected 64 for its shape"),
    "fewer bytes than said": ({"binary_data_size": 64}, bytes(63), "", 422, "has 63 bytes, expected 64"),
    "more bytes than said": ({"binary_data_size": 64}, bytes(65), "", 422, "1 bytes of binary data belong to no input"),
    "bytes for nobody": ({}, bytes(64), "", 422, "inputs[0] has no data"),
    "a negative size": ({"binary_data_size": -64}, bytes(64), "", 422, "has 0 bytes, expected 64"),
    "a text for a size": ({"binary_data_size": "64"}, bytes(64), "", 422, "has 0 bytes, expected 64"),
    "not a number": ({"binary_data_size": 64}, b"\xff" * 64, "", 422, "is NaN, expected a finite number"),
    "a header beyond the body": ({"binary_data_size": 64}, bytes(64), "1000", 400, "expected the length of the JSON"),
    "a negative header": ({"binary_data_size": 64}, bytes(64), "-1", 400, "Inference-Header-Content-Length is '-1'"),
    "an endless header": ({"binary_data_size": 64}, bytes(64), "9" * 5000, 400, "is '999999999999999999999999999999'"),
    "a header inside the JSON": ({"binary_data_size": 64}, bytes(64), "9", 400, "the body is not JSON"),
    "shared memory": ({"shared_memory_region": "x"}, b"", "", 422, "inputs[0] has no data"),
}


@BOTH_PATHS
@pytest.mark.parametrize(("parameters", "binary", "length", "status", "message"), BAD_BINARY.values(), ids=BAD_BINARY)
def test_bad_binary_data_are_refused(
    apps: dict[str, Flask], dispatch: str, parameters: Any, binary: bytes, length: str, status: int, message: str
) -> None:
    given = {"name": "input-0", "shape": [2, 4], "datatype": "FP64", "parameters": parameters}
    head = json.dumps({"inputs": [given]}).encode()
    headers = {"Inference-Header-Content-Length": length or str(len(head))}
    check_problem(ask(apps[dispatch], head + binary, headers=headers), status, message)


@BOTH_PATHS
@pytest.mark.parametrize(
    "content_type", ["text/plain", "application/octet-stream", "application/json; charset=latin-1"]
)
def test_other_content_types_are_refused(apps: dict[str, Flask], dispatch: str, content_type: str) -> None:
    check_problem(ask(apps[dispatch], changed(), content_type=content_type), 415, "expected application/json")


@BOTH_PATHS
def test_a_body_over_the_limit_is_refused(model: Model, dispatch: str) -> None:
    app = create_app(model, rules=Rules(max_body=100), fast_path=dispatch == "fast path").app
    check_problem(ask(app, changed()), 413, "the body is over the limit of 100 bytes")


@BOTH_PATHS
@pytest.mark.parametrize(
    "path", ["/v2/models/forest", "/v2/models/logistic/versions/2", "/v2/models/", "/v2/models/logistic/nope"]
)
def test_an_unknown_model_is_answered_with_the_known_one(apps: dict[str, Flask], dispatch: str, path: str) -> None:
    message = 'the model here is "logistic", version "1", at /v2/models/logistic'
    check_problem(apps[dispatch].test_client().get(path), 404, message)
    check_problem(ask(apps[dispatch], changed(), f"{path}/infer"), 404, message)


@BOTH_PATHS
def test_the_wrong_method_is_answered_with_the_right_one(apps: dict[str, Flask], dispatch: str) -> None:
    answer = apps[dispatch].test_client().get(INFER)
    check_problem(answer, 405, "GET is not allowed")
    assert "POST" in answer.headers["Allow"]
    check_problem(ask(apps[dispatch], changed(), "/v2/models/logistic"), 405, "POST is not allowed")


# Any name, any bytes


@pytest.mark.parametrize(
    "name", ["<script>alert(1)</script>", "<int:x>", "a/b", "ünï 🌸", "%41", "a{b}", "my.model", "?#"]
)
def test_a_model_may_have_any_name(iris_run: Path, name: str) -> None:
    loaded = load_model(iris_run)
    model = Model(loaded.estimator, loaded.info | {"model": name})
    where = f"/v2/models/{quote(name, safe='')}"
    assert f"{where}/infer" in create_app(model).app.test_client().get("/openapi.json").json["paths"]
    with launch(model) as server, triton.InferenceServerClient(f"127.0.0.1:{server.port}") as client:
        assert client.is_model_ready(name, "1")
        assert client.get_model_metadata(name)["name"] == name
        assert client.infer(name, [tensor(ROWS)], model_version="1").as_numpy("predict").tolist() == [0, 1]
    for fast_path in (True, False):
        app = create_app(model, fast_path=fast_path).app
        assert data_of(ask(app, changed(), f"{where}/infer"))["predict"] == [0, 1]
        assert app.test_client().get("/v2/models/5").status_code == 404


def test_features_may_have_any_name(tmp_path: Path) -> None:
    names = ['"', "<script>", "\\", "input-0", "🌸", "constant"]
    rng = np.random.default_rng(0)
    table = pd.DataFrame(rng.normal(size=(60, 6)), columns=names).assign(constant=1.0)
    table.assign(species=np.where(table["🌸"] > 0, "<b>", 'a "')).to_csv(tmp_path / "odd.csv", index=False)
    model, split = save_run(tmp_path, load_dataset(str(tmp_path / "odd.csv"), "species"))
    rows = split.test_features.to_numpy().tolist()
    app, expected = create_app(model).app, expected_of(model, rows)
    together = {"name": "input-0", "shape": [len(rows), 6], "datatype": "FP64", "data": rows}
    assert data_of(ask(app, {"inputs": [together]})) == expected
    assert data_of(ask(app, {"inputs": by_feature(rows, model)})) == expected


def test_a_model_of_one_feature_takes_both_forms(tmp_path: Path) -> None:
    for name in ("x", "input-0"):
        table = pd.DataFrame({name: np.arange(40.0) / 2, "y": ["a", "b"] * 20})
        table.to_csv(tmp_path / "one.csv", index=False)
        model, _ = save_run(tmp_path / name, load_dataset(str(tmp_path / "one.csv"), "y"))
        given = {"shape": [2, 1], "datatype": "FP64", "data": [3, 4]}
        answers = [ask(create_app(model).app, {"inputs": [given | {"name": used}]}) for used in (name, "input-0")]
        assert data_of(answers[0]) == data_of(answers[1]) == expected_of(model, [[3], [4]])


def mutations(count: int) -> Iterator[bytes]:
    """Bodies with bytes cut, repeated, swapped, or replaced by what tends to hurt."""
    rng = random.Random(0)
    seed = json.dumps(changed(parameters={"a": 1}) | {"id": "7", "outputs": [{"name": "predict"}]}).encode()
    pieces = [
        b"null",
        b"-1",
        b"1e400",
        b"[]",
        b"{}",
        b'"',
        b"\xff",
        b"NaN",
        b"[[",
        b'"\\ud800"',
        b"1" * 30,
        b"true",
        b",",
    ]
    for _ in range(count):
        body = seed
        for _ in range(rng.randint(1, 3)):
            start = rng.randrange(len(body))
            end = min(len(body), start + rng.randint(0, 12))
            body = body[:start] + rng.choice([*pieces, b"", body[start:end] * 2]) + body[end:]
        yield body


def test_mutated_bodies_are_answered_alike_both_ways_and_never_with_an_error_of_ours(apps: dict[str, Flask]) -> None:
    statuses = set()
    for body in mutations(600):
        headers = {"X-Request-ID": "same"}
        first, second = (ask(app, body, headers=headers) for app in apps.values())
        assert (first.status_code, first.data) == (second.status_code, second.data)
        assert first.status_code in (200, 400, 422), body
        statuses.add(first.status_code)
    assert statuses == {200, 400, 422}


# The description


def test_messages_are_what_the_declarations_say(apps: dict[str, Flask]) -> None:
    client = apps["fast path"].test_client()
    for path, kind in {
        "/v2": ServerMetadata,
        "/v2/": ServerMetadata,
        "/v2/health/live": ServerLive,
        "/v2/health/ready": ServerReady,
        "/v2/models/logistic": ModelMetadata,
        "/v2/models/logistic/ready": ModelReady,
    }.items():
        assert msgspec.to_builtins(msgspec.json.decode(client.get(path).data, type=kind)) == client.get(path).json
    answer = ask(apps["fast path"], changed() | {"id": "7"})
    assert msgspec.to_builtins(msgspec.json.decode(answer.data, type=InferenceResponse)) == answer.json


def test_the_described_routes_are_those_that_answer(apps: dict[str, Flask]) -> None:
    document = apps["fast path"].test_client().get("/openapi.json").json
    schemas = {"components": document["components"]}
    for path, operations in document["paths"].items():
        if not path.startswith("/v2"):
            continue
        (method,) = operations
        body = (
            {}
            if method == "get"
            else {"json": operations["post"]["requestBody"]["content"]["application/json"]["example"]}
        )
        answer = apps["fast path"].test_client().open(path, method=method.upper(), **body)
        described = operations[method]["responses"][str(answer.status_code)]["content"][answer.content_type]["schema"]
        assert answer.status_code == 200
        Draft202012Validator(schemas | described).validate(answer.json)
        if body:
            request = operations["post"]["requestBody"]["content"]["application/json"]["schema"]
            Draft202012Validator(schemas | request).validate(body["json"])
