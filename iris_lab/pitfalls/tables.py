"""Pitfalls of a table."""

from collections.abc import Callable, Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import chi2_contingency

from iris_lab.data.dataset import Dataset
from iris_lab.data.schema import Feature, are_whole
from iris_lab.pitfalls.labels import giveaways, noise
from iris_lab.pitfalls.pitfall import Found, Pitfall, columns_of, rows_looked_at

NEARLY = 0.98  # share of one value from which on a feature hardly says anything
CORRELATED = 0.99
TINY_CLASS, RARE_CLASS = 10, 0.02  # samples, and share of the table
MANY_MISSING, GAP_DIFFERENCE = 0.5, 0.2  # shares
SURE = 1e-6  # p value; so small because many features are tested
MAGNITUDES = 1e4  # between the largest and the smallest spread of two features
SENTINELS = frozenset({-1.0, -9.0, -99.0, -999.0, -9999.0, 99.0, 999.0, 9999.0, 99999.0})


def in_table(dataset: Dataset) -> list[Pitfall]:
    """Return the pitfalls of a table; it takes time linear in its size."""
    return [found for look in TABLE for found in look(dataset)]


def _identifiers(dataset: Dataset) -> Found:
    for feature, values in columns_of(dataset):
        given = values[~np.isnan(values)]
        if feature.kind not in ("number", "category") or len(given) < TINY_CLASS:
            continue
        distinct = len(np.unique(given))
        whole = feature.kind == "category" or (are_whole(given) and abs(given).max() > 100)
        ordered = feature.kind == "number" and bool(np.all(np.diff(given) > 0) or np.all(np.diff(given) < 0))
        if (whole and distinct > 0.99 * len(given)) or ordered:
            what = "in the order of the rows" if ordered else "nearly all different"
            yield Pitfall(
                "identifier", feature.name, f"{distinct} values in {len(given)} rows, {what}",
                "a number of the row or the case says nothing about the next one",
                "drop it, or keep it if it is a measurement",
            )  # fmt: skip


def _constants(dataset: Dataset) -> Found:
    for feature, values in columns_of(dataset):
        given = values[~np.isnan(values)]
        if not len(given):
            continue
        levels, counts = np.unique(given, return_counts=True)
        share = counts.max() / len(given)
        value = feature.spell([levels[counts.argmax()]])[0]
        if len(levels) == 1 or share >= NEARLY:
            yield Pitfall(
                "constant" if len(levels) == 1 else "nearly-constant", feature.name,
                f"{share:.1%} of the values are {value}", "it tells nothing, or lets a few samples decide",
                "drop it",
            )  # fmt: skip


def _correlations(dataset: Dataset) -> Found:
    numbers = dataset.numeric.features
    numbers = numbers.loc[rows_looked_at(dataset), numbers.nunique() > 1]
    if numbers.shape[1] < 2 or numbers.shape[1] > 500:
        return
    table = np.abs(numbers.corr().to_numpy())
    for one, other in np.argwhere(np.triu(table > CORRELATED, 1)):
        yield Pitfall(
            "correlated", f"{numbers.columns[one]}, {numbers.columns[other]}",
            f"correlation {numbers.iloc[:, one].corr(numbers.iloc[:, other]):.4f}",
            "they say the same: a model may give its weight to either", "drop one of them",
        )  # fmt: skip


def _classes(dataset: Dataset) -> Found:
    counts = np.bincount(dataset.target, minlength=len(dataset.classes))
    for name, count in zip(dataset.classes, counts.tolist(), strict=True):
        share = count / len(dataset.target)
        if count < TINY_CLASS or share < RARE_CLASS:
            yield Pitfall(
                "rare-class", name, f"{count} samples, {share:.1%}",
                "its scores rest on a few samples, and accuracy hardly notices it",
                "merge it with another class, collect more, or judge by the scores of each class",
            )  # fmt: skip


def _gaps(dataset: Dataset) -> Found:
    missing = dataset.features.isna()
    for name in missing.columns[missing.any()]:
        gaps = missing[name].to_numpy()
        if gaps.mean() > MANY_MISSING:
            yield Pitfall(
                "mostly-missing", str(name), f"{gaps.mean():.1%} of the values are missing",
                "what is known of it may not hold for the rest", "drop it, or find out why it is missing",
            )  # fmt: skip
        shares = pd.Series(gaps).groupby(dataset.target).mean()
        table = np.array([np.bincount(dataset.target, weights=part) for part in (gaps, ~gaps)])
        if np.ptp(shares) > GAP_DIFFERENCE and chi2_contingency(table[:, table.sum(axis=0) > 0]).pvalue < SURE:
            most = dataset.classes[int(shares.to_numpy().argmax())]
            yield Pitfall(
                "gaps-by-class", str(name), f"missing in {shares.max():.1%} of {most}, {shares.min():.1%} of another",
                "that it is missing tells the class: perhaps an accident of how the data were collected",
                "find out why; drop it if that will be otherwise when a prediction is needed",
            )  # fmt: skip


