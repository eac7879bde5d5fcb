"""Damaged requests for a model of categories, booleans, dates and gaps: answered right, or refused.

``TIMES=4 pytest …`` sends ten thousand.
"""

import json
import os
import random
from collections import Counter
from collections.abc import Iterator
from datetime import datetime
from typing import Any

import numpy as np
import pandas as pd
import pytest
from conftest import save_run
from mixed_table import mixed_dataset, mixed_table
from test_contract import TOKENS, mutated, without_repetition
from werkzeug.test import Client

from iris_lab.data.schema import Feature
from iris_lab.modeling import Model
from iris_lab.serving import create_app

TIMES = int(os.environ.get("TIMES", "1"))
LOCAL = {"Host": "127.0.0.1"}
PET = {"weight (kg)": 4.2, "colour": "black", "castrated": True, "born": "2019-05-17", "toys": 3}
NUMBERS = (b"null", b"true", b"1", b"0.0", b"-1", b"2", b"1e-400", b"NaN", b"[]", b"{}")
TEXTS = (
    b"",
    b"teal",
    b"\\ud800",
    b"\\u0000",
    b"\xf0\x9f\x8c\xb8",
    b"2019-02-29",
    b"0001-01-01",
    b"9999-12-31T23:59-14:00",
)
WORDS = (*NUMBERS, *(b'"%b"' % text for text in TEXTS))


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Model:
    return save_run(tmp_path_factory.mktemp("pets"), mixed_dataset(), "logistic")[0]


@pytest.fixture(scope="module")
def clients(model: Model) -> list[Client]:
    return [Client(create_app(model, fast_path=fast_path)) for fast_path in (True, False)]


def damaged(seeds: list[bytes], count: int) -> Iterator[bytes]:
    """Yield bodies with a value changed for another, with bytes changed, or with both."""
    chance = random.Random(11)
    values = [json.dumps(value).encode() for value in PET.values()]
    for _ in range(count):
        body = chance.choice(seeds)
        if chance.random() < 0.7:
            body = body.replace(chance.choice(values), chance.choice(WORDS + TOKENS), 1)
        yield mutated(body, chance) if chance.random() < 0.6 else body


def value_of(feature: Feature, value: Any) -> float:
    """Return the value that the model is given for one in a request; the contract once more, in other words."""
    if value is None and feature.missing:
        return np.nan
    kind = type(value)
    if feature.kind == "category" and kind is str:
        return float(feature.levels.index(value)) if value in feature.levels else -1.0
    if feature.kind == "boolean" and (kind is bool or value in (0, 1)):
        return float(value)
    if feature.kind == "number" and kind in (int, float) and abs(value) <= 1e30:
        return float(value)
    if feature.kind == "date" and kind is str:
        moment = datetime.fromisoformat(value.replace("/", "-"))
        offset = moment.utcoffset()
        days = (moment.replace(tzinfo=None) - datetime(1970, 1, 1)).total_seconds() / 86400
        return days - (offset.total_seconds() / 86400 if offset else 0)
    raise ValueError(value)


def rows_of(body: bytes, schema: list[Feature]) -> list[list[float]]:
    """Return the values in a request that was answered."""
    document = json.loads(body, object_pairs_hook=without_repetition)
    return [[value_of(one, row[one.name]) for one in schema] for row in document["data"]]


@pytest.mark.slow
def test_no_damaged_body_is_an_error_of_ours_and_what_is_answered_is_right(model: Model, clients: list[Client]) -> None:
    one = json.dumps({"data": [PET]}).encode()
    two = json.dumps({"data": [PET, PET | {"colour": None}], "columns": list(PET), "probabilities": True}).encode()
    rows: list[list[float]] = []
    codes: list[int] = []
    for number, body in enumerate(damaged([one, two], 1900 * TIMES)):
        answer = clients[number % 2].post("/predict", data=body, content_type="application/json", headers=LOCAL)
        assert answer.status_code in (200, 400, 422), body
        if answer.status_code == 200:
            rows += rows_of(body, model.schema)
            codes += json.loads(answer.data)["result"]
    assert len(codes) > 300
    frame = pd.DataFrame(rows, columns=[feature.name for feature in model.schema])
    assert model.estimator.predict(frame).tolist() == codes


@pytest.mark.slow
def test_no_damaged_tensor_and_no_damaged_table_is_an_error_of_ours(clients: list[Client]) -> None:
    described = clients[1].get("/openapi.json", headers=LOCAL).json["paths"]["/v2/models/logistic/infer"]["post"]
    tensors = json.dumps(described["requestBody"]["content"]["application/json"]["example"]).encode()
    table = mixed_table(30).to_csv(index=False).encode()
    asked = {
        ("/v2/models/logistic/infer", "application/json"): tensors,
        ("/predict_table", "text/csv"): table,
    }
    for (path, content_type), body in asked.items():
        found: Counter[int] = Counter()
        for number, one in enumerate(damaged([body], 300 * TIMES)):
            answer = clients[number % 2].post(path, data=one, content_type=content_type, headers=LOCAL)
            assert answer.status_code < 500, (path, one)
            found[answer.status_code] += 1
        assert found[200] > 10, found
