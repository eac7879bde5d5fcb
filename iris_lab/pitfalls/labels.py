"""Pitfalls between the features and the classes."""

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import StratifiedKFold
from sklearn.neighbors import NearestNeighbors

from iris_lab.data.dataset import Dataset
from iris_lab.data.schema import Feature
from iris_lab.pitfalls.pitfall import Found, Pitfall, columns_of, rows_looked_at

ALONE_AUC, ALONE_ACCURACY = 0.99, 0.98  # from which on a single feature is too good to be true
MOST_BINS = 20  # of a number, by quantiles
NOISY = 0.04  # share of contradicted samples; up to 0.039 in clean tables, see benchmarks/pitfalls.py
NEIGHBOURS, AGREEING = 10, 8  # so many of a sample's neighbours have one class


def giveaways(dataset: Dataset) -> Found:
    """Yield the features that tell the class nearly without fail."""
    rows = rows_looked_at(dataset)
    target = dataset.target[rows]
    if np.bincount(target).min() < 3:
        rows = rows[np.bincount(target)[target] >= 3]
        target = dataset.target[rows]
    if len(np.unique(target)) < 2:
        return
    for feature, values in columns_of(dataset):
        auc, accuracy = _alone(feature, values[rows], target)
        if auc > ALONE_AUC and accuracy > ALONE_ACCURACY:
            yield Pitfall(
                "gives-target-away", feature.name, f"alone it has an AUC of {auc:.3f} and is right in {accuracy:.1%}",
                "it may be written down after the class was known, or derived from it",
                "find out how it came about; drop it if it will not be known when a prediction is needed",
            )  # fmt: skip


def _alone(feature: Feature, values: NDArray[np.float64], target: NDArray[np.int64]) -> tuple[float, float]:
    """Return AUC (one against rest, mean) and accuracy of the class shares by level or quantile, cross-fitted."""
    codes = np.unique(target, return_inverse=True)[1]
    count = int(codes.max()) + 1
    if feature.kind in ("number", "date"):
        edges = np.unique(np.nanquantile(values, np.linspace(0, 1, MOST_BINS + 1)[1:-1])) if len(values) else values
        # A border between two classes lies anywhere: also at each change of class along the sorted values.
        order = np.argsort(values, kind="stable")
        change = np.flatnonzero(np.diff(codes[order]))
        if len(change) <= MOST_BINS:
            edges = np.unique(np.concatenate([edges, (values[order][change] + values[order][change + 1]) / 2]))
        bins = np.where(np.isnan(values), len(edges) + 1, np.searchsorted(edges, np.nan_to_num(values)))
    else:
        bins = np.unique(np.nan_to_num(values, nan=-2.0), return_inverse=True)[1]
    shares = np.zeros((len(codes), count))
    for train, test in StratifiedKFold(3, shuffle=True, random_state=0).split(bins, codes):
        table = np.zeros((int(bins.max()) + 1, count))
        np.add.at(table, (bins[train], codes[train]), 1.0)
        prior = table.sum(axis=0)
        smooth = table + prior / prior.sum() * 0.01
        shares[test] = (smooth / smooth.sum(axis=1, keepdims=True))[bins[test]]
    each = [roc_auc_score(codes == code, shares[:, code]) for code in range(count)]
    return float(np.mean(each)), float((shares.argmax(axis=1) == codes).mean())


def noise(dataset: Dataset) -> Found:
    """Yield a pitfall if many samples have another class than nearly all of their neighbours."""
    rows = rows_looked_at(dataset)
    numbers, target = dataset.numeric.features.iloc[rows], dataset.target[rows]
    numbers = numbers.loc[:, numbers.notna().all() & (numbers.nunique() > 1)]
    if not numbers.shape[1] or len(numbers) < 5 * NEIGHBOURS:
        return
    scaled = ((numbers - numbers.mean()) / numbers.std()).to_numpy()
    near = NearestNeighbors(n_neighbors=NEIGHBOURS + 1).fit(scaled).kneighbors(return_distance=False)
    neighbours = target[near[:, :NEIGHBOURS]]
    counts = np.stack([(neighbours == code).sum(axis=1) for code in range(len(dataset.classes))], axis=1)
    wrong = (counts.max(axis=1) >= AGREEING) & (counts.argmax(axis=1) != target)
    if wrong.mean() > NOISY:
        some = ", ".join(map(str, (rows[np.flatnonzero(wrong)[:8]] + 1).tolist()))
        shown = "" if dataset.is_private else f", such as {some}"
        yield Pitfall(
            "label-noise", dataset.target_name,
            f"{int(wrong.sum())} samples contradict {AGREEING} of {NEIGHBOURS} neighbours or more{shown}",
            "their classes may be wrong", "look at them; correct the table",
        )  # fmt: skip
