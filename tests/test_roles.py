"""Tables whose samples belong together, or come one after the other: how they are split, and divided into folds."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from iris_lab.data.dataset import Dataset
from iris_lab.data.datasets import load_dataset
from iris_lab.errors import InputError, UnknownNameError
from iris_lab.modeling import cross_validate, describe_split, make_estimator, make_split
from iris_lab.modeling.estimators import MOST_BALANCED, folds_of


def visits(folder: Path, rows: int = 600) -> Path:
    """Write visits of 60 patients, one a day, some with equal values."""
    random = np.random.default_rng(0)
    patient = random.integers(0, 60, rows)
    state = np.where((patient % 3 == 0) ^ (random.random(rows) < 0.1), "ill", "well")
    table = {
        "a": random.normal(size=rows).round(2),
        "b": (random.normal(size=rows) + (state == "ill")).round(2),
        "patient": [f"P{number}" for number in patient],
        "day": pd.date_range("2020-01-01", periods=rows).strftime("%Y-%m-%d"),
        "state": state,
    }
    pd.DataFrame(table).sample(frac=1, random_state=1).to_csv(folder / "visits.csv", index=False)
    return folder / "visits.csv"


def overlap(values: "pd.Series[str]", one: np.ndarray, other: np.ndarray) -> set[str]:
    return set(values.iloc[one]) & set(values.iloc[other])


def keys(dataset: Dataset) -> "pd.Series[str]":
    return dataset.features.astype(str).agg(" ".join, axis=1)


@pytest.mark.parametrize("seed", range(5))
def test_no_patient_is_in_two_subsets_or_two_folds(tmp_path: Path, seed: int) -> None:
    patients = pd.read_csv(visits(tmp_path))["patient"]
    dataset = load_dataset(visits(tmp_path), groups="patient", drop="day")
    assert list(dataset.features) == ["a", "b"]
    assert dataset.notes[-1] == "column 'patient' was left out: it says which samples belong together"
    split = make_split(dataset, 0.25, seed)
    assert not overlap(patients, split.train, split.test)
    assert not overlap(keys(dataset), split.train, split.test)
    assert abs(len(split.test) / 600 - 0.25) < 0.05
    held_out = []
    for train, test in folds_of(split, 5, seed):
        assert not overlap(patients.iloc[split.train], train, test)
        held_out.append(test)
    assert sorted(np.concatenate(held_out).tolist()) == list(range(len(split.train)))


def test_the_test_set_is_the_latest_part_and_folds_go_forward(tmp_path: Path) -> None:
    days = pd.read_csv(visits(tmp_path))["day"]
    dataset = load_dataset(visits(tmp_path), time="day", drop="patient,a")
    dataset.features["b"] = np.arange(600.0)  # without duplicates, which would go with the latest of them
    split = make_split(dataset, 0.2)
    assert len(split.test) == 120
    assert days.iloc[split.train].max() < days.iloc[split.test].min()
    assert "the test set is the latest part" in describe_split(split, 0.2)
    for train, test in folds_of(split, 4, 0):
        assert days.iloc[split.train].iloc[train].max() < days.iloc[split.train].iloc[test].min()
        assert len(test) == pytest.approx(96, abs=2)


def test_patients_are_kept_together_where_time_decides_too(tmp_path: Path) -> None:
    patients = pd.read_csv(visits(tmp_path))["patient"]
    split = make_split(load_dataset(visits(tmp_path), groups="patient", time="day"), 0.25)
    assert not overlap(patients, split.train, split.test)
    scores = cross_validate(make_estimator(), split, folds=3)
    assert scores.shape == (3,)


WRONG = {
    "an unknown column": ({"groups": "pateint"}, UnknownNameError, "column in groups 'pateint'"),
    "the target": ({"time": "state"}, InputError, "time=state: it is the target, too"),
    "both": ({"groups": "day", "time": "day"}, InputError, "time=day: it is given as groups, too"),
    "no time": ({"time": "patient"}, InputError, "line 2, column 'patient': 'P.*', expected a date such as"),
}


@pytest.mark.parametrize(("options", "error", "message"), WRONG.values(), ids=WRONG)
def test_columns_that_cannot_have_the_role_are_one_clear_line(
    tmp_path: Path, options: dict[str, str], error: type[InputError], message: str
) -> None:
    with pytest.raises(error, match=message):
        load_dataset(visits(tmp_path), **options)  # type: ignore[arg-type]  # texts, all of them


def test_folds_of_many_samples_are_stratified_and_keep_duplicates_together(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    rows = 2 * MOST_BALANCED
    table = pd.DataFrame({"a": random.normal(size=rows).round(3), "kind": random.choice(["x", "y", "z"], rows)})
    table.to_csv(tmp_path / "many.csv", index=False)
    split = make_split(load_dataset(tmp_path / "many.csv"), 0.2)
    shares = []
    for train, test in folds_of(split, 5, 0):
        assert not set(split.train_features["a"].iloc[train]) & set(split.train_features["a"].iloc[test])
        shares.append(np.bincount(split.train_target[test]) / len(test))
    assert np.ptp(shares, axis=0).max() < 0.03
