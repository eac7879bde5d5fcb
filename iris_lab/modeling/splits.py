"""What is learnt from, and what is kept out of sight."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.model_selection import train_test_split

from iris_lab.data.datasets import Dataset
from iris_lab.errors import InputError

SIDE = "train or test"  # a column that no data is likely to have


@dataclass(frozen=True)
class Split:
    """Row numbers of the training and the test set, and the features and classes behind them.

    Attributes
    ----------
    dataset
        What was split.
    train, test
        Row numbers, ascending, shape (samples,).
    """

    dataset: Dataset
    train: NDArray[np.int64]
    test: NDArray[np.int64]

    @property
    def part(self) -> "pd.Series[str]":
        """``train`` or ``test`` for each sample; samples count from 1, as in ``Dataset.frame``."""
        sides = np.full(len(self.dataset.target), "train")
        sides[self.test] = "test"
        return pd.Series(sides, self.dataset.labels.index, name=SIDE)

    @property
    def train_features(self) -> pd.DataFrame:
        """Features of the training set."""
        return self.dataset.features.iloc[self.train]

    @property
    def train_target(self) -> NDArray[np.int64]:
        """Codes of the training set."""
        return self.dataset.target[self.train]

    @property
    def distinct_train_target(self) -> NDArray[np.int64]:
        """Codes of the training set with one of each set of twins: what cross-validation can deal into folds."""
        return self.train_target[np.unique(twin_groups(self.train_features), return_index=True)[1]]

    @property
    def test_features(self) -> pd.DataFrame:
        """Features of the test set."""
        return self.dataset.features.iloc[self.test]

    @property
    def test_target(self) -> NDArray[np.int64]:
        """Codes of the test set."""
        return self.dataset.target[self.test]


def check_seed(seed: int) -> int:
    """Return `seed`, or raise `InputError` where NumPy's generators cannot take it (0 to 2**32 - 1)."""
    if not 0 <= seed < 2**32:
        raise InputError(f"seed={seed}: expected an integer from 0 to {2**32 - 1}")
    return seed


def check_test_size(test_size: float) -> float:
    """Return `test_size`, or raise `InputError` unless it is a fraction between 0 and 1, both excluded."""
    if not 0 < test_size < 1:
        raise InputError(f"test_size={test_size}: expected a fraction of the samples between 0 and 1, such as 0.25")
    return test_size


def twin_groups(features: pd.DataFrame) -> NDArray[np.int64]:
    """Return a group number for each sample; samples with equal features share one."""
    return features.groupby(list(features.columns), sort=False).ngroup().to_numpy().astype(np.int64)


def make_split(dataset: Dataset, test_size: float = 0.25, seed: int = 0) -> Split:
    """Split at random, stratified by class, with identical samples always on the same side.

    The first of each group of identical samples is drawn; its twins follow it, so that no sample of the test set
    was seen in training.

    Parameters
    ----------
    dataset
        What to split.
    test_size
        Fraction of the distinct samples that are held out, between 0 and 1.
    seed
        Seed of the draw.

    Raises
    ------
    InputError
        `test_size` or `seed` is out of range, or leaves a class without samples on one side.
    """
    check_test_size(test_size), check_seed(seed)
    groups = twin_groups(dataset.features)
    distinct = np.unique(groups, return_index=True)[1]
    try:
        _, held_out = train_test_split(
            distinct, test_size=test_size, random_state=seed, stratify=dataset.target[distinct]
        )
    except ValueError as error:
        raise _not_by_class(dataset, distinct, test_size) from error
    in_test = np.isin(groups, groups[held_out])
    split = Split(dataset, np.flatnonzero(~in_test), np.flatnonzero(in_test))
    if any(len(np.unique(side)) < len(dataset.classes) for side in (split.train_target, split.test_target)):
        raise _not_by_class(dataset, distinct, test_size)
    return split


def _not_by_class(dataset: Dataset, distinct: NDArray[np.int64], test_size: float) -> InputError:
    counts = np.bincount(dataset.target[distinct], minlength=len(dataset.classes))
    smallest = int(counts.argmin())
    return InputError(
        f"test_size={test_size} cannot be split by class: {len(distinct)} distinct samples, "
        f"{counts[smallest]} of class {dataset.classes[smallest]!r}; expected some of each class on both sides"
    )
