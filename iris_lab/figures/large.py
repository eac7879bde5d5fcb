"""What is drawn of a large table: points of a sample, densities of all samples by their quantiles."""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from iris_lab.data.dataset import Dataset
from iris_lab.figures.cells import spread_in_cells

MOST_POINTS = 5000  # more hide each other, and take seconds to draw
QUANTILES = 2000  # stand for the values of a class; a density is smoothed as one of so many samples


def drawn_rows(target: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the rows of a stratified sample of at most `MOST_POINTS`, ascending, always the same; at least 10 a class.

    Parameters
    ----------
    target
        Class codes, shape (samples,).
    """
    if len(target) <= MOST_POINTS:
        return np.arange(len(target))
    order = np.random.default_rng(0).permutation(len(target))
    counts = np.bincount(target)
    quota = np.minimum(counts, np.maximum(10, counts * MOST_POINTS // len(target)))
    by_class = order[np.argsort(target[order], kind="stable")]
    rank = np.arange(len(target)) - np.repeat(np.cumsum(counts) - counts, counts)
    return np.sort(by_class[rank < np.repeat(quota, counts)])


def drawn_sample(dataset: Dataset) -> Dataset:
    """Return a dataset with the `drawn_rows` only; a private one whole, as its samples are not drawn."""
    rows = drawn_rows(dataset.target)
    if dataset.is_private or len(rows) == len(dataset.target):
        return dataset
    return replace(dataset, features=dataset.features.iloc[rows], target=dataset.target[rows], groups=None, time=None)


def condensed_class(dataset: Dataset, name: str, code: int) -> NDArray[np.float64]:
    """Return the `condensed` values of a feature in a class; of a private run, spread over cells."""
    values = dataset.features[name].to_numpy()[dataset.target == code]
    return condensed(spread_in_cells(dataset, name, code) if dataset.is_private else values)


def share_drawn(drawn: int, total: int) -> str:
    """Return for a title how many of the samples are drawn; nothing if all are."""
    return "" if drawn == total else f" ({drawn:,} of {total:,} samples drawn)"


def condensed(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the values without gaps; of many, evenly spaced quantiles from the smallest to the largest."""
    given = values[~np.isnan(values)]
    if len(given) <= QUANTILES:
        return given
    spaced: NDArray[np.float64] = np.quantile(given, np.linspace(0, 1, QUANTILES))
    return spaced