def _sentinels(dataset: Dataset) -> Found:
    for feature, values in columns_of(dataset):
        if feature.kind != "number":
            continue
        given = values[~np.isnan(values)]
        for word in sorted(SENTINELS & {float(given.min()), float(given.max())} if len(given) else ()):
            rest, count = given[given != word], int((given == word).sum())
            if len(rest) < TINY_CLASS or count < 2:
                continue
            apart = min(abs(word - rest.min()), abs(word - rest.max()))
            if apart > max(float(np.ptp(rest)), 1e-9) or (word < 0 <= rest.min() and word < -1):
                yield Pitfall(
                    "written-as-number", feature.name, f"{count} values are {word:g}, far from all others",
                    "it may stand for a missing value, and is learned from as a number",
                    f"if so, read it as missing: missing={word:g}",
                )  # fmt: skip


def _levels(dataset: Dataset) -> Found:
    for feature, values in columns_of(dataset):
        if feature.kind != "category":
            continue
        counts = np.bincount(values[values >= 0].astype(np.int64), minlength=len(feature.levels))
        once = int((counts == 1).sum())
        if once > max(5, 0.2 * len(feature.levels)):
            yield Pitfall(
                "levels-seen-once", feature.name, f"{once} of {len(feature.levels)} levels occur once",
                "nothing can be learned about them", "merge levels, or drop it if it is a name",
            )  # fmt: skip
        kinds: dict[str, list[str]] = {}
        for level in feature.levels:
            kinds.setdefault(" ".join(level.casefold().split()), []).append(level)
        for same in kinds.values():
            if len(same) > 1:
                yield Pitfall(
                    "levels-alike", feature.name, f"{', '.join(map(repr, same))}", "they may be one level",
                    "write them alike",
                )  # fmt: skip


def _magnitudes(dataset: Dataset) -> Found:
    spread = dataset.numeric.features.std()
    spread = spread[spread > 0]
    if len(spread) > 1 and spread.max() / spread.min() > MAGNITUDES:
        yield Pitfall(
            "magnitudes", f"{spread.idxmin()}, {spread.idxmax()}",
            f"standard deviations {spread.min():.3g} and {spread.max():.3g}",
            "models here standardize, but others and distances by hand would see one of them alone",
            "choose units of like size",
        )  # fmt: skip


def _structure(dataset: Dataset) -> Found:
    for feature, values in columns_of(dataset):
        given = values[~np.isnan(values)]
        if feature.kind == "date" and dataset.time is None and len(given) >= TINY_CLASS:
            steps = np.diff(given)
            if len(np.unique(given)) > len(given) / 3 and (np.all(steps >= 0) or np.all(steps <= 0)):
                yield Pitfall(
                    "sorted-by-time", feature.name, "the rows are in the order of these dates",
                    "a random split tests on days between those of the training set: easier than the future",
                    f"give time={feature.name}",
                )  # fmt: skip
        if dataset.groups is None and _repeats(feature, given):
            distinct = len(np.unique(given))
            yield Pitfall(
                "repeated-identifier", feature.name, f"{distinct} values in {len(given)} rows, each a few times",
                "samples of one case may be in the training and the test set",
                f"if it names cases, give groups={feature.name}",
            )  # fmt: skip


def _repeats(feature: Feature, given: NDArray[np.float64]) -> bool:
    """Say whether values look like identifiers of cases with a few samples each."""
    if feature.kind not in ("number", "category") or len(given) < 50:
        return False
    levels, counts = np.unique(given, return_counts=True)
    named = feature.kind == "category" or (are_whole(given) and bool(np.all(np.diff(levels) < 50)) and levels[0] > 50)
    even = counts.std() <= 0.7 * counts.mean() and counts.mean() >= 2  # measurements have frequent and rare values
    return bool(named and even and len(levels) >= max(25, len(given) / 25))


TABLE: Sequence[Callable[[Dataset], Found]] = (
    _identifiers, giveaways, _constants, _correlations, _classes, _gaps, _sentinels, _levels, _magnitudes, _structure,
    noise,
)  # fmt: skip
