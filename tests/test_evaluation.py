import json

import numpy as np
import pandas as pd
import pytest

from iris_lab.data.datasets import load_dataset
from iris_lab.errors import IrisLabError
from iris_lab.evaluation import (
    checked_answers,
    classification_report,
    confusion_table,
    misclassified,
    request_bodies,
)
from iris_lab.modeling import Split


@pytest.fixture
def split() -> Split:
    return Split(load_dataset("iris"), np.arange(3, 150), np.array([0, 60, 120]))


def test_the_confusion_table_keeps_classes_that_did_not_occur() -> None:
    table = confusion_table([0, 0, 1], [0, 1, 1], ["a", "b", "c"])
    assert table.to_numpy().tolist() == [[1, 1, 0], [0, 1, 0], [0, 0, 0]]
    assert (table.index.name, table.columns.name) == ("true", "predicted")


def test_the_report_scores_a_class_that_was_never_predicted_0_and_warns_of_nothing() -> None:
    report = classification_report([0, 1], [0, 0], ["a", "b"])
    assert report.splitlines()[3].split() == ["b", "0.000", "0.000", "0.000", "1"]


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
