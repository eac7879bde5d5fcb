"""Odd tables go all the way: figures, findings, model, model file, endpoint, and a prediction for the table itself."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from iris_lab import figures, findings
from iris_lab.artifacts import read_split, write_split
from iris_lab.data.datasets import load_dataset
from iris_lab.evaluation import misclassified, request_bodies
from iris_lab.exploration import duplicates, kinds_of_features, summarize
from iris_lab.modeling import (
    coefficients,
    cross_validate,
    describe_split,
    load_model,
    make_estimator,
    make_split,
    save_model,
)
from iris_lab.pitfalls import in_split, in_table
from iris_lab.scores import scores
from iris_lab.serving import create_app

ROWS = 200
LOCAL = {"Host": "127.0.0.1"}
HOSTILE = ["a,b", 'c"d', "<script>alert(1)</script>", "🌸", "x" * 300, "\\", "{{7*7}}", "=1+1", "sp  ace", "true"]
ONE_VALUE = {"v": "1", "c": "z", "d": "2020-01-01", "b": "true"}
Maker = Callable[[np.random.Generator, np.ndarray], dict[str, object]]


def _levels(random: np.random.Generator, count: int) -> np.ndarray:
    return random.choice([f"level {number}" for number in range(count)], ROWS)


def _holes(random: np.random.Generator, values: np.ndarray, share: float) -> np.ndarray:
    return np.where(random.random(ROWS) < share, "", values.astype(str))


QUICK: dict[str, Maker] = {
    "one category": lambda random, target: {"c": np.where(random.random(ROWS) < 0.8, target, "x")},
    "hostile names and levels": lambda random, target: {
        'a "q", <b>x</b>': random.choice(HOSTILE, ROWS),
        "input-0": random.normal(size=ROWS),
        "subset": _levels(random, 3),
    },
    "hardly a value": lambda random, target: {
        "w": random.normal(size=ROWS),
        **{name: [word, *[""] * (ROWS - 1)] for name, word in ONE_VALUE.items()},
    },
    "dates at the ends of time": lambda random, target: {
        "c": random.choice(["0001-01-01", "9999-12-31", "2020-01-01T23:59:59.5+14:00"], ROWS),
        "v": random.normal(size=ROWS),
    },
}  # fmt: skip
SLOW: dict[str, Maker] = {
    "one boolean": lambda random, target: {"c": random.choice(["true", "false"], ROWS)},
    "one date": lambda random, target: {"c": pd.date_range("1999-01-01", periods=ROWS).strftime("%Y-%m-%d")},
    "a category like the protocol's input": lambda random, target: {"input-0": _levels(random, 3)},
    "many categories": lambda random, target: {f"c{number}": _levels(random, 5) for number in range(40)},
    "many levels": lambda random, target: {"c": _levels(random, 90), "v": random.normal(size=ROWS)},
    "mostly gaps": lambda random, target: {
        **{f"v{number}": _holes(random, random.normal(size=ROWS), 0.6) for number in range(5)},
        "c": _holes(random, _levels(random, 3), 0.7),
    },
}


@pytest.mark.parametrize("model", ["logistic", "boosting"])
@pytest.mark.parametrize(
    "make",
    [*QUICK.values(), *(pytest.param(one, marks=pytest.mark.slow) for one in SLOW.values())],
    ids=[*QUICK, *SLOW],
)
def test_an_odd_table_goes_all_the_way(tmp_path: Path, make: Maker, model: str) -> None:
    random = np.random.default_rng(0)
    target = random.choice(["no", "perhaps"], ROWS)
    path = tmp_path / "odd.csv"
    pd.DataFrame(make(random, target)).assign(kind=target).to_csv(path, index=False)
    dataset = load_dataset(path)
    split = make_split(dataset)
    drawn = [draw(dataset) for draw in (figures.violins, figures.pairs, figures.gaps, figures.levels)]
    assert all(figures.render(one, "png") if not isinstance(one, str) else one.startswith("*No ") for one in drawn)
    for say in (findings.class_balance, findings.separating_features, findings.overlapping_classes):
        assert say(dataset).data
    assert len(kinds_of_features(dataset)) == dataset.features.shape[1]
    for look in (summarize, duplicates, in_table):
        look(dataset)
    assert in_split(split) == []
    assert describe_split(split, 0.25)

    estimator = make_estimator(model, 0, dataset.schema)
    assert cross_validate(estimator, split, folds=3).min() >= 0
    estimator.fit(split.train_features, split.train_target)
    figures.render(figures.feature_importance(coefficients(estimator, split)), "png")
    save_model(tmp_path, estimator, split, model)
    write_split(tmp_path, split)

    loaded = load_model(tmp_path)
    again = read_split(tmp_path, loaded)
    predicted = loaded.estimator.predict(again.test_features)
    scores(again, predicted, loaded.estimator.predict_proba(again.test_features))
    assert len(misclassified(again, predicted)) == (predicted != again.test_target).sum()
    client = create_app(loaded).app.test_client()
    (body,) = request_bodies(again.test_features, loaded.schema)
    assert client.post("/predict", json=body, headers=LOCAL).json["result"] == predicted.tolist()
    assert all(client.get(page, headers=LOCAL | {"Accept": "text/html"}).status_code == 200 for page in ("/", "/docs"))
    infer = f"/v2/models/{model}/infer"
    described = client.get("/openapi.json", headers=LOCAL).json["paths"][infer]["post"]["requestBody"]["content"]
    assert client.post(infer, json=described["application/json"]["example"], headers=LOCAL).status_code == 200
    table = client.post("/predict_table", data=path.read_bytes(), content_type="text/csv", headers=LOCAL)
    assert table.status_code == 200
    assert table.text.count("\n") == ROWS + 1
