"""What to know about a table before a model is fitted."""

import warnings
from collections.abc import Mapping, Sequence
from itertools import combinations
from textwrap import fill

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.feature_selection import f_classif

from iris_lab.data.dataset import Dataset
from iris_lab.data.schema import free_name
from iris_lab.modeling import SUBSET, Split, duplicate_groups

# Sepal length and width, petal length and width of the two samples in which copies of iris differ: as Fisher printed
# them, and as UCI's file has them (Bezdek et al., IEEE Transactions on Fuzzy Systems 7(3), 1999, 368-369).
IRIS_COPIES: Mapping[str, Mapping[int, tuple[float, ...]]] = {
    "Fisher (1936)": {35: (4.9, 3.1, 1.5, 0.2), 38: (4.9, 3.6, 1.4, 0.1)},
    "UCI file": {35: (4.9, 3.1, 1.5, 0.1), 38: (4.9, 3.1, 1.5, 0.1)},
}

MAX_LEVELS_SHOWN = 5  # of a category
MAX_PAIRED_FEATURES = 40  # of more features, the best ones alone are tried in pairs
ROUNDING_VARIANCE = 1e-9  # of a standardized feature; a smaller variance is rounding error


def describe(dataset: Dataset) -> str:
    """Return where a dataset comes from, how large it is and its digest, as lines of text."""
    facts = {
        "dataset": dataset.name,
        "source": dataset.source,
        "samples": str(len(dataset.target)),
        "features": f"{len(dataset.features.columns)}: {', '.join(dataset.features.columns)}",
        "target": dataset.target_name,
        "classes": f"{len(dataset.classes)}: {', '.join(dataset.classes)}",
        "SHA-256": dataset.digest,
    }
    lines = [*facts.items(), *(("note", note) for note in dataset.notes)]
    return "\n".join(fill(f"{name:<10}{fact}", 100, subsequent_indent=" " * 10) for name, fact in lines)


def compare_copies(dataset: Dataset) -> pd.DataFrame:
    """Return the samples in which known copies of a dataset differ, beside the dataset's own.

    Returns
    -------
    pandas.DataFrame
        One row per copy and sample: the values, and whether the dataset has the same. Empty for every table but iris.
    """
    own = {"sample", "copy", "same here"}
    if dataset.name != "iris" or dataset.features.shape != (150, 4) or own & set(dataset.features.columns):
        return pd.DataFrame()
    values = dataset.features.to_numpy()
    rows = [
        (sample, copy, *printed, "yes" if np.array_equal(values[sample - 1], printed) else "no")
        for copy, samples in IRIS_COPIES.items()
        for sample, printed in samples.items()
    ]
    table = pd.DataFrame(rows, columns=["sample", "copy", *dataset.features.columns, "same here"])
    return table.sort_values("sample", kind="stable").set_index(["sample", "copy"])


def summarize(dataset: Dataset) -> pd.DataFrame:
    """Return the spread of each number and its mean in each class, one row per feature."""
    names = [feature.name for feature in dataset.schema if feature.kind in ("number", "boolean")]
    if not names:
        return pd.DataFrame()
    spread = dataset.features[names].agg(["min", "median", "max", "mean", "std"]).T
    means = dataset.features[names].groupby(dataset.target).mean().T
    return spread.join(means.set_axis([f"mean of {name}" for name in dataset.classes], axis=1))


def kinds_of_features(dataset: Dataset) -> pd.DataFrame:
    """Return what each feature was taken for: kind, missing and distinct values, and what they range over."""
    rows = []
    for feature, (name, values) in zip(dataset.schema, dataset.features.items(), strict=True):
        given = values.dropna()
        if feature.kind == "category":
            spelled = ", ".join(feature.spell(given.value_counts(sort=True).index[:MAX_LEVELS_SHOWN]))
            shown = spelled + (", …" if len(feature.levels) > MAX_LEVELS_SHOWN else "")
        else:
            shown = " to ".join(feature.spell([given.min(), given.max()]))
        rows.append((name, feature.kind, int(values.isna().sum()), given.nunique(), shown))
    table = pd.DataFrame(rows, columns=["feature", "kind", "missing", "distinct", "range, or levels by frequency"])
    return table.set_index("feature")


