"""What a client may send, what it gets back, and that both ways through the endpoint say the same."""

import gc
import json
import math
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from services import SETOSA
from werkzeug.test import Client, TestResponse

from iris_lab.modeling import Model, load_model
from iris_lab.serving import create_app
from iris_lab.serving.http.middleware import Rules
from iris_lab.serving.http.problems import KINDS, MAX_PROBLEMS, PROBLEM_TYPE

VIRGINICA = {"sepal length (cm)": 6.3, "sepal width (cm)": 3.3, "petal length (cm)": 6.0, "petal width (cm)": 2.5}
LIMIT = 50_000  # bytes
PREDICT = "/predict_species"


@pytest.fixture(scope="module")
def model(iris_run: Path) -> Model:
    return load_model(iris_run)


@pytest.fixture(scope="module", params=[True, False], ids=["fast path", "Flask"])
def client(request: pytest.FixtureRequest, model: Model) -> Client:
    return Client(create_app(model, rules=Rules(max_body=LIMIT), fast_path=request.param))


def post(
    client: Client, body: bytes | str | Any, content_type: str = "application/json", **headers: str
) -> TestResponse:
    data = body if isinstance(body, bytes | str) else json.dumps(body)
    return client.post(PREDICT, data=data, content_type=content_type, headers={"Host": "127.0.0.1", **headers})


def sample(**changes: Any) -> str:
    """Return a request of one setosa with features changed; a change is JSON text, None removes the feature."""
    names = {"sl": "sepal length (cm)", "sw": "sepal width (cm)", "pl": "petal length (cm)", "pw": "petal width (cm)"}
    texts = {name: json.dumps(value) for name, value in SETOSA.items()}
    texts |= {names.get(name, name): value for name, value in changes.items()}
    members = ", ".join(f"{json.dumps(name)}: {text}" for name, text in texts.items() if text is not None)
    return f'{{"data": [{{{members}}}]}}'


def problem_of(answer: TestResponse, status: int, kind: str) -> dict[str, Any]:
    """Return the problem document of a refusal, having checked what holds for each."""
    assert (answer.status_code, answer.content_type) == (status, PROBLEM_TYPE), answer.data
    document: dict[str, Any] = json.loads(answer.data)
    assert document["type"] == f"/docs#{kind}"
    assert document["status"] == status == KINDS[kind][0]
    assert document["request_id"] == answer.headers["X-Request-ID"]
    assert "Traceback" not in answer.text
    return document


def test_the_tutorials_request_is_answered_as_the_tutorial_did(client: Client, model: Model) -> None:
    table = pd.DataFrame([SETOSA, VIRGINICA])
    answer = post(client, {"columns": list(table.columns), "data": table.to_dict("records")})
    assert answer.status_code == 200
    assert answer.content_type == "application/json"
    assert json.loads(answer.data) == {"result": [0, 2]}


def test_features_are_matched_by_name_in_any_order(client: Client) -> None:
    backwards = dict(reversed(VIRGINICA.items()))
    assert json.loads(post(client, {"data": [VIRGINICA, backwards, SETOSA]}).data) == {"result": [2, 2, 0]}


def test_probabilities_come_when_asked_for_and_are_those_of_the_model(client: Client, model: Model) -> None:
    answer = json.loads(post(client, {"data": [SETOSA, VIRGINICA], "probabilities": True}).data)
    frame = pd.DataFrame([SETOSA, VIRGINICA])[list(model.features)]
    assert answer["classes"] == ["setosa", "versicolor", "virginica"]
    assert np.array_equal(answer["probabilities"], model.estimator.predict_proba(frame))
    assert json.loads(post(client, {"data": [SETOSA], "probabilities": False}).data) == {"result": [0]}


@pytest.mark.parametrize("fast_path", [True, False])
def test_a_boolean_feature_may_be_true_and_false_or_one_and_zero(boolean_run: Path, fast_path: bool) -> None:
    client = Client(create_app(load_model(boolean_run), fast_path=fast_path))
    answers = [
        json.loads(post(client, {"data": [{"smokes": value, "width (cm)": 0.9}], "probabilities": True}).data)
        for value in (True, 1, False, 0)
    ]
    assert answers[0] == answers[1] != answers[2] == answers[3]
    for value in (2, -1, 0.5):
        neither = problem_of(post(client, {"data": [{"smokes": value, "width (cm)": 0.9}]}), 422, "invalid-data")
        assert f"is {value}, expected true or false, or as a number 1 or 0" in neither["detail"]
    refused = problem_of(post(client, {"data": [{"smokes": "true", "width (cm)": True}]}), 422, "invalid-data")
    assert [problem["detail"] for problem in refused["problems"]] == [
        'data[0]: "width (cm)" is true, expected a finite number, at most 1e+30 in size',
        'data[0]: "smokes" is the text "true", expected true or false, or as a number 1 or 0',
    ]


