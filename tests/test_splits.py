"""The test set is as large as asked, whatever the table repeats."""

import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.optimize import Bounds, LinearConstraint, milp
from threadpoolctl import threadpool_limits

from iris_lab.data.dataset import Dataset
from iris_lab.data.datasets import load_dataset
from iris_lab.errors import InputError
from iris_lab.modeling import cross_validate, describe_split, duplicate_groups, make_estimator, make_split
from iris_lab.modeling.boosting import Boosting
from iris_lab.modeling.checks import check_data
from iris_lab.modeling.draw import draw_groups


def repeated(share: float, seed: int, samples: int = 400) -> Dataset:
    """Return a table of which a share are duplicates, in groups of uneven size."""
    random = np.random.default_rng(seed)
    distinct = max(6, round(samples * (1 - share)))
    values, codes = random.normal(size=(distinct, 3)), random.integers(0, 3, distinct)
    rows = np.concatenate([np.arange(distinct), random.integers(0, distinct, samples - distinct)])
    frame = pd.DataFrame(values[rows], columns=["a", "b", "c"])
    return Dataset("own", frame, codes[rows], ("p", "q", "r"), "kind", "")


@pytest.mark.parametrize("share", [0.0, 0.3, 0.6, 0.9])
@pytest.mark.parametrize("test_size", [0.1, 0.25, 0.5])
def test_the_test_share_is_within_the_largest_group_of_what_was_asked(share: float, test_size: float) -> None:
    for seed in range(5):
        dataset = repeated(share, seed)
        split = make_split(dataset, test_size, seed)
        groups = duplicate_groups(dataset.features)
        assert not set(groups[split.train]) & set(groups[split.test])
        assert abs(len(split.test) - test_size * 400) <= max(1.5, np.bincount(groups).max())
        shares = [np.bincount(codes, minlength=3) / len(codes) for codes in (split.train_target, split.test_target)]
        assert np.abs(shares[0] - shares[1]).max() < 0.05


def nearest_possible(members: np.ndarray, test_size: float) -> float:
    """Return the least distance of any choice of groups, found by integer programming: summed over classes and in all.

    The variables are whether each group is held out, then how far each class and the whole are off. Every class has
    samples on both sides.
    """
    columns = np.column_stack([members, members.sum(axis=1)])
    count, asked = len(columns), test_size * columns.sum(axis=0)
    off = np.eye(len(asked))
    limits = [
        LinearConstraint(np.hstack([columns.T, -off]), ub=asked),
        LinearConstraint(np.hstack([columns.T, off]), lb=asked),
        LinearConstraint(np.hstack([members.T, 0 * off[:-1]]), lb=1, ub=members.sum(axis=0) - 1),
    ]
    cost, whole = np.repeat([0, 1], [count, len(asked)]), np.repeat([1, 0], [count, len(asked)])
    bounds = Bounds(0, np.repeat([1, np.inf], [count, len(asked)]))
    return float(milp(cost, integrality=whole, bounds=bounds, constraints=limits).fun)


@pytest.mark.parametrize("mixed", [False, True], ids=["groups of one class", "groups of several classes"])
@pytest.mark.parametrize("share", [0.6, 0.9, 0.95])
@pytest.mark.parametrize("test_size", [0.1, 0.25, 0.5])
def test_hardly_any_other_choice_of_groups_comes_nearer(mixed: bool, share: float, test_size: float) -> None:
    for seed in range(3):
        dataset = repeated(share, seed)
        target = np.random.default_rng(seed).integers(0, 3, 400) if mixed else dataset.target
        groups = duplicate_groups(dataset.features)
        members = np.array([np.bincount(target[groups == group], minlength=3) for group in range(groups.max() + 1)])
        held_out = draw_groups(groups, target, test_size, seed)
        missed = members[held_out].sum(axis=0) - test_size * members.sum(axis=0)
        distance = np.abs(missed).sum() + abs(missed.sum())
        assert distance <= nearest_possible(members, test_size) + 3  # samples of 400, summed over classes and in all


def test_a_table_of_thousands_of_group_sizes_is_drawn_in_seconds() -> None:
    random = np.random.default_rng(0)
    groups = np.unique(random.integers(0, 20_000, 100_000), return_inverse=True)[1]
    target = random.integers(0, 10, 100_000)
    started = time.monotonic()
    held_out = draw_groups(groups, target, 0.25, 0)[groups]
    assert time.monotonic() - started < 20
    assert np.abs(np.bincount(target[held_out]) - np.bincount(target) / 4).max() < 10


