"""What the demo page is made from: a control for each feature, and the plot's first axes."""

import math
from collections.abc import Mapping, Sequence
from decimal import ROUND_CEILING, ROUND_FLOOR, ROUND_HALF_EVEN, Context, Decimal
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import NDArray

MOST_STEPS, USUAL_STEPS = 10**6, 1000
ROOM = 12  # characters that a field shows at once
FIGURES, EXACT = 6, 17  # significant figures of a number that needs more room; those that say any number exactly
MOST_COMPARED = 40  # features, of which each pair is looked at
INWARDS = {"min": ROUND_CEILING, "max": ROUND_FLOOR}
TINY = 1e-9  # of the variance: what is smaller is rounding


def controls(features: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return what the page's form needs to know of each feature.

    Parameters
    ----------
    features
        The entries ``features`` of ``model.json``.

    Returns
    -------
    list of dict
        ``name``, ``unit``, ``min`` and ``max`` as in the model; ``step`` of the slider, ``digits`` of its values and
        ``figures``, the significant ones, of a value that needs too much room; ``width`` of the longest text;
        ``start``, ``low`` and ``high``: the median and the ends of the training range, as text. Where that would be too
        long to read they are rounded, the ends inwards: each lies in the training range.
    """
    return [_control(feature) for feature in features]


def _control(feature: Mapping[str, Any]) -> dict[str, Any]:
    span, step = feature["max"] - feature["min"], 10.0 ** -feature["decimals"]
    if span > 0 and not span / MOST_STEPS <= step <= span:  # finer or coarser than six decimals can say
        step = 10.0 ** math.floor(math.log10(span / USUAL_STEPS))
    digits = min(max(0, -round(math.log10(step))), 100)
    size = math.log10(max(abs(feature["min"]), abs(feature["max"])) or 1)
    figures = max(FIGURES, math.floor(size) - round(math.log10(step)) + 1) if span > 0 else EXACT
    low, high = (_written(feature[end], digits, figures, inwards) for end, inwards in INWARDS.items())
    start = sorted((low, _written(feature["median"], digits, figures, ROUND_HALF_EVEN), high), key=float)[1]
    return {
        **{name: feature[name] for name in ("name", "unit", "min", "max")},
        "step": step,
        "digits": digits,
        "figures": min(figures, EXACT),
        "start": start,
        "low": low,
        "high": high,
        "width": max(map(len, (start, low, high))),
    }


def _written(value: float, digits: int, figures: int, rounding: str) -> str:
    """Return a number with so many decimals, or with all it has where those would change it, or else rounded."""
    for text in (f"{value:.{digits}f}", repr(value)):
        if float(text) == value and (len(text) <= ROOM or figures >= EXACT):
            return text
    rounded = Context(prec=figures, rounding=rounding).create_decimal(Decimal(value)).normalize()
    return min(f"{rounded:f}", f"{rounded:e}".replace("e+", "e"), key=len)


def clearest_pair(rows: Sequence[Sequence[float]], classes: Sequence[int]) -> tuple[int, int]:
    """Return the two features whose plane sets the classes apart best.

    The measure is Fisher's: the scatter between the class means in units of that within the classes, the trace of
    W⁻¹B over the two features.

    Parameters
    ----------
    rows
        Samples, shape (samples, features).
    classes
        Their codes.

    Returns
    -------
    tuple of int
        Two indices, the clearer feature first; the same one twice where there is only one.
    """
    values, labels = np.array(rows, np.float64), np.array(classes, np.int64)
    if values.size == 0 or values.shape[1] == 1:
        return 0, 0
    with np.errstate(all="ignore"):  # a column of huge numbers overflows; it is then no candidate
        within, between = _scatters(values, labels)
        alone = np.nan_to_num(between.diagonal() / within.diagonal())
        candidates = np.argsort(-alone, kind="stable")[:MOST_COMPARED].tolist()
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
    within += np.eye(len(within)) * len(values) * TINY
    return within, between
