"""The training set and the test set."""

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from iris_lab.errors import InputError
from iris_lab.modeling.draw import draw
from iris_lab.modeling.ranges import check_seed, check_test_size

if TYPE_CHECKING:
    from iris_lab.data.dataset import Dataset

SUBSET = "subset"  # the column that says of each sample whether it is in the training or the test set
FEW = 10  # distinct training samples of a class, which more folds cannot all have


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

    dataset: "Dataset"
    train: NDArray[np.int64]
    test: NDArray[np.int64]

    @property
    def subset(self) -> "pd.Series[str]":
        """``train`` or ``test`` for each sample; samples count from 1, as in ``Dataset.frame``."""
        subsets = np.full(len(self.dataset.target), "train")
        subsets[self.test] = "test"
        return pd.Series(subsets, self.dataset.labels.index, name=SUBSET)

    @property
    def train_features(self) -> pd.DataFrame:
        """Features of the training set."""
        return self.dataset.features.iloc[self.train]

    @property
    def train_target(self) -> NDArray[np.int64]:
        """Codes of the training set."""
        return self.dataset.target[self.train]

    @cached_property
    def inseparable_train(self) -> NDArray[np.int64]:
        """A number for each training sample; those that may not be divided between folds share it."""
        return pd.factorize(inseparable(self.dataset)[self.train])[0].astype(np.int64)

    @property
    def distinct_train_target(self) -> NDArray[np.int64]:
        """Codes of the training samples that can be divided: as many as cross-validation can distribute over folds."""
        return self.train_target[np.unique(self.inseparable_train, return_index=True)[1]]

    @property
    def test_features(self) -> pd.DataFrame:
        """Features of the test set."""
        return self.dataset.features.iloc[self.test]

    @property
    def test_target(self) -> NDArray[np.int64]:
        """Codes of the test set."""
        return self.dataset.target[self.test]


def duplicate_groups(features: pd.DataFrame) -> NDArray[np.int64]:
    """Return a group number for each sample, in order of appearance; samples with equal features share one.

    The columns are taken by position, so their names do not matter.
    """
    groups = np.zeros(len(features), dtype=np.int64)
    for place in range(features.shape[1]):
        codes, values = pd.factorize(features.iloc[:, place], use_na_sentinel=False)
        groups = pd.factorize(groups * len(values) + codes)[0]  # renumbered each time, so that it cannot overflow
        if groups[-1:].max(initial=0) == len(features) - 1:  # all are distinct already
            break
    return groups.astype(np.int64)


def inseparable(dataset: "Dataset") -> NDArray[np.int64]:
    """Return a number for each sample; those that may not be divided between two subsets share it.

    These are samples with equal features and samples of one group, and so on in chains. Where no feature is a number
    or a date, many samples are equal by nature, and may be divided.
    """
    groups = np.arange(len(dataset.target)) if dataset.is_discrete else duplicate_groups(dataset.features)
    if dataset.groups is None:
        return groups
    # Two kinds of nodes, duplicates and given groups; each sample links one to another.
    first, second = groups, dataset.groups + groups.max() + 1
    size = int(second.max()) + 1
    links = coo_array((np.ones(len(first), np.int8), (first, second)), shape=(size, size))
    components: NDArray[np.int32] = connected_components(links, directed=False)[1]
    numbers: NDArray[np.int64] = pd.factorize(components[first])[0].astype(np.int64)
    return numbers


def make_split(dataset: "Dataset", test_size: float = 0.25, seed: int = 0) -> Split:
    """Split at random, stratified by class, with duplicates and groups always in the same subset.

    Where the dataset says when samples were taken, nothing is drawn: the latest are the test set.

    scikit-learn draws among the distinct samples, and the duplicates of a sample follow it. Where that misses the
    size asked for, in all or of a class, by more than `MOST_MISSED`, or leaves a class out, whole groups of
    duplicates are drawn by their sizes. A class that cannot be divided, with a
    single distinct sample or group, is in the training set and not tested.

    Parameters
    ----------
    dataset
        What to split.
    test_size
        Fraction of the samples that are held out, between 0 and 1.
    seed
        Seed of the draw.

    Raises
    ------
    InputError
        `test_size` or `seed` is out of range, or cannot be met with samples of every class in the training set, and
        of every class that can be divided, at least two, in the test set.
    """
    check_test_size(test_size), check_seed(seed)
    groups = inseparable(dataset)
    if dataset.time is not None:
        in_test = _latest(dataset.time, groups, test_size)
        tested = np.unique(dataset.target[in_test])  # a class may have ended before
    else:
        whole = _undivided(dataset.target, groups)
        tested = np.unique(dataset.target[~whole])
        in_test = np.zeros(len(groups), bool)
        if len(tested) > 1:
            in_test[~whole] = draw(dataset.target[~whole], groups[~whole], test_size, seed)
    split = split_at(dataset, np.flatnonzero(~in_test), np.flatnonzero(in_test))
    smallest = min(test_size, 1 - test_size) * len(dataset.target)  # samples asked for in the smaller subset
    lacks = len(np.unique(split.train_target)) < len(dataset.classes) or len(np.unique(split.test_target)) < len(tested)
    if lacks or len(tested) < 2 or smallest <= len(tested) - 1:
        raise _not_by_class(dataset, groups, test_size)
    return split


