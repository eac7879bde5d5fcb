"""What the demo page is made from: a control for each feature, and the plot's first axes."""

import math
from collections.abc import Mapping, Sequence
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import NDArray

MOST_STEPS, USUAL_STEPS = 10**6, 1000
MOST_COMPARED = 40  # features, of which each pair is looked at
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
        ``name``, ``unit``, ``min`` and ``max`` as in the model; ``step`` of the slider and ``digits`` of its values;
        ``start``, ``low`` and ``high``: the median and the ends of the training range, as text.
    """
    return [_control(feature) for feature in features]


def _control(feature: Mapping[str, Any]) -> dict[str, Any]:
    span, step = feature["max"] - feature["min"], 10.0 ** -feature["decimals"]
    if span > 0 and not span / MOST_STEPS <= step <= span:  # finer or coarser than six decimals can say
        step = 10.0 ** math.floor(math.log10(span / USUAL_STEPS))
    digits = min(max(0, -round(math.log10(step))), 100)
    return {
        **{name: feature[name] for name in ("name", "unit", "min", "max")},
        "step": step,
        "digits": digits,
        "start": _written(float(f"{feature['median']:.12g}"), digits),  # the mean of two values has noise
        "low": _written(feature["min"], digits),
        "high": _written(feature["max"], digits),
    }


def _written(value: float, digits: int) -> str:
    """Return a number with so many decimals, or with all it has where those would change it."""
    text = f"{value:.{digits}f}"
    return text if float(text) == value and len(text) < 20 else repr(value)


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
