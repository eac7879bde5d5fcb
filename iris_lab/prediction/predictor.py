"""Predictions from an array, bit-for-bit those of the evaluated model.

scikit-learn's pipeline spends 0.6 to 2 ms on checks that a decoded request has already passed; the arithmetic itself
takes microseconds. A shortcut does that arithmetic in scikit-learn's own order of operations. It is used only if it
reproduces every bit of ``estimator.predict`` and ``predict_proba`` on the samples in ``model.json`` and on random
points. Otherwise the estimator makes the predictions.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import expit
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler

if TYPE_CHECKING:
    from iris_lab.modeling import Model


Codes = NDArray[np.int64]
Numbers = NDArray[np.float64]
Pair = tuple[Callable[[Numbers], Codes], Callable[[Numbers], Numbers]]


class Predictor:
    """Predicts codes and probabilities; the features of a sample are in the order of training.

    Parameters
    ----------
    model
        The evaluated model.

    Attributes
    ----------
    codes, probabilities
        From an array of shape (samples, features) to one of shape (samples,), and to one of shape (samples, classes).
    path
        Who makes the predictions: ``"linear"`` or ``"arrays"``, a shortcut, or ``"estimator"``.
    """

    def __init__(self, model: "Model") -> None:
        probes = _probes(model)
        reference = _by_estimator(model)
        self.path, (self.codes, self.probabilities) = "estimator", reference
        for path, shortcut in SHORTCUTS.items():
            pair = shortcut(model)
            if pair and all(_same_bits(*functions, probes) for functions in zip(pair, reference, strict=True)):
                self.path, (self.codes, self.probabilities) = path, pair
                break


def _by_estimator(model: "Model") -> Pair:
    def frame(rows: Numbers) -> pd.DataFrame:
        return pd.DataFrame(rows, columns=list(model.features))

    return lambda rows: model.estimator.predict(frame(rows)), lambda rows: model.estimator.predict_proba(frame(rows))


def _scaler_and_classifier(model: "Model") -> tuple[Callable[[Numbers], Numbers], Any] | None:
    """Return the standardization as arithmetic, and the classifier after it, or None for another pipeline."""
    steps = [step for _, step in getattr(model.estimator, "steps", ())]
    if len(steps) != 2 or type(steps[0]) is not StandardScaler:
        return None
    if steps[0].mean_ is None or steps[0].scale_ is None:
        return None
    mean, scale = steps[0].mean_[None], steps[0].scale_[None]  # 2-D: broadcasting to a single row is twice as fast
    # A data frame is stored column by column. The array must be, too: the order of a sum decides its last bit.
    return lambda rows: (np.asfortranarray(rows) - mean) / scale, steps[1]


def _by_arrays(model: "Model") -> Pair | None:
    """Standardize by arithmetic, then ask the classifier: it was fitted on an array and needs no data frame."""
    parts = _scaler_and_classifier(model)
    if parts is None:
        return None
    scaled, classifier = parts
    return lambda rows: classifier.predict(scaled(rows)), lambda rows: classifier.predict_proba(scaled(rows))


def _by_linear_scores(model: "Model") -> Pair | None:
    """Logistic regression and linear discriminant analysis: a matrix product, whose largest score is the class."""
    parts = _scaler_and_classifier(model)
    if parts is None or type(parts[1]) not in (LogisticRegression, LinearDiscriminantAnalysis):
        return None
    scaled, classifier = parts
    weights, intercept, binary = classifier.coef_.T, classifier.intercept_[None], len(classifier.coef_) == 1

    def scores(rows: Numbers) -> Numbers:
        values: Numbers = scaled(rows).dot(weights) + intercept
        return values

    def codes(rows: Numbers) -> Codes:
        return (scores(rows)[:, 0] > 0).astype(np.int64) if binary else scores(rows).argmax(axis=1)

    def probabilities(rows: Numbers) -> Numbers:
        values = scores(rows)
        if binary:
            second = expit(values[:, 0])
            return np.stack([1 - second, second], axis=1)
        exponentials = np.exp(values - values.max(axis=1, keepdims=True))
        softmax: Numbers = exponentials / exponentials.sum(axis=1, keepdims=True)
        return softmax

    return codes, probabilities


SHORTCUTS = {"linear": _by_linear_scores, "arrays": _by_arrays}


def _probes(model: "Model") -> list[Numbers]:
    """Return the samples of ``model.json``, if any, and random points around them, in batches of several sizes."""
    low, high = (np.array([feature[end] for feature in model.info["features"]]) for end in ("min", "max"))
    known = np.array(model.info["samples"]["rows"], np.float64).reshape(-1, len(low))
    spread = np.where(high > low, high - low, 1.0)
    points = np.random.default_rng(0).uniform(low - spread, high + spread, (200, len(low)))
    return [*([known] if len(known) else []), points, *(rows[None] for rows in points[:10])]


def _same_bits(one: Callable[[Numbers], Any], other: Callable[[Numbers], Any], probes: list[Numbers]) -> bool:
    return all(np.array_equal(one(rows), other(rows)) for rows in probes)
