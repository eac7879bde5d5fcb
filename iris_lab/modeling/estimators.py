"""The available models, and their scores in cross-validation."""

import warnings
from collections.abc import Callable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray
from sklearn.base import ClassifierMixin
from sklearn.calibration import CalibratedClassifierCV
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.dummy import DummyClassifier
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold, cross_val_score
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.svm import SVC

from iris_lab.data.privacy import FEWEST
from iris_lab.data.schema import Feature
from iris_lab.errors import InputError
from iris_lab.modeling.boosting import Boosting
from iris_lab.modeling.costs import expected_cost
from iris_lab.modeling.preparation import make_preparation
from iris_lab.modeling.ranges import check_folds, check_model, check_seed
from iris_lab.modeling.splits import Split

# Each takes the seed; only those with a random part use it. Their names stand in `ranges.MODEL_NAMES`, too.
MODELS: Mapping[str, Callable[[int], ClassifierMixin]] = {
    "logistic": lambda seed: LogisticRegression(max_iter=1000),
    "lda": lambda seed: LinearDiscriminantAnalysis(),
    # SVC has no probabilities of its own since scikit-learn 1.9; its documentation recommends this.
    "svm": lambda seed: CalibratedClassifierCV(SVC(), ensemble=False),
    "knn": lambda seed: KNeighborsClassifier(),
    "forest": lambda seed: RandomForestClassifier(random_state=seed),
    "boosting": lambda seed: Boosting(random_state=seed),
}


# scikit-learn balances folds group by group, 20 s for 100,000. With more samples, the distinct ones are divided and
# their duplicates follow.
MOST_BALANCED = 10_000
INNER_FOLDS = 5  # of the calibration inside svm
NEIGHBOURS = 5  # of knn
REMEMBERING = ("knn", "svm")  # consist of training samples


def check_needs(model: str, split: Split, folds: int) -> None:
    """Refuse a model that has too few samples to learn from in a fold, before anything is fitted.

    Raises
    ------
    InputError
        A class is too small for svm's calibration, or the training set for knn's neighbours.
    """
    counts = np.bincount(split.train_target, minlength=len(split.dataset.classes))
    smallest = int(counts.argmin())
    in_folds = int(counts[smallest] - -(-counts[smallest] // folds))
    if model == "svm" and in_folds < INNER_FOLDS:
        raise InputError(
            f"model=svm: class {split.dataset.classes[smallest]!r} has {counts[smallest]} training samples, "
            f"{in_folds} of them outside a fold; expected {INNER_FOLDS}, one for each inner fold of its calibration: "
            "merge the class with another, remove it, or choose another model"
        )
    samples = len(split.train) - -(-len(split.train) // folds)
    if model == "knn" and samples < NEIGHBOURS:
        raise InputError(f"model=knn: {samples} samples outside a fold, expected {NEIGHBOURS} neighbours or more")


def stated_cost(model: str, split: Split, folds: int) -> list[str]:
    """Return a line on how long the model will take, if that is over a minute."""
    cost = expected_cost(check_model(model), *split.train_features.shape, folds)
    return [cost] if cost else []


def check_private(model: str) -> None:
    """Refuse a model whose file would hold samples of a private run.

    Raises
    ------
    InputError
        It would.
    """
    if model in REMEMBERING:
        others = ", ".join(name for name in MODELS if name not in REMEMBERING)
        raise InputError(
            f"model={model}: its file consists of training samples, and a private run holds none; choose {others}"
        )


def make_estimator(
    model: str = "logistic", seed: int = 0, schema: Sequence[Feature] = (), *, private: bool = False
) -> Pipeline:
    """Return an unfitted scikit-learn Pipeline: prepare the features, then classify.

    Parameters
    ----------
    model
        ``logistic``, ``lda``, ``svm``, ``knn``, ``forest`` or ``boosting``.
    seed
        Seed of the estimators with a random part.
    schema
        What each feature is; empty for numbers without gaps, which are standardized and nothing else.
    private
        Let no leaf of a tree rest on fewer than five samples, and of dates look at the month only.

    Raises
    ------
    UnknownNameError
        No model has that name.
    InputError
        A private one would hold samples.
    """
    classifier = MODELS[check_model(model)](check_seed(seed))
    if private:
        check_private(model)
    if private and model == "forest":
        classifier.set_params(min_samples_leaf=FEWEST)
    native = isinstance(classifier, Boosting)
    if native and not all(feature.is_plain for feature in schema):
        classifier.set_params(categories=sum(feature.kind == "category" for feature in schema))
    return make_pipeline(make_preparation(schema, native=native, private=private), classifier)


def cross_validate(estimator: ClassifierMixin, split: Split, *, folds: int = 5, seed: int = 0) -> NDArray[np.float64]:
    """Return the accuracy of each fold of the training set, stratified, duplicates never in two folds.

    Returns
    -------
    numpy.ndarray
        Fractions between 0 and 1, shape (folds,).

    Raises
    ------
    InputError
        `folds` is below 2 or above the distinct samples of the largest class, or the estimator needs more samples.
    """
    check_folds(folds, split.distinct_train_target, split.dataset.classes)
    cv = folds_of(split, folds, seed)
    try:
        with warnings.catch_warnings():
            # scikit-learn only warns of calibration on folds that lack a class.
            warnings.filterwarnings("error", "The least populated class", UserWarning)
            scores: NDArray[np.float64] = cross_val_score(
                estimator, split.train_features, split.train_target, cv=cv, error_score="raise"
            )
    except (ValueError, UserWarning) as error:  # too few samples for scikit-learn
        reason = str(error).splitlines()[0]
        raise InputError(f"cannot cross-validate on {len(split.train)} training samples: {reason}") from error
    return scores


def folds_of(split: Split, folds: int, seed: int) -> list[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    """Return the rows of the training and the test part of each fold."""
    groups, target = split.inseparable_train, split.train_target
    if split.dataset.time is not None:
        return _forward(split.dataset.time[split.train], groups, folds)
    distinct = np.unique(groups, return_index=True)[1]
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "The least populated class", UserWarning)  # the split has said so
        if len(target) <= MOST_BALANCED:
            cv = StratifiedGroupKFold(folds, shuffle=True, random_state=seed)
            return list(cv.split(groups, target, groups))
        drawn = list(StratifiedKFold(folds, shuffle=True, random_state=seed).split(distinct, target[distinct]))
    fold_of = np.empty(len(distinct), np.int64)
    for fold, (_, held_out) in enumerate(drawn):
        fold_of[held_out] = fold
    of_sample = fold_of[groups]
    return [(np.flatnonzero(of_sample != fold), np.flatnonzero(of_sample == fold)) for fold in range(folds)]


def _forward(
    time: NDArray[np.float64], groups: NDArray[np.int64], folds: int
) -> list[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    """Return folds in the order of time: each is predicted by a model of what came before it."""
    last = np.full(int(groups.max()) + 1, -np.inf)
    np.maximum.at(last, groups, time)
    edges = np.quantile(last[groups], np.linspace(0, 1, folds + 2)[1:-1], method="lower")
    part = np.searchsorted(edges, last[groups], side="left")
    return [(np.flatnonzero(part < fold), np.flatnonzero(part == fold)) for fold in range(1, folds + 1)]


def majority_baseline() -> DummyClassifier:
    """Return the estimator that always predicts the most frequent class: what any model has to beat."""
    return DummyClassifier(strategy="most_frequent")
