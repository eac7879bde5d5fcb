"""What a private run knows of a table: values that several samples share, and no sample as it is.

Everything later works on this coarser table, so no figure, model or file has to be trusted with the exact one.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from iris_lab.data.months import month_of
from iris_lab.data.schema import UNKNOWN_LEVEL, Feature
from iris_lab.errors import InputError

if TYPE_CHECKING:
    from iris_lab.data.dataset import Dataset

FEWEST = 5  # samples, or groups where they are given, that share what is shown
FEWEST_OF_NAME = 2 * FEWEST  # of a level or a class in the table, so that the training set has several, too
STEPS = 20  # to 200, in the middle half of a number's values
FAR = 100  # steps from the median, from where on two significant digits are kept
DIGITS = 15  # of a float64
DIVISIONS = 10  # of a range, whose ends are rounded outwards
Floats = NDArray[np.float64]


def generalized(dataset: "Dataset", read: Mapping[str, str] | None = None) -> "Dataset":
    """Return the coarser table of a private run, read as `read` says; its digest stays that of the exact one.

    Numbers beyond the fifth smallest and largest become these, and all are rounded to about two significant digits
    of their spread; dates become the first day of their month; levels of fewer than ten samples become unknown.
    Features that have no values in common are left out. Where samples belong to groups, groups are counted.

    Raises
    ------
    InputError
        A class has so few samples that its name says something about one of them.
    """
    _check_classes(dataset, np.arange(len(dataset.target)), FEWEST_OF_NAME, "samples or groups")
    columns, special, gone = {}, dict(dataset.special), []
    for feature, (name, column) in zip(dataset.schema, dataset.features.items(), strict=True):
        kept, values = COARSER[feature.kind](feature, column.to_numpy(), people(dataset))
        if values is None:
            gone.append(str(name))
            special.pop(str(name), None)
            continue
        columns[name] = values
        if kept != feature:
            special[str(name)] = kept
    if not columns:
        raise InputError("no feature has values that several samples share: nothing is left for a private run")
    notes = ["this run is private: numbers were rounded, dates cut to months, and rare levels and extremes merged"]
    notes += [f"column {name!r} was left out: too few samples share its values" for name in gone]
    frame = pd.DataFrame(np.column_stack(list(columns.values())), columns=list(columns), copy=False)
    return replace(
        dataset, features=frame, special=special, notes=(*dataset.notes, *notes), exact_digest=dataset.digest,
        table=None, reading=read or {},
    )  # fmt: skip


def _check_classes(dataset: "Dataset", rows: NDArray[np.int64], fewest: int, what: str) -> None:
    who, target = people(dataset)[rows], dataset.target[rows]
    counts = [len(np.unique(who[target == code])) for code in range(len(dataset.classes))]
    if (smallest := min(counts)) < fewest:
        raise InputError(
            f"class {dataset.classes[counts.index(smallest)]!r} has {smallest} {what}: a private run names no class of "
            f"fewer than {fewest}; merge it with another, or remove it"
        )


def people(dataset: "Dataset") -> NDArray[np.int64]:
    """Return a number for each sample, shape (samples,); samples of one group share it."""
    return np.arange(len(dataset.target)) if dataset.groups is None else dataset.groups


def ends(values: Floats, who: NDArray[np.int64]) -> tuple[float, float] | None:
    """Return the fifth smallest and the fifth largest value, counted by `who`; None where there are too few.

    Parameters
    ----------
    values
        NaN where one is missing, shape (samples,).
    who
        As from `people`.
    """
    lowest = highest = values
    if len(np.unique(who)) < len(who):
        by_one = pd.Series(values).groupby(who)
        lowest, highest = (np.asarray(found, np.float64) for found in (by_one.min(), by_one.max()))
    low, high = (np.sort(each[~np.isnan(each)]) for each in (lowest, highest))
    if len(low) < 2 * FEWEST or low[FEWEST - 1] > high[-FEWEST]:
        return None
    return float(low[FEWEST - 1]), float(high[-FEWEST])


def _numbers(feature: Feature, values: Floats, who: NDArray[np.int64]) -> tuple[Feature, Floats | None]:
    if (found := ends(values, who)) is None:
        return feature, None
    inside = np.clip(values, *found)
    low, middle, high = np.nanquantile(inside, (0.25, 0.5, 0.75))
    spread = high - low or found[1] - found[0]
    return feature, rounded(inside, middle, spread) if spread > 0 else np.where(np.isnan(values), np.nan, found[0])


def rounded(values: Floats, middle: float, spread: float) -> Floats:
    """Return numbers in decimal steps of at most a twentieth of `spread`, wider ones far from the middle.

    Examples
    --------
    >>> rounded(np.array([5.12345, 731.41592, 98765.4321]), 5.0, 2.0).tolist()
    [5.1, 730.0, 99000.0]
    """
    largest = float(np.nanmax(np.abs(values)))
    finest = DIGITS - int(np.floor(np.log10(largest))) if largest else 0
    decimals = min(finest, -int(np.floor(np.log10(spread / STEPS))))
    centre = np.round(middle, decimals - 2)
    away = values - centre
    with np.errstate(divide="ignore", invalid="ignore"):
        size = np.floor(np.log10(np.abs(away)))
    found = np.round(away, decimals)
    for power in np.unique(size[np.abs(found) >= FAR * 10.0**-decimals]):
        found = np.where(size == power, np.round(away, 1 - int(power)), found)
    result: Floats = np.round(centre + found, decimals)
    return result


def _dates(feature: Feature, values: Floats, who: NDArray[np.int64]) -> tuple[Feature, Floats | None]:
    if (found := ends(values, who)) is None:
        return feature, None
    return feature, month_of(np.clip(values, *found))


def _booleans(feature: Feature, values: Floats, who: NDArray[np.int64]) -> tuple[Feature, Floats | None]:
    found = ends(values, who)
    return feature, values if found is not None and found[0] < found[1] else None


def _categories(feature: Feature, values: Floats, who: NDArray[np.int64]) -> tuple[Feature, Floats | None]:
    kept, merged = merge_levels(feature, values, who, FEWEST_OF_NAME)
    return kept, merged if kept.levels else None


def merge_levels(
    feature: Feature, values: Floats, who: NDArray[np.int64], fewest: int, rows: NDArray[np.int64] | None = None
) -> tuple[Feature, Floats]:
    """Return a category without the levels that fewer than `fewest` have in the `rows`, and its values.

    These become unknown, as a level that was never seen is.
    """
    some = slice(None) if rows is None else rows
    found = pd.DataFrame({"level": values[some], "who": who[some]}).dropna().drop_duplicates()
    counts = np.bincount(found["level"][found["level"] >= 0].astype(np.int64), minlength=len(feature.levels))
    kept = np.flatnonzero(counts >= fewest)
    places = np.full(len(feature.levels) + 1, UNKNOWN_LEVEL)  # the last one is that of the unknown
    places[kept] = np.arange(len(kept))
    gaps = np.isnan(values)
    codes = np.where(gaps, -1.0, values).astype(np.int64)
    return replace(feature, levels=tuple(feature.levels[code] for code in kept)), np.where(gaps, np.nan, places[codes])


COARSER: Mapping[str, Callable[[Feature, Floats, NDArray[np.int64]], tuple[Feature, Floats | None]]] = {
    "number": _numbers,
    "date": _dates,
    "boolean": _booleans,
    "category": _categories,
}


def for_training(dataset: "Dataset", train: NDArray[np.int64]) -> "Dataset":
    """Return a private dataset in which every named level has enough samples in the training set, too.

    A category of which no level has enough keeps them all.

    Raises
    ------
    InputError
        A class has too few.
    """
    _check_classes(dataset, train, FEWEST, "training samples or groups")
    features, special = dataset.features.copy(), dict(dataset.special)
    for feature in dataset.schema:
        if feature.kind != "category":
            continue
        values = features[feature.name].to_numpy()
        kept, merged = merge_levels(feature, values, people(dataset), FEWEST, train)
        if kept.levels:
            features[feature.name], special[feature.name] = merged, kept
    return replace(dataset, features=features, special=special)


def outwards(feature: Feature, low: float, high: float) -> tuple[float, float]:
    """Return the ends of a range rounded outwards: to a tenth of its order of magnitude, of dates to months.

    Examples
    --------
    >>> outwards(Feature("length"), 4.31, 7.94)
    (4.3, 8.0)
    """
    if feature.kind == "date":
        return float(month_of(np.array([low]))[0]), float(month_of(np.array([high]), later=1)[0]) - 1
    if feature.kind != "number" or not high > low:
        return low, high
    decimals = -int(np.floor(np.log10((high - low) / DIVISIONS)))
    step = 10.0**-decimals
    first, last = np.floor(low / step * (1 + 1e-12)), np.ceil(high / step * (1 - 1e-12))
    return float(np.round(min(first * step, low), decimals)), float(np.round(max(last * step, high), decimals))