@pytest.mark.parametrize(
    "body",
    [
        sample(pw="0"),
        sample(pw="2e-1"),
        sample(pw="-0.0"),
        sample(pw="1e-400"),
        sample(pw="1e30"),
        sample(pw="9007199254740993"),
        " \r\n\t" + sample() + "\n",
        '{"columns": null, ' + sample()[1:],
        '{"columns": {"a": ["\\"", {"data": "\\u00e9"}]}, ' + sample()[1:],
        '{"": [], "anything": {"data": 1}, "Data": "", ' + sample()[1:],
        sample().replace("sepal length", "\\u0073epal length"),
        sample().replace("data", "d\\u0061ta"),
    ],
)
def test_json_may_be_written_in_any_way(client: Client, body: str) -> None:
    answer = post(client, body)
    assert answer.status_code == 200, answer.text
    assert json.loads(answer.data) == {"result": [0]} or "1e30" in body or "9007" in body


BAD = {
    "nothing": ("", 400, "not-json", "the body is empty"),
    "white space": (" \n", 400, "not-json", "the body is empty"),
    "text": ("5.1, 3.5", 400, "not-json", "line 1, column 4"),
    "half of it": (sample()[:40], 400, "not-json", "is not JSON"),
    "two documents": (sample() + sample(), 400, "not-json", "Extra data"),
    "a comma too many": (sample()[:-1] + ",}", 400, "not-json", "is not JSON"),
    "single quotes": (sample().replace('"', "'"), 400, "not-json", "double quotes"),
    "latin-1": (b'{"data": "\xe9"}', 400, "not-utf-8", "byte 0xe9 at position 10"),
    "utf-16": (sample().encode("utf-16"), 400, "not-utf-8", "byte 0xff at position 0"),
    "latin-1 in columns": (b'{"columns": "\xe9", ' + sample()[1:].encode(), 400, "not-utf-8", "0xe9"),
    "a byte order mark": (b"\xef\xbb\xbf" + sample().encode(), 400, "not-json", "BOM"),
    "deep nesting": ("[" * 20_000 + "]" * 20_000, 400, "not-json", "nested too deeply"),
    "deep nesting in columns": ('{"columns":' + "[" * 20_000 + "]" * 20_000 + ",", 400, "not-json", "nested"),
    "a list": ("[]", 422, "invalid-data", "the body is an empty list, expected an object"),
    "null": ("null", 422, "invalid-data", "the body is null"),
    "no data": ('{"columns": []}', 422, "invalid-data", '"data" is missing, expected a list of at least one sample'),
    "one sample, bare": (json.dumps(SETOSA), 422, "invalid-data", '"data" is missing, expected a list of at least'),
    "a number for a flag": ('{"probabilities": 1, ' + sample()[1:], 422, "invalid-data", '"probabilities" is 1, exp'),
    "misspelt data": ('{"dota": []}', 422, "invalid-data", '"data" is missing ("dota" looks like a misspelling of it)'),
    "empty data": ('{"data": []}', 422, "invalid-data", '"data" is an empty list, expected a list of at least one'),
    "data that is an object": ('{"data": {}}', 422, "invalid-data", "an object with 0 members"),
    "a row that is a list": ('{"data": [[5.1, 3.5, 1.4, 0.2]]}', 422, "invalid-data", "data[0] is a list of 4"),
    "an empty row": ('{"data": [{}]}', 422, "invalid-data", '"sepal length (cm)" is missing'),
    "a missing feature": (sample(pl=None), 422, "invalid-data", '"petal length (cm)" is missing'),
    "a misspelt feature": (
        sample(pl=None, **{"petal lenght (cm)": "1.4"}), 422, "invalid-data", '("petal lenght (cm)" looks like'
    ),
    "an unknown feature": (sample(colour="3"), 422, "invalid-data", 'unknown feature "colour"'),
    "a string": (sample(pl='"1.4"'), 422, "invalid-data", 'is the text "1.4", expected a finite number'),
    "null for a number": (sample(pl="null"), 422, "invalid-data", "is null"),
    "a boolean": (sample(pl="true"), 422, "invalid-data", "is true"),
    "a nested list": (sample(pl="[1.4]"), 422, "invalid-data", "is a list of 1"),
    "an object for a number": (sample(pl="{}"), 422, "invalid-data", "an object with 0 members"),
    "NaN": (sample(pl="NaN"), 422, "invalid-data", "is NaN"),
    "Infinity": (sample(pl="-Infinity"), 422, "invalid-data", "is -Infinity"),
    "1e400": (sample(pl="1e400"), 422, "invalid-data", "is 1e400"),
    "an endless integer": (sample(pl="9" * 5000), 422, "invalid-data", "is 999"),
    "too large a number": (sample(pl="-1e31"), 422, "invalid-data", "at most 1e+30 in size"),
    "a feature twice": (sample()[:-3] + ', "petal width (cm)": 9}]}', 422, "invalid-data", "is given more than once"),
    "the same feature twice, escaped": (
        sample()[:-3] + ', "petal width (c\\u006d)": 0.2}]}', 422, "invalid-data", "is given more than once"
    ),
    "data twice": ('{"data": [], ' + sample()[1:], 422, "invalid-data", '"data" is given more than once'),
    "probabilities of text": ('{"probabilities": "yes", ' + sample()[1:], 422, "invalid-data", 'the text "yes"'),
    "probabilities of null": ('{"probabilities": null, ' + sample()[1:], 422, "invalid-data", "is null"),
    "too much": (" " * LIMIT + sample(), 413, "too-large", f"over the limit of {LIMIT} bytes"),
}  # fmt: skip


