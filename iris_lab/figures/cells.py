"""What is drawn of a private run: cells that several samples of a class share, in place of the samples."""

from dataclasses import replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from iris_lab.data.dataset import Dataset
from iris_lab.data.privacy import FEWEST, people

MOST_CELLS = 20  # of a range
SHARES = 10
Floats = NDArray[np.float64]


def in_cells(dataset: Dataset, x: str, y: str) -> Dataset:
    """Return the samples at the middle of their cell of two features, without those whose cell has too few."""
    across = _between(4, (len(dataset.target) / len(dataset.classes) / FEWEST) ** 0.5)
    features = dataset.features[[x, y]]
    places = {name: _cell(column.to_numpy(), across) for name, column in features.items()}
    cells = pd.DataFrame({place: cell for place, (cell, _) in enumerate(places.values())}).assign(code=dataset.target)
    kept = _shared(cells, people(dataset))
    middles = pd.DataFrame({name: middle[kept] for name, (_, middle) in places.items()})
    return replace(dataset, features=middles, target=dataset.target[kept], groups=None, time=None)


def spread_in_cells(dataset: Dataset, name: str, code: int) -> Floats:
    """Return as many values as a class has of a feature, evenly spread over their cells; none of a cell with too few.

    A feature that is constant has no cells: its value is shared.
    """
    values = dataset.features[name].to_numpy()
    own = np.flatnonzero(dataset.target == code)
    across = _between(5, len(own) / FEWEST / 2)
    cell, middle = _cell(values, across)
    own = own[_shared(pd.DataFrame({"cell": cell[own]}), people(dataset)[own])]
    width = float(np.nanmax(values) - np.nanmin(values)) / across
    centres, counts = np.unique(middle[own], return_counts=True)
    pieces = [
        centre + width * ((np.arange(count) + 0.5) / count - 0.5) for centre, count in zip(centres, counts, strict=True)
    ]
    return np.concatenate([np.empty(0), *pieces])


def shared_shares(shares: Floats, who: NDArray[np.int64]) -> tuple[Floats, NDArray[np.int64]]:
    """Return the middles of the `SHARES` parts of 0 to 1 that have enough samples, and how many each has."""
    cell = np.minimum(np.floor(shares * SHARES), SHARES - 1)
    kept = _shared(pd.DataFrame({"cell": cell}), who)
    found, counts = np.unique(cell[kept], return_counts=True)
    return (found + 0.5) / SHARES, counts


def in_fives(scores: Floats) -> Floats:
    """Return scores with each five in order replaced by their mean, so that no corner of a curve is a single sample."""
    order = np.argsort(scores, kind="stable")
    group = np.empty(len(scores), np.int64)
    group[order] = np.minimum(np.arange(len(scores)) // FEWEST, max(0, len(scores) // FEWEST - 1))
    means: Floats = pd.Series(scores).groupby(group).transform("mean").to_numpy()
    return means


def _between(fewest: int, wanted: float) -> int:
    return max(fewest, min(MOST_CELLS, int(wanted)))


def _cell(values: Floats, cells: int) -> tuple[Floats, Floats]:
    """Return the number of each value's cell, and the middle of the cell; NaN where the value is missing."""
    low, high = float(np.nanmin(values)), float(np.nanmax(values))
    if not high > low:
        return np.where(np.isnan(values), np.nan, 0.0), values
    width = (high - low) / cells
    number = np.clip(np.floor((values - low) / width), 0, cells - 1)
    return number, low + (number + 0.5) * width


def _shared(cells: pd.DataFrame, who: NDArray[np.int64]) -> NDArray[np.intp]:
    """Return the rows whose cell has samples of enough people, or groups."""
    grouped = cells.assign(who=who).groupby(list(cells.columns), sort=False)["who"]
    counts = grouped.transform("size") if len(np.unique(who)) == len(who) else grouped.transform("nunique")
    return np.flatnonzero(counts.to_numpy() >= FEWEST)