def test_groups_of_several_classes_keep_size_and_shares(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    rows = [f"{random.integers(1, 4)},{random.integers(0, 3)},{random.integers(0, 2)}" for _ in range(600)]
    table = tmp_path / "few.csv"
    table.write_text("pclass,sibsp,survived\n" + "\n".join(rows) + "\n")
    dataset = load_dataset(table)
    split = make_split(dataset, 0.25, 0)
    assert abs(len(split.test) - 150) <= np.bincount(duplicate_groups(dataset.features)).max()
    assert abs(split.train_target.mean() - split.test_target.mean()) < 0.05
    assert "(25.0% asked)" in describe_split(split, 0.25)


def test_equal_seeds_draw_equal_splits_and_others_do_not() -> None:
    dataset = repeated(0.9, 1)
    tests = [make_split(dataset, 0.25, seed).test.tolist() for seed in (3, 3, 4)]
    assert tests[0] == tests[1] != tests[2]


def test_samples_with_equal_features_share_a_group_whatever_the_columns_are_called() -> None:
    frame = pd.DataFrame([[1, 2], [1, 3], [1, 2]], columns=["sample", "sample"], dtype=float)
    assert duplicate_groups(frame).tolist() == [0, 1, 0]


def sized(counts: dict[str, int]) -> Dataset:
    names = [name for name, count in counts.items() for _ in range(count)]
    classes = tuple(sorted(counts))
    frame = pd.DataFrame({"a": np.random.default_rng(0).normal(size=len(names))})
    return Dataset("own", frame, np.array([classes.index(name) for name in names]), classes, "kind", "")


@pytest.mark.parametrize(
    ("counts", "model", "folds", "message"),
    [
        ({"x": 40, "y": 1}, "logistic", 5, "1 of class 'y'.*merge the class"),
        ({"x": 40, "y": 2}, "logistic", 5, "folds=5: class 'y' has 1 distinct training sample"),
        ({"x": 40, "y": 8}, "svm", 3, "model=svm: class 'y' has 6 training samples, 4 of them outside a fold"),
        ({"x": 4, "y": 4}, "knn", 2, "model=knn: 3 samples outside a fold"),
    ],
)
def test_what_a_model_needs_is_said_before_anything_starts(
    counts: dict[str, int], model: str, folds: int, message: str
) -> None:
    with pytest.raises(InputError, match=message):
        check_data(sized(counts), {"test_size": 0.25, "seed": 0, "folds": folds, "model": model})


@pytest.mark.parametrize("model", ["logistic", "lda", "knn", "forest", "boosting"])
def test_classes_rarer_than_folds_are_trained_tested_where_that_can_be_and_named(model: str) -> None:
    dataset = sized({"a": 40, "b": 40, "c": 3, "d": 2, "e": 1})
    check_data(dataset, {"test_size": 0.25, "seed": 0, "folds": 5, "model": model})
    split = make_split(dataset)
    assert np.bincount(split.train_target).tolist() == [30, 30, 2, 1, 1]
    assert np.bincount(split.test_target).tolist() == [10, 10, 1, 1]
    said = describe_split(split, 0.25)
    assert "class 'e' is not tested: all its samples are in the training set" in said
    assert "class 'c' has 2 distinct training sample(s): of more folds, some are without it" in said
    with threadpool_limits(1):  # more only wait for each other
        assert len(cross_validate(make_estimator(model), split, folds=5)) == 5
        make_estimator(model).fit(split.train_features, split.train_target)


def test_a_class_within_one_group_is_trained_on_and_not_tested() -> None:
    dataset = sized({"a": 40, "b": 40, "c": 6})
    split = make_split(replace(dataset, groups=np.r_[np.arange(80) // 4, np.full(6, 20)]))
    assert len(split.test) == 20
    assert set(split.test_target) == {0, 1}


def test_boosting_learns_a_class_of_one_sample_in_a_table_large_enough_to_stop_early() -> None:
    values = np.random.default_rng(0).normal(size=(10_050, 2))
    codes = np.r_[(values[:-1, 0] > 0).astype(int), 2]
    with threadpool_limits(1):
        assert set(Boosting().fit(values, codes).classes_) == {0, 1, 2}


def test_the_latest_part_is_as_near_to_what_was_asked_as_equal_times_allow() -> None:
    years = np.repeat([2001.0, 2002.0, 2003.0, 2004.0, 2005.0], [242, 252, 252, 252, 252])
    dataset = sized({"x": 625, "y": 625})
    mixed = np.random.default_rng(0).permutation(1250)
    dataset = replace(dataset, target=dataset.target[mixed], time=years)
    for test_size, held_out in [(0.2, 252), (0.25, 252), (0.35, 504), (0.01, 252)]:
        assert len(make_split(dataset, test_size).test) == held_out
    with pytest.raises(InputError, match="cannot be split by class"):
        make_split(replace(dataset, time=np.zeros(1250)))