@pytest.mark.parametrize(("body", "status", "kind", "words"), BAD.values(), ids=BAD)
def test_a_bad_body_is_refused_in_words(client: Client, body: bytes | str, status: int, kind: str, words: str) -> None:
    assert words in problem_of(post(client, body), status, kind)["detail"]


def test_two_hundred_thousand_levels_of_nesting_are_refused(model: Model) -> None:
    for fast_path in (True, False):
        client = Client(create_app(model, fast_path=fast_path))
        for opening, closing in (("[", "]"), ('{"data":', "}")):
            body = opening * 200_000 + "1" + closing * 200_000
            problem_of(post(client, body), 400, "not-json")
            problem_of(post(client, '{"columns":' + body + "," + sample()[1:]), 400, "not-json")


def test_all_problems_of_a_request_are_named_up_to_a_limit(client: Client) -> None:
    rows = [SETOSA, {**SETOSA, "sepal width (cm)": "wide", "petal width (cm)": None}, {**SETOSA, "x": 1}]
    document = problem_of(post(client, {"data": rows}), 422, "invalid-data")
    assert [(one["row"], one["feature"]) for one in document["problems"]] == [
        (1, "sepal width (cm)"),
        (1, "petal width (cm)"),
        (2, "x"),
    ]
    assert document["problems"][0]["given"] == 'the text "wide"'
    assert document["detail"].endswith("; and 2 more")
    many = problem_of(post(client, {"data": [{}] * 100}), 422, "invalid-data")
    assert len(many["problems"]) == MAX_PROBLEMS
    assert f"at least {MAX_PROBLEMS} more" in many["detail"]


@pytest.mark.parametrize(
    "content_type", ["", "text/plain", "application/x-www-form-urlencoded", "application/json; charset=latin-1"]
)
def test_a_body_that_is_not_declared_as_json_is_refused(client: Client, content_type: str) -> None:
    problem = problem_of(post(client, sample(), content_type), 415, "content-type")
    assert "expected application/json" in problem["detail"]


@pytest.mark.parametrize(
    "content_type",
    [
        "application/json; charset=utf-8",
        'Application/JSON;charset="UTF-8"',
        "application/json ; charset=utf8;",
        "application/json; indent=4",
    ],
)
def test_json_may_be_declared_in_any_way(client: Client, content_type: str) -> None:
    assert post(client, sample(), content_type).status_code == 200


def test_a_compressed_body_is_refused(client: Client) -> None:
    answer = post(client, sample(), **{"Content-Encoding": "gzip"})
    assert "Content-Encoding is 'gzip'" in problem_of(answer, 415, "content-type")["detail"]
    assert answer.headers["Accept-Encoding"] == "identity"
    assert post(client, sample(), **{"Content-Encoding": "Identity"}).status_code == 200


@pytest.mark.parametrize("method", ["GET", "PUT", "PATCH", "DELETE"])
def test_another_method_is_refused(client: Client, method: str) -> None:
    answer = client.open(PREDICT, method=method, headers={"Host": "localhost"})
    assert f"{method} is not allowed" in problem_of(answer, 405, "method")["detail"]
    assert answer.headers["Allow"] == "OPTIONS, POST"


@pytest.mark.parametrize("fast_path", [True, False])
def test_the_garbage_collector_does_not_look_through_a_huge_body(model: Model, fast_path: bool) -> None:
    client = Client(create_app(model, fast_path=fast_path))
    body = b'{"data": [' + b"[]," * 200_000 + b"[]]}"
    seen = [0]

    def look(phase: str, _: dict[str, int]) -> None:
        seen.append(len(gc.get_objects()))

    before = len(gc.get_objects())
    gc.callbacks.append(look)
    try:
        problem_of(post(client, body), 422, "invalid-data")
    finally:
        gc.callbacks.remove(look)
    assert max(seen) < before + 100_000
    assert gc.isenabled()


