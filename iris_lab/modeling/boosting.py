"""Gradient boosting that keeps of its fit only what predictions need: arrays, which can be checked before use.

scikit-learn's fitted object holds a random generator, a loss and encoders, each a program to unpickle.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.ensemble._hist_gradient_boosting._predictor import _predict_from_raw_data
from sklearn.utils.extmath import softmax
from sklearn.utils.validation import check_array, check_is_fitted

Numbers = NDArray[np.float64]


class Boosting(ClassifierMixin, BaseEstimator):  # type: ignore[misc]  # scikit-learn has no types
    """scikit-learn's `HistGradientBoostingClassifier`, to the bit; gaps and categories are taken as they are.

    Its bytes depend on the number of OpenMP threads: `iris_lab.blas.pin_blas` sets one.

    Parameters
    ----------
    categories
        How many of the first columns are categories, coded 0, 1, 2, … without holes.
    random_state
        Seed; it decides which samples are set aside to stop early, in tables of more than 10,000.
    """

    def __init__(self, categories: int = 0, random_state: int = 0) -> None:
        self.categories = categories
        self.random_state = random_state

    def fit(self, X: Any, y: Any) -> "Boosting":  # noqa: N803  # scikit-learn's name
        """Fit to samples of shape (samples, features)."""
        values = np.asarray(X, np.float64)
        self.empty_ = np.isnan(values).all(axis=0)  # scikit-learn 1.9 cannot bin a column without values
        rarest = np.unique(y, return_counts=True)[1].min()  # a single sample cannot be in both parts of early stopping
        model = HistGradientBoostingClassifier(
            categorical_features=list(range(self.categories)) or None, random_state=self.random_state,
            early_stopping="auto" if rarest > 1 else False,
        ).fit(np.where(self.empty_, 0.0, values), y)  # fmt: skip
        trees = [tree for together in model._predictors for tree in together]
        self.classes_ = model.classes_
        self.n_features_in_ = model.n_features_in_
        self.baseline_ = model._baseline_prediction.ravel()
        self.nodes_ = np.concatenate([tree.nodes for tree in trees])
        self.node_counts_ = np.array([len(tree.nodes) for tree in trees])
        self.bitsets_ = np.concatenate([tree.raw_left_cat_bitsets for tree in trees])
        self.bitset_counts_ = np.array([len(tree.raw_left_cat_bitsets) for tree in trees])
        self.known_, self.places_ = model._bin_mapper.make_known_categories_bitsets()
        return self

    def decision_function(self, X: Any) -> Numbers:  # noqa: N803  # scikit-learn's name
        """Return the sum of the trees, shape (samples, classes), or (samples, 1) for two classes."""
        check_is_fitted(self)
        values = check_array(X, dtype=np.float64, ensure_all_finite=False)
        if values.shape[1] != self.n_features_in_:
            raise ValueError(f"{values.shape[1]} features, expected {self.n_features_in_}")
        values = np.where(self.empty_, 0.0, values)
        scores = np.repeat(self.baseline_[None], len(values), axis=0)
        nodes = np.split(self.nodes_, np.cumsum(self.node_counts_)[:-1])
        bitsets = np.split(self.bitsets_, np.cumsum(self.bitset_counts_)[:-1])
        tree_scores = np.empty(len(values))
        for number, (tree, sets) in enumerate(zip(nodes, bitsets, strict=True)):
            _predict_from_raw_data(tree, values, sets, self.known_, self.places_, 1, tree_scores)
            scores[:, number % len(self.baseline_)] += tree_scores
        return scores

    def predict_proba(self, X: Any) -> Numbers:  # noqa: N803  # scikit-learn's name
        """Return the probability of each class, shape (samples, classes)."""
        scores = self.decision_function(X)
        if scores.shape[1] == 1:
            second = expit(scores[:, 0])
            return np.stack([1 - second, second], axis=1)
        shares: Numbers = softmax(scores, copy=False)
        return shares

    def predict(self, X: Any) -> NDArray[np.int64]:  # noqa: N803  # scikit-learn's name
        """Return the most probable class of each sample."""
        chosen: NDArray[np.int64] = self.classes_[self.predict_proba(X).argmax(axis=1)]
        return chosen
