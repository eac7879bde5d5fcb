import json

import numpy as np
import pandas as pd
import pytest

from iris_lab.data.datasets import load_dataset
from iris_lab.errors import InputError, IrisLabError
from iris_lab.evaluation import (
    checked_answers,
    classification_report,
    confusion_table,
    misclassified,
    request_bodies,
    scores,
    wilson_interval,
)
from iris_lab.modeling import Split


@pytest.fixture
def split() -> Split:
    return Split(load_dataset("iris"), np.arange(3, 150), np.array([0, 60, 120]))


@pytest.mark.parametrize(
    ("correct", "total", "low", "high"),
    # Newcombe, Statistics in Medicine 17 (1998), 857-872, table I, method 3: the score method without continuity.
    [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611), (1, 29, 0.0061, 0.1718)],
)
def test_the_wilson_interval_has_the_published_bounds(correct: int, total: int, low: float, high: float) -> None:
    assert wilson_interval(correct, total) == pytest.approx((low, high), abs=5e-5)


def test_the_wilson_interval_stays_within_0_and_1_and_has_a_width() -> None:
    for total in (1, 2, 38, 10**9):
        assert wilson_interval(0, total)[0] == 0.0 < wilson_interval(0, total)[1]
        assert wilson_interval(total, total)[1] == 1.0 > wilson_interval(total, total)[0]


def test_the_wilson_interval_covers_what_it_says() -> None:
    draws = np.random.default_rng(0).binomial(38, 0.9, 4000)
    bounds = [wilson_interval(int(correct), 38) for correct in draws]
    assert np.mean([low <= 0.9 <= high for low, high in bounds]) == pytest.approx(0.95, abs=0.02)


@pytest.mark.parametrize(("correct", "total"), [(-1, 3), (4, 3), (0, 0)])
def test_counts_of_no_proportion_are_refused(correct: int, total: int) -> None:
    with pytest.raises(InputError, match="expected 0 <= correct <= total"):
        wilson_interval(correct, total)


def test_the_confusion_table_keeps_classes_that_did_not_occur() -> None:
    table = confusion_table([0, 0, 1], [0, 1, 1], ["a", "b", "c"])
    assert table.to_numpy().tolist() == [[1, 1, 0], [0, 1, 0], [0, 0, 0]]
    assert (table.index.name, table.columns.name) == ("true", "predicted")


def test_the_report_scores_a_class_that_was_never_predicted_0_and_warns_of_nothing() -> None:
    report = classification_report([0, 1], [0, 0], ["a", "b"])
    assert report.splitlines()[3].split() == ["b", "0.000", "0.000", "0.000", "1"]


def test_the_scores_are_those_of_the_counts() -> None:
    found = scores(np.array([0, 1, 1, 0]), np.array([0, 1, 0, 0]))
    assert (found["samples"], found["correct"], found["accuracy"]) == (4, 3, 0.75)
    assert (found["accuracy_low"], found["accuracy_high"]) == wilson_interval(3, 4)
    assert found["f1_macro"] == pytest.approx((0.8 + 2 / 3) / 2)


def test_the_misclassified_are_listed_by_their_number_in_the_table(split: Split) -> None:
    wrong = misclassified(split, np.array([0, 2, 2]))
    assert wrong.index.tolist() == [61]
    assert wrong.loc[61, ["true", "predicted"]].tolist() == ["versicolor", "virginica"]
    assert wrong.loc[61, "sepal length (cm)"] == split.dataset.frame.loc[61, "sepal length (cm)"]


def test_no_misclassified_is_an_empty_table(split: Split) -> None:
    wrong = misclassified(split, split.test_target)
    assert isinstance(wrong, pd.DataFrame)
    assert wrong.empty


def test_answers_that_agree_are_returned(split: Split) -> None:
    predicted = np.array([0, 1, 2])
    assert checked_answers([{"result": [0, 1]}, {"result": [2]}], split, predicted).tolist() == [0, 1, 2]


@pytest.mark.parametrize(
    ("reply", "message"),
    [
        ({"result": [0, 2, 1]}, "sample 61: the endpoint answered 2, the model 1"),
        ({"result": [0, 1]}, "expected 3 predictions"),
        ({"result": [0, 1, "setosa"]}, "expected 3 predictions"),
        ({"title": "Bad request", "status": 400}, "replied {'title': 'Bad request'.*expected 3 predictions"),
    ],
)
def test_answers_that_differ_are_an_error_that_names_the_first(
    split: Split, reply: dict[str, object], message: str
) -> None:
    with pytest.raises(IrisLabError, match=message):
        checked_answers([reply], split, np.array([0, 1, 2]))


def test_a_small_table_is_one_request(split: Split) -> None:
    (body,) = request_bodies(split.test_features)
    assert body == {
        "data": split.test_features.to_dict("records"),
        "columns": ["sepal length (cm)", "sepal width (cm)", "petal length (cm)", "petal width (cm)"],
    }


def test_no_request_of_a_large_table_exceeds_the_limit_and_no_sample_is_lost() -> None:
    values = -np.random.default_rng(0).random((500, 3)) * 1e-300
    table = pd.DataFrame(values, columns=["länge", 'a "quoted" name', "z"])
    bodies = list(request_bodies(table, max_bytes=10_000))
    assert len(bodies) > 2
    assert 7_000 < max(len(json.dumps(body)) for body in bodies) <= 10_000
    assert [row["z"] for body in bodies for row in body["data"]] == table["z"].tolist()


def test_a_sample_above_the_limit_is_a_request_of_its_own() -> None:
    assert len(list(request_bodies(pd.DataFrame({"a": [1.0, 2.0]}), max_bytes=1))) == 2
