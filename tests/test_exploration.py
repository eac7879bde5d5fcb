import numpy as np
import pandas as pd
import pytest
from sklearn.feature_selection import f_classif

from iris_lab.data.dataset import Dataset
from iris_lab.data.datasets import load_dataset
from iris_lab.evaluation import misclassified
from iris_lab.exploration import (
    clearest_pair,
    describe,
    duplicate_subsets,
    duplicates,
    leading_features,
    summarize,
)
from iris_lab.modeling import make_split


def test_the_duplicates_of_iris_are_the_pair_that_r_reports() -> None:
    assert duplicates(load_dataset("iris")).index.tolist() == [(1, 102), (1, 143)]


def test_duplicates_stand_beside_each_other_group_by_group() -> None:
    features = pd.DataFrame({"a": [1.0, 2, 1, 3, 2, 1]})
    dataset = Dataset("t", features, np.array([0, 0, 1, 1, 0, 0]), ("x", "y"), "kind", "")
    assert duplicates(dataset).index.tolist() == [(1, 1), (1, 3), (1, 6), (2, 2), (2, 5)]


def test_the_description_names_source_size_and_digest() -> None:
    wine = load_dataset("wine")
    text = describe(wine)
    assert all(part in text for part in ("Forina", "178", "13: alcohol", "3: class_0", wine.digest))
    assert max(map(len, text.splitlines())) <= 100


def test_the_summary_gives_the_mean_of_each_class() -> None:
    summary = summarize(load_dataset("iris"))
    assert summary.loc["petal length (cm)", "mean of setosa"] == pytest.approx(1.462)
    assert summary.loc["sepal width (cm)", ["min", "max"]].tolist() == [2.0, 4.4]


@pytest.mark.parametrize("name", ["iris", "wine", "breast_cancer"])
def test_the_leading_features_are_those_of_the_f_statistic(name: str) -> None:
    dataset = load_dataset(name)
    statistic = pd.Series(f_classif(dataset.features, dataset.target)[0], dataset.features.columns)
    for most in (1, 3, 5):
        assert set(leading_features(dataset, most)) == set(statistic.nlargest(most).index)


def test_a_constant_feature_leads_nothing_and_a_perfect_one_leads_all() -> None:
    features = pd.DataFrame({"constant": [1.0] * 4, "noise": [1.0, 2, 1.5, 2], "perfect": [0.0, 0, 1, 1]})
    dataset = Dataset("t", features, np.array([0, 0, 1, 1]), ("x", "y"), "kind", "")
    assert leading_features(dataset, 1) == ["perfect"]
    assert leading_features(dataset, 2) == ["noise", "perfect"]


AWKWARD = ["sample", "copy", "same here", "true", "predicted", "train or test", "subset", "index", "name", "duplicates"]


def test_a_feature_may_have_any_name() -> None:
    values = np.random.default_rng(0).normal(size=(40, len(AWKWARD))).round(2)
    values[7] = values[3]
    features = pd.DataFrame(values, columns=AWKWARD)
    target = np.tile([0, 1], 20)
    target[7] = target[3]
    dataset = Dataset("own", features, target, ("x", "y"), "kind", "")
    split = make_split(dataset)
    assert list(summarize(dataset).index) == AWKWARD
    assert len(duplicates(dataset)) == len(duplicate_subsets(split)) == 2
    wrong = misclassified(split, 1 - split.test_target)
    assert np.array_equal(wrong[AWKWARD].to_numpy(), split.test_features.to_numpy()), "nothing is overwritten"
    assert list(wrong.columns[-2:]) == ["true 2", "predicted 2"]
    assert (wrong["true 2"] != wrong["predicted 2"]).all()


def test_the_clearest_pair_is_that_in_whose_plane_the_classes_lie_apart() -> None:
    random = np.random.default_rng(0)
    codes = np.repeat([0, 1, 2, 3], 25)
    rows = random.normal(size=(100, 6))
    rows[:, 4] += 9 * (codes // 2)
    rows[:, 1] += 5 * (codes % 2)  # together they tell four classes, each alone but two
    rows[:, 3] = 7.0
    assert clearest_pair(rows.tolist(), codes.tolist()) == (4, 1)


@pytest.mark.parametrize("rows", [[[1.0], [2.0]], [[3.0, 3.0], [3.0, 3.0]], [[1e200, 0.0], [-1e200, 1.0]], []])
def test_any_table_has_a_pair(rows: list[list[float]]) -> None:
    pair = clearest_pair(rows, [0, 1][: len(rows)])
    width = len(rows[0]) if rows else 1
    assert sorted(pair) == ([0, 1] if width == 2 else [0, 0])