@pytest.mark.parametrize("path", ["/prediction", "/predict_species/", "/../etc/passwd", "/static/../app.py", "/é"])
def test_an_unknown_route_is_refused(client: Client, path: str) -> None:
    answer = client.get(path, headers={"Host": "localhost"})
    assert "predictions are at POST /predict_species" in problem_of(answer, 404, "route")["detail"]


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example", "", "localhost.evil.example:5000"])
def test_a_foreign_host_is_refused(client: Client, host: str) -> None:
    for answer in (post(client, sample(), Host=host), client.get("/model", headers={"Host": host})):
        assert f"the Host header is {host!r}, expected 127.0.0.1" in problem_of(answer, 421, "host")["detail"]


def test_the_request_id_is_echoed_or_given_on_every_answer(client: Client) -> None:
    good, bad = ({"X-Request-ID": value} for value in ("check-17", "two\twords"))
    for answer in (post(client, sample(), **good), post(client, "", **good), client.get("/none", headers=good)):
        assert answer.headers["X-Request-ID"] == "check-17"
    given = [post(client, body, **bad).headers["X-Request-ID"] for body in (sample(), sample(), "")]
    assert len(set(given)) == 3
    assert all(len(one) == 32 for one in given)


TOKENS = (
    *(b'"', b"{", b"}", b"[", b"]", b",", b":", b"-", b"0", b".", b"e", b" ", b"null", b"true", b"NaN", b"1e400"),
    *(b'"data"', b'"sepal width (cm)"', b'"columns":1,', b'"probabilities":true,', b"\\u0000", b"\xff", b"\xc3\xa9"),
)


def mutated(body: bytes, chance: random.Random) -> bytes:
    """Return a body with one to four things about it changed."""
    for _ in range(chance.randint(1, 4)):
        at, end = sorted(chance.choices(range(len(body) + 1), k=2))
        end = min(end, at + 40)
        body = chance.choice(
            [
                body[:at] + chance.choice(TOKENS) + body[at:],
                body[:at] + body[end:],
                body[:at] + body[at:end] * 2 + body[end:],
                body[:at] + bytes([chance.randrange(256)]) + body[at + 1 :],
                body[:at] + chance.choice(TOKENS) + body[end:],
            ]
        )
    return body


def without_repetition(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    if len({name for name, _ in pairs}) < len(pairs):
        raise ValueError("a member came twice")
    return dict(pairs)


def rows_of(body: bytes) -> list[dict[str, float]] | None:
    """Return the rows of a request if all is well with it: the contract once more, with none of the endpoint's code."""

    def number(text: str) -> float:
        if not abs(float(text)) <= 1e30:
            raise ValueError("not a finite number")
        return float(text)

    def refuse(text: str) -> None:
        raise ValueError(text)

    try:
        document = json.loads(body.decode(), object_pairs_hook=without_repetition)
        known = {name: document[name] for name in ("data", "probabilities") if name in document}
        json.loads(json.dumps(known), parse_float=number, parse_int=number, parse_constant=refuse)
        rows: list[dict[str, Any]] = document["data"]
        right = rows and isinstance(rows, list) and isinstance(document.get("probabilities", False), bool)
        right = right and all(set(row) == set(SETOSA) for row in rows)
        right = right and all(type(value) in (int, float) for row in rows for value in row.values())
    except (ValueError, KeyError, TypeError, AttributeError):
        return None
    return rows if right else None


def bodies(count: int) -> Iterator[bytes]:
    chance = random.Random(4)
    seeds = [sample(), json.dumps({"data": [SETOSA, VIRGINICA], "columns": list(SETOSA), "probabilities": True})]
    for _ in range(count):
        yield mutated(chance.choice(seeds).encode(), chance)


def test_ten_thousand_mutated_bodies_are_answered_right_or_refused(client: Client, model: Model) -> None:
    accepted = 0
    for body in bodies(10_000):
        answer, rows = post(client, body), rows_of(body)
        if rows is None:
            assert answer.status_code in (400, 422), body
        else:
            accepted += 1
            assert answer.status_code == 200, body
            frame = pd.DataFrame(rows, dtype=np.float64)[list(model.features)]
            assert json.loads(answer.data)["result"] == model.estimator.predict(frame).tolist(), body
    assert accepted > 100


def test_no_number_is_converted_silently(client: Client, model: Model) -> None:
    """Values with 17 digits reach the model to the last bit."""
    row = {name: math.nextafter(value, 9) for name, value in VIRGINICA.items()}
    answer = json.loads(post(client, {"data": [row], "probabilities": True}).data)
    exact = model.estimator.predict_proba(pd.DataFrame([row])[list(model.features)])
    assert answer["probabilities"] == exact.tolist()