def split_at(dataset: "Dataset", train: NDArray[np.int64], test: NDArray[np.int64]) -> Split:
    """Return a split into given rows; levels that are rare in the training set of a private run are merged."""
    if dataset.is_private:
        from iris_lab.data.privacy import for_training  # here: no other run needs it

        dataset = for_training(dataset, train)
    return Split(dataset, train, test)


def _undivided(target: NDArray[np.int64], groups: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Return which samples are in a group that is all there is of a class: held out, nothing of it could be learned."""
    size = int(groups.max()) + 1
    codes, numbers = np.divmod(np.unique(target * size + groups), size)  # each class with each of its groups once
    whole = np.zeros(size, bool)
    whole[numbers[np.bincount(codes)[codes] == 1]] = True
    return whole[groups]


def _latest(time: NDArray[np.float64], groups: NDArray[np.int64], test_size: float) -> NDArray[np.bool_]:
    """Return which samples are held out: the latest groups, each counted at its last sample."""
    last = np.full(int(groups.max()) + 1, -np.inf)
    np.maximum.at(last, groups, time)
    times, counts = np.unique(last[groups], return_counts=True)
    since = counts[::-1].cumsum()[::-1][1:]  # samples from each time on, all but the first
    if not len(since):
        return np.zeros(len(time), bool)
    start = times[1 + np.abs(since - test_size * len(time)).argmin()]
    latest: NDArray[np.bool_] = last[groups] >= start
    return latest


def _not_by_class(dataset: "Dataset", groups: NDArray[np.int64], test_size: float) -> InputError:
    counts = [len(np.unique(groups[dataset.target == code])) for code in range(len(dataset.classes))]
    smallest = int(np.argmin(counts))
    return InputError(
        f"test_size={test_size} cannot be split by class: {groups.max() + 1} distinct samples, "
        f"{counts[smallest]} of class {dataset.classes[smallest]!r}; expected some of two classes or more in both the "
        "training and the test set: merge the class with another, remove it, or change test_size"
    )


def describe_split(split: Split, test_size: float) -> str:
    """Return the sizes of the test set, as drawn and as asked, and of the largest group of duplicates, as text."""
    samples, sizes = len(split.dataset.target), np.bincount(duplicate_groups(split.dataset.features))
    lines = [
        f"test set: {len(split.test)} of {samples} samples, {len(split.test) / samples:.1%} ({test_size:.1%} asked)",
        f"distinct samples: {len(sizes)}; largest group of duplicates: {sizes.max()}",
    ]
    counts = np.bincount(split.distinct_train_target, minlength=len(split.dataset.classes))
    held_out = np.bincount(split.test_target, minlength=len(counts))
    for name, count, tested in zip(split.dataset.classes, counts.tolist(), held_out.tolist(), strict=True):
        if not tested:
            lines.append(f"class {name!r} is not tested: all its samples are in the training set")
        if count < FEW:
            lines.append(f"class {name!r} has {count} distinct training sample(s): of more folds, some are without it")
    if split.dataset.is_discrete:
        lines.append("equal samples may be divided, as no feature is a number or a date")
    if split.dataset.groups is not None:
        sizes = np.bincount(inseparable(split.dataset))
        lines.append(f"groups kept together: {len(sizes)}; the largest has {sizes.max()} samples")
    if split.dataset.time is not None:
        lines.append("the test set is the latest part")
    return "\n".join(lines)


def class_shares(split: Split) -> pd.DataFrame:
    """Return how many samples of each class are in the training and the test set, and their shares."""
    subsets = {"training": split.train_target, "test": split.test_target}
    counts = {name: np.bincount(codes, minlength=len(split.dataset.classes)) for name, codes in subsets.items()}
    shares = {f"share of {name}": count / count.sum() for name, count in counts.items()}
    return pd.DataFrame(counts | shares, index=pd.Index(split.dataset.classes, name=split.dataset.target_name))
