import json
import tracemalloc

import numpy as np
import pytest

from iris_lab.serving.http.problems import HTTPProblem
from iris_lab.serving.predictions.schema import RequestSchema

FEATURE = {"min": 0.0, "max": 1.0, "median": 0.5}


@pytest.mark.parametrize("features", [1, 4, 15, 16, 40])
@pytest.mark.parametrize("rows", [1, 2, 15, 16, 300])
def test_numbers_come_out_as_they_went_in(rows: int, features: int) -> None:
    names = [f"{'länge' * (index % 9)} {index}" for index in range(features)]
    values = np.random.default_rng(rows).normal(size=(rows, features))
    values[0, 0], values[-1, -1] = -0.0, 5e-324
    backwards = [dict(reversed(list(zip(names, row, strict=True)))) for row in values.tolist()]
    schema = RequestSchema([{"name": name, **FEATURE} for name in names])
    samples = schema.read(json.dumps({"data": backwards}, ensure_ascii=False).encode())
    assert samples.values.tobytes() == values.tobytes()


@pytest.mark.parametrize("name", ["smokes", 'smokes "a lot"'], ids=["fast path", "slow path"])
@pytest.mark.parametrize("rows", [1, 2, 16, 20_000])
def test_booleans_are_ones_and_zeros(rows: int, name: str) -> None:
    schema = RequestSchema([{"name": "x", **FEATURE}, {"name": name, "kind": "boolean", **FEATURE}])
    numbers = np.random.default_rng(rows).integers(2, size=(rows, 2)).astype(float)
    data = [{name: bool(flag) if row % 3 else flag, "x": x} for row, (x, flag) in enumerate(numbers.tolist())]
    assert np.array_equal(schema.read(json.dumps({"data": data}).encode()).values, numbers)


def test_a_sample_of_nothing_but_booleans_is_numbers_too() -> None:
    schema = RequestSchema([{"name": name, "kind": "boolean", **FEATURE} for name in "ab"])
    values = schema.read(b'{"data": [{"b": false, "a": true}]}').values
    assert (values.dtype, values.tolist()) == (np.float64, [[1.0, 0.0]])


def test_seventy_thousand_rows_are_too_few_to_lose_one() -> None:
    schema = RequestSchema([{"name": "x", **FEATURE}])
    body = json.dumps({"data": [{"x": number} for number in range(70_000)]})
    assert np.array_equal(schema.read(body.encode()).values[:, 0], np.arange(70_000))


@pytest.mark.parametrize("rows", [1, 10_000])
def test_a_repeated_key_is_found_in_short_bodies_and_long_ones(rows: int) -> None:
    schema = RequestSchema([{"name": "x", **FEATURE}])
    body = '{"data": [' + '{"x": 1.5}, ' * (rows - 1) + '{"x": 1, "x": 2}]}'
    with pytest.raises(HTTPProblem, match='"x" is given more than once'):
        schema.read(body.encode())


def test_a_body_of_millions_of_objects_is_refused_within_memory_in_proportion() -> None:
    schema = RequestSchema([{"name": "x", **FEATURE}])
    body = b'{"data": [' + b"{}," * 100_000 + b"{}]}"
    tracemalloc.start()
    with pytest.raises(HTTPProblem, match=r'"x" is missing, expected a finite number, .*; and at least 20 more'):
        schema.read(body)
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert most < 40 * len(body)