def duplicates(dataset: Dataset) -> pd.DataFrame:
    """Return the samples whose features all equal those of another sample, groups of duplicates numbered from 1."""
    groups = duplicate_groups(dataset.features)
    shared = np.flatnonzero(np.bincount(groups)[groups] > 1)
    number, members = pd.factorize(groups[shared])[0] + 1, dataset.frame.iloc[shared]
    return members.set_index(pd.Index(number, name="duplicates"), append=True).swaplevel().sort_index()


def duplicate_subsets(split: Split) -> pd.DataFrame:
    """Return the class and the subset of each of the `duplicates`."""
    classes = duplicates(split.dataset)[[split.dataset.target_name]]
    subsets = split.subset.loc[classes.index.get_level_values("sample")].to_numpy()
    return classes.assign(**{free_name(SUBSET, list(classes.columns)): subsets})


def leading_features(dataset: Dataset, most: int) -> list[str]:
    """Return the names of the features that separate the classes best, at most `most`, in the order of the table.

    The measure is the F statistic of an analysis of variance, of the samples that have a value; a feature that is
    constant has none, and one that is constant within each class, but not in all, separates best.
    """
    values = dataset.features
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of constant features
        ratio = _f_statistics(values, dataset.target)
    ratio = ratio.abs().fillna(np.inf).where(values.nunique() > 1, 0.0)  # rounding can make zero variance negative
    best = set(ratio.sort_values(ascending=False, kind="stable").index[:most])
    return [name for name in values.columns if name in best]


def _f_statistics(values: pd.DataFrame, target: NDArray[np.int64]) -> "pd.Series[float]":
    whole = values.notna().all()
    found = pd.Series(0.0, values.columns)
    if whole.any():
        found[whole] = f_classif(values.loc[:, whole], target)[0]
    for name in values.columns[~whole]:
        given = values[name].notna().to_numpy()
        if len(np.unique(target[given])) > 1:
            found[name] = f_classif(values.loc[given, [name]], target[given])[0][0]
    return found


def clearest_pair(rows: Sequence[Sequence[float | None]], classes: Sequence[int]) -> tuple[int, int]:
    """Return the two features whose plane separates the classes best.

    The measure is Fisher's: the trace of W⁻¹B over the two features, where B is the scatter between the class means
    and W the scatter within the classes.

    Parameters
    ----------
    rows
        Samples, shape (samples, features); of a missing value, the median is taken.
    classes
        Their codes.

    Returns
    -------
    tuple of int
        Two indices, that of the feature with the better separation first; twice the same if there is one feature.
    """
    values, labels = np.array(rows, np.float64), np.array(classes, np.int64)
    if values.size == 0 or values.shape[1] == 1:
        return 0, 0
    if np.isnan(values).any():
        frame = pd.DataFrame(values)
        values = frame.fillna(frame.median()).fillna(0.0).to_numpy()
    with np.errstate(all="ignore"):  # a column of huge numbers overflows; it is then no candidate
        within, between = _scatters(values, labels)
        alone = np.nan_to_num(between.diagonal() / within.diagonal())
        candidates = np.argsort(-alone, kind="stable")[:MAX_PAIRED_FEATURES].tolist()
        separation = {
            pair: float(np.trace(np.linalg.solve(within[np.ix_(pair, pair)], between[np.ix_(pair, pair)])))
            for pair in combinations(candidates, 2)
        }
    return max(separation, key=separation.__getitem__)


def _scatters(values: NDArray[np.float64], labels: NDArray[np.int64]) -> tuple[NDArray[np.float64], ...]:
    """Return the scatter within and between classes, of standardized features."""
    spread = values.std(axis=0)
    values = (values - values.mean(axis=0)) / np.where(spread > 0, spread, 1.0)
    means = np.array([values[labels == code].mean(axis=0) for code in labels])
    within, between = (values - means).T @ (values - means), means.T @ means
    # A feature without variance, or with none within each class, must not divide by zero.
    within += np.eye(len(within)) * len(values) * ROUNDING_VARIANCE
    return within, between
