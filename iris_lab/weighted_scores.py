"""The scores of predictions for many weightings of the samples at once, as a bootstrap needs them."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Codes = NDArray[np.int64]
Counts = NDArray[np.int32]
# In the order of the table: name in metrics.json, name for readers, and which end is good.
SCORES: Mapping[str, tuple[str, str]] = {
    "accuracy": ("accuracy", "higher"),
    "balanced_accuracy": ("balanced accuracy", "higher"),
    "f1_macro": ("macro F1", "higher"),
    "roc_auc": ("ROC AUC", "higher"),
    "log_loss": ("log loss", "lower"),
    "brier": ("Brier score", "lower"),
}
RESAMPLED = ("balanced_accuracy", "f1_macro", "roc_auc", "log_loss", "brier")


@dataclass(frozen=True)
class Judged:
    """Predictions for some samples, and the truth.

    Attributes
    ----------
    target, predicted
        Codes of the true and of the predicted classes, shape (samples,).
    probabilities
        Predicted, shape (samples, classes).
    """

    target: Codes
    predicted: Codes
    probabilities: Floats

    @cached_property
    def classes(self) -> int:
        """Number of classes."""
        return int(self.probabilities.shape[1])

    @cached_property
    def losses(self) -> tuple[Floats, Floats]:
        """Log loss and Brier score of each sample."""
        truth = np.eye(self.classes)[self.target]
        chosen = (self.probabilities * truth).sum(axis=1)
        squares = ((self.probabilities - truth) ** 2).sum(axis=1)
        # scikit-learn's log loss is never infinite, and its Brier score of two classes is between 0 and 1.
        return -np.log(np.maximum(chosen, np.finfo(np.float64).eps)), squares / (2 if self.classes == 2 else 1)

    @cached_property
    def cells(self) -> tuple[Codes, Codes]:
        """The samples ordered by their cell of the confusion table, and where each cell starts."""
        cell = self.target * self.classes + self.predicted
        order = np.argsort(cell, kind="stable")
        return order, np.searchsorted(cell[order], np.arange(self.classes**2 + 1))

    @cached_property
    def rankings(self) -> list["_Ranking"]:
        """One for each class; of two classes, both have the same area, so the second is enough."""
        codes = range(1 if self.classes == 2 else 0, self.classes)
        return [_Ranking(self.probabilities[:, code], self.target == code) for code in codes]

    def scores(self, weights: Counts) -> Floats:
        """Return the scores `RESAMPLED` for each row of weights, shape (rows, 5).

        Parameters
        ----------
        weights
            How often each sample counts, shape (rows, samples); each row adds up to the number of samples.
        """
        rows, samples = weights.shape
        order, starts = self.cells
        sums = np.zeros((rows, samples + 1), np.int64)
        np.cumsum(weights[:, order], axis=1, out=sums[:, 1:])
        confusion = np.diff(sums[:, starts], axis=1).reshape(rows, self.classes, self.classes)
        true, found, hit = confusion.sum(axis=2), confusion.sum(axis=1), confusion.diagonal(axis1=1, axis2=2)
        present = true > 0
        recall = np.divide(hit, true, out=np.zeros(true.shape), where=present)
        f1 = np.divide(2 * hit, true + found, out=np.zeros(true.shape), where=present)
        means = [each.sum(axis=1) / present.sum(axis=1) for each in (recall, f1)]
        # Sums in NumPy's own order: those of BLAS depend on the processor.
        losses = [(weights * each).sum(axis=1) / samples for each in self.losses]
        return np.column_stack([*means, self._area(weights), *losses])

    def _area(self, weights: Counts) -> Floats:
        """Return the mean over the classes of the area under the ROC curve, NaN where only one class occurs."""
        areas = np.stack([ranking.areas(weights) for ranking in self.rankings])
        count = (~np.isnan(areas)).sum(axis=0)
        return np.where(count > 0, np.nansum(areas, axis=0) / np.maximum(count, 1), np.nan)


class _Ranking:
    """The samples ordered by the probability of one class, to count how often it beats the rest.

    Parameters
    ----------
    probabilities
        Of the class, one per sample.
    own
        Whether a sample belongs to the class.
    """

    def __init__(self, probabilities: Floats, own: NDArray[np.bool_]) -> None:
        self.order = np.argsort(probabilities, kind="stable")
        ordered = probabilities[self.order]
        self.starts = np.flatnonzero(np.r_[True, np.diff(ordered) > 0])  # of each run of equal probabilities
        self.own = np.flatnonzero(own[self.order])
        self.run = np.searchsorted(self.starts, self.own, side="right") - 1

    def areas(self, weights: Counts) -> Floats:
        """Return the area under the curve for each row of weights, NaN where a row has no such pair.

        The pairs that the class wins are counted in whole numbers, in halves for ties, so the areas are exact.
        """
        here = weights[:, self.order]
        runs = here if len(self.starts) == len(self.order) else np.add.reduceat(here, self.starts, axis=1)
        ranks = 2 * np.cumsum(runs, axis=1, dtype=np.int32) - runs
        own = here[:, self.own]
        positives = own.sum(axis=1, dtype=np.int64)
        pairs = positives * (weights.shape[1] - positives)
        # Whole numbers below 2**53, so the sum is exact in any order.
        wins = np.einsum("ij,ij->i", own, ranks[:, self.run], dtype=np.float64) - positives**2
        return np.where(pairs > 0, wins / np.maximum(2 * pairs, 1), np.nan)
