"""What to know about a table before a model is fitted."""

import warnings
from collections.abc import Sequence
from itertools import combinations
from textwrap import fill

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.feature_selection import f_classif

from iris_lab.data.dataset import Dataset
from iris_lab.data.privacy import outwards
from iris_lab.data.schema import free_name
from iris_lab.modeling import SUBSET, Split, duplicate_groups

MAX_LEVELS_SHOWN = 5  # of a category
FIRST = 5  # samples
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


def first_samples(dataset: Dataset) -> pd.DataFrame:
    """Return the first samples, one per column; none of a private run."""
    return dataset.frame.head(0 if dataset.is_private else FIRST).T


def summarize(dataset: Dataset) -> pd.DataFrame:
    """Return the spread of each number and its mean in each class, one row per feature.

    In a private run, the smallest and the largest value are rounded outwards.
    """
    names = [feature.name for feature in dataset.schema if feature.kind in ("number", "boolean")]
    if not names:
        return pd.DataFrame()
    spread = dataset.features[names].agg(["min", "median", "max", "mean", "std"]).T
    if dataset.is_private:
        known = {feature.name: feature for feature in dataset.schema}
        ranges = [outwards(known[name], *spread.loc[name, ["min", "max"]]) for name in names]
        spread[["min", "max"]] = np.array(ranges)
    means = dataset.features[names].groupby(dataset.target).mean().T
    return spread.join(means.set_axis([f"mean of {name}" for name in dataset.classes], axis=1))


def kinds_of_features(dataset: Dataset) -> pd.DataFrame:
    """Return what each feature was taken for: kind, missing and distinct values, and what they range over."""
    rows = []
    for feature, (name, values) in zip(dataset.schema, dataset.features.items(), strict=True):
        given = values.dropna()
        if feature.kind == "category":
            frequent = given[given >= 0].value_counts(sort=True).index
            spelled = ", ".join(feature.spell(frequent[:MAX_LEVELS_SHOWN]))
            shown = spelled + (", …" if len(feature.levels) > MAX_LEVELS_SHOWN else "")
        else:
            ends = given.min(), given.max()
            shown = " to ".join(feature.spell(outwards(feature, *ends) if dataset.is_private else ends))
        rows.append((name, feature.kind, int(values.isna().sum()), given.nunique(), shown))
    table = pd.DataFrame(rows, columns=["feature", "kind", "missing", "distinct", "range, or levels by frequency"])
    return table.set_index("feature")


def duplicates(dataset: Dataset) -> pd.DataFrame:
    """Return the samples whose features all equal those of another sample, groups of duplicates numbered from 1.

    Of a private run, how many groups and samples there are.
    """
    groups = duplicate_groups(dataset.features)
    shared = np.flatnonzero(np.bincount(groups)[groups] > 1)
    if dataset.is_private:
        return pd.DataFrame({"groups of duplicates": [len(np.unique(groups[shared]))], "samples": [len(shared)]})
    number, members = pd.factorize(groups[shared])[0] + 1, dataset.frame.iloc[shared]
    return members.set_index(pd.Index(number, name="duplicates"), append=True).swaplevel().sort_index()


def duplicate_subsets(split: Split) -> pd.DataFrame:
    """Return the class and the subset of each of the `duplicates`; of a private run, how many there are."""
    table = duplicates(split.dataset)
    if split.dataset.is_private:
        return table
    classes = table[[split.dataset.target_name]]
    subsets = split.subset.loc[classes.index.get_level_values("sample")].to_numpy()
    return classes.assign(**{free_name(SUBSET, list(classes.columns)): subsets})


def separation(dataset: Dataset) -> "pd.Series[float]":
    """Return how well each numeric feature separates the classes: the F statistic of an analysis of variance.

    Missing values are left out. A feature that is constant has 0, one that is constant within each class, but not in
    all, infinity.
    """
    names = [feature.name for feature in dataset.schema if feature.kind in ("number", "boolean", "date")]
    values = dataset.features[names]
    whole = values.notna().all()
    found = pd.Series(0.0, values.columns)
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of constant features
        if whole.any():
            found[whole] = f_classif(values.loc[:, whole], dataset.target)[0]
        for name in values.columns[~whole]:
            given = values[name].notna().to_numpy()
            if len(np.unique(dataset.target[given])) > 1:
                found[name] = f_classif(values.loc[given, [name]], dataset.target[given])[0][0]
    # Rounding can make zero variance negative.
    return found.abs().fillna(np.inf).where(values.max() > values.min(), 0.0)


def leading_features(dataset: Dataset, most: int) -> list[str]:
    """Return the names of the numeric features that separate the classes best, in the order of the table."""
    ratio = separation(dataset)
    best = set(ratio.sort_values(ascending=False, kind="stable").index[:most])
    return [name for name in ratio.index if name in best]


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
