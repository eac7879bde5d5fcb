"""Split, estimators, cross-validation, and the model file."""

import hashlib
import json
import platform
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.base import ClassifierMixin
from sklearn.calibration import CalibratedClassifierCV
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.dummy import DummyClassifier
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedGroupKFold, cross_val_score, train_test_split
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from iris_lab.datasets import Dataset, unit_of
from iris_lab.errors import ArtifactError, InputError, UnknownNameError

# Each takes the seed; only those with a random part use it.
MODELS: Mapping[str, Callable[[int], ClassifierMixin]] = {
    "logistic": lambda seed: LogisticRegression(max_iter=1000),
    "lda": lambda seed: LinearDiscriminantAnalysis(),
    # SVC has no probabilities of its own since scikit-learn 1.9; this is what its documentation puts in their place.
    "svm": lambda seed: CalibratedClassifierCV(SVC(), ensemble=False),
    "knn": lambda seed: KNeighborsClassifier(),
    "forest": lambda seed: RandomForestClassifier(random_state=seed),
}
SIDE = "train or test"  # a column that no data is likely to have
MODEL_FILE, INFO_FILE = "model.joblib", "model.json"
DRAWN_SAMPLES = 300  # at most so many training samples go into model.json for the demo page's scatter plot


@dataclass(frozen=True)
class Split:
    """Row numbers of the training and the test set, and the features and classes behind them.

    Attributes
    ----------
    dataset
        What was split.
    train, test
        Row numbers, ascending, shape (samples,).
    """

    dataset: Dataset
    train: NDArray[np.int64]
    test: NDArray[np.int64]

    @property
    def part(self) -> "pd.Series[str]":
        """``train`` or ``test`` for each sample; samples count from 1, as in ``Dataset.frame``."""
        sides = np.full(len(self.dataset.target), "train")
        sides[self.test] = "test"
        return pd.Series(sides, self.dataset.labels.index, name=SIDE)

    @property
    def train_features(self) -> pd.DataFrame:
        """Features of the training set."""
        return self.dataset.features.iloc[self.train]

    @property
    def train_target(self) -> NDArray[np.int64]:
        """Codes of the training set."""
        return self.dataset.target[self.train]

    @property
    def test_features(self) -> pd.DataFrame:
        """Features of the test set."""
        return self.dataset.features.iloc[self.test]

    @property
    def test_target(self) -> NDArray[np.int64]:
        """Codes of the test set."""
        return self.dataset.target[self.test]


@dataclass(frozen=True)
class Model:
    """A fitted estimator and what its ``model.json`` says of it.

    Attributes
    ----------
    estimator
        Predicts integer codes from a data frame with the columns `features`, in that order.
    info
        The content of ``model.json``.
    """

    estimator: Pipeline
    info: dict[str, Any]

    @property
    def name(self) -> str:
        """Name among `MODELS`, or of the estimator's class."""
        return str(self.info["model"])

    @property
    def classes(self) -> tuple[str, ...]:
        """Class names; a prediction is an index into them."""
        return tuple(self.info["classes"])

    @property
    def features(self) -> tuple[str, ...]:
        """Names of the features, in the order of training."""
        return tuple(feature["name"] for feature in self.info["features"])


def check_seed(seed: int) -> int:
    """Return `seed`, or raise `InputError` where NumPy's generators cannot take it (0 to 2**32 - 1)."""
    if not 0 <= seed < 2**32:
        raise InputError(f"seed={seed}: expected an integer from 0 to {2**32 - 1}")
    return seed


def check_test_size(test_size: float) -> float:
    """Return `test_size`, or raise `InputError` unless it is a fraction between 0 and 1, both excluded."""
    if not 0 < test_size < 1:
        raise InputError(f"test_size={test_size}: expected a fraction of the samples between 0 and 1, such as 0.25")
    return test_size


def check_folds(folds: int, target: NDArray[np.int64] | None = None) -> int:
    """Return `folds`, or raise `InputError` unless 2 or more, and no more than the smallest class has samples."""
    if folds < 2:
        raise InputError(f"folds={folds}: expected 2 or more")
    if target is not None and folds > (smallest := int(np.bincount(target).min())):
        raise InputError(f"folds={folds}: expected at most {smallest}, the training samples of the smallest class")
    return folds


def check_model(model: str) -> str:
    """Return `model`, or raise `UnknownNameError` unless it is one of `MODELS`."""
    if model not in MODELS:
        raise UnknownNameError("model", model, MODELS)
    return model


def make_estimator(model: str = "logistic", seed: int = 0) -> Pipeline:
    """Return an unfitted scikit-learn Pipeline: standardize, then classify.

    Parameters
    ----------
    model
        ``logistic``, ``lda``, ``svm``, ``knn`` or ``forest``.
    seed
        Seed of the estimators with a random part.

    Raises
    ------
    UnknownNameError
        No model has that name.
    """
    return make_pipeline(StandardScaler(), MODELS[check_model(model)](check_seed(seed)))


def twin_groups(features: pd.DataFrame) -> NDArray[np.int64]:
    """Return a group number for each sample; samples with equal features share one."""
    return features.groupby(list(features.columns), sort=False).ngroup().to_numpy().astype(np.int64)


def make_split(dataset: Dataset, test_size: float = 0.25, seed: int = 0) -> Split:
    """Split at random, stratified by class, with identical samples always on the same side.

    The first of each group of identical samples is drawn; its twins follow it, so that no sample of the test set
    was seen in training.

    Parameters
    ----------
    dataset
        What to split.
    test_size
        Fraction of the distinct samples that are held out, between 0 and 1.
    seed
        Seed of the draw.

    Raises
    ------
    InputError
        `test_size` or `seed` is out of range, or leaves a class without samples on one side.
    """
    check_test_size(test_size), check_seed(seed)
    groups = twin_groups(dataset.features)
    distinct = np.unique(groups, return_index=True)[1]
    try:
        _, held_out = train_test_split(
            distinct, test_size=test_size, random_state=seed, stratify=dataset.target[distinct]
        )
    except ValueError as error:
        counts = np.bincount(dataset.target[distinct], minlength=len(dataset.classes))
        smallest = int(counts.argmin())
        raise InputError(
            f"test_size={test_size} cannot be split by class: {len(distinct)} distinct samples, "
            f"{counts[smallest]} of class {dataset.classes[smallest]!r}; expected some of each class on both sides"
        ) from error
    in_test = np.isin(groups, groups[held_out])
    return Split(dataset, np.flatnonzero(~in_test), np.flatnonzero(in_test))


def cross_validate(estimator: ClassifierMixin, split: Split, *, folds: int = 5, seed: int = 0) -> NDArray[np.float64]:
    """Return the accuracy of each fold of the training set, stratified, twins never in two folds.

    Returns
    -------
    numpy.ndarray
        Fractions between 0 and 1, shape (folds,).

    Raises
    ------
    InputError
        `folds` is below 2 or above the size of the smallest class.
    """
    check_folds(folds, split.train_target)
    cv = StratifiedGroupKFold(folds, shuffle=True, random_state=seed)
    groups = twin_groups(split.train_features)
    scores: NDArray[np.float64] = cross_val_score(
        estimator, split.train_features, split.train_target, groups=groups, cv=cv, error_score="raise"
    )
    return scores


def majority_baseline() -> DummyClassifier:
    """Return the estimator that always predicts the most frequent class: what any model has to beat."""
    return DummyClassifier(strategy="most_frequent")


def coefficients(estimator: Pipeline, split: Split) -> pd.DataFrame:
    """Return how much each feature matters, features by rows.

    For linear models, one column a class: the change of the class's decision value for one standard deviation more
    of the feature. For the others, the drop of training accuracy when the feature is shuffled (permutation
    importance, Breiman 2001, mean of 10 shuffles, fixed seed).
    """
    last, names = estimator[-1], list(split.dataset.features.columns)
    if hasattr(last, "coef_"):
        weights = last.coef_ if len(last.coef_) > 1 else np.vstack([-last.coef_[0], last.coef_[0]])
        return pd.DataFrame(weights.T, index=names, columns=list(split.dataset.classes))
    from sklearn.inspection import permutation_importance

    drop = permutation_importance(estimator, split.train_features, split.train_target, n_repeats=10, random_state=0)
    return pd.DataFrame({"accuracy lost when shuffled": drop.importances_mean}, index=names)


def save_model(folder: Path, estimator: Pipeline, split: Split, model: str) -> Model:
    """Write ``model.joblib`` and the ``model.json`` that describes it, and return the model.

    Parameters
    ----------
    folder
        Where to write; made if need be.
    estimator
        Fitted on ``split.train_features`` and ``split.train_target``.
    split
        What it was fitted on: classes, feature ranges and units come from here.
    model
        Its name.
    """
    folder.mkdir(parents=True, exist_ok=True)
    joblib.dump(estimator, folder / MODEL_FILE)
    info = {
        "model": model,
        "dataset": {"name": split.dataset.name, "source": split.dataset.source, "sha256": split.dataset.digest},
        "target": split.dataset.target_name,
        "classes": list(split.dataset.classes),
        "features": _describe(split.train_features),
        "samples": _drawn_samples(split),
        "versions": versions(),
        "sha256": hashlib.sha256((folder / MODEL_FILE).read_bytes()).hexdigest(),
    }
    (folder / INFO_FILE).write_text(json.dumps(info, indent=1) + "\n", encoding="utf-8", newline="\n")
    return Model(estimator, info)


def load_model(folder: Path, *, trust: bool = False) -> Model:
    """Load a model after checking that it is the one its ``model.json`` describes.

    A pickle can run any code when it is loaded, so the digest is compared first.

    Parameters
    ----------
    folder
        Holds ``model.joblib`` and ``model.json``.
    trust
        Load the pickle even where its digest does not agree.

    Raises
    ------
    ArtifactError
        One of the files is missing or unreadable, or the digest does not agree and `trust` is false.

    Warns
    -----
    UserWarning
        The model was written by another version of scikit-learn.
    """
    for name in (MODEL_FILE, INFO_FILE):
        if not (folder / name).is_file():
            raise ArtifactError(f"no {name} in {str(folder)!r}: run 02_train first, or name the folder of a run")
    info = _read_info(folder / INFO_FILE)
    pickle = (folder / MODEL_FILE).read_bytes()
    if (found := hashlib.sha256(pickle).hexdigest()) != info["sha256"] and not trust:
        raise ArtifactError(
            f"{MODEL_FILE} has SHA-256 {found[:12]}…, {INFO_FILE} says {str(info['sha256'])[:12]}…: not the model it "
            "describes, so it was not loaded; trust it only if you know why they differ"
        )
    written, here = info["versions"]["scikit-learn"], version("scikit-learn")
    if written != here:
        warnings.warn(f"model written by scikit-learn {written}, loaded by {here}", UserWarning, stacklevel=2)
    try:
        return Model(joblib.load(folder / MODEL_FILE), info)
    except Exception as error:  # a damaged pickle can raise anything
        raise ArtifactError(f"cannot load {MODEL_FILE}: {type(error).__name__}: {error}") from error


def _read_info(path: Path) -> dict[str, Any]:
    try:
        info: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        info["sha256"], info["versions"]["scikit-learn"], info["model"]
        list(info["classes"]), [feature["name"] for feature in info["features"]]
    except (ValueError, KeyError, TypeError) as error:
        raise ArtifactError(f"{path.name} is not the description of a model ({error}): run 02_train again") from error
    return info


def versions() -> dict[str, str]:
    """Return the versions that decide how a model loads: Python's feature release and three packages."""
    major, minor, _ = platform.python_version_tuple()
    packages = {name: version(name) for name in ("scikit-learn", "numpy", "joblib")}
    return {"python": f"{major}.{minor}", **packages}


def _describe(features: pd.DataFrame) -> list[dict[str, Any]]:
    return [
        {"name": name, "unit": unit_of(str(name)), "min": float(column.min()), "max": float(column.max()),
         "median": float(column.median()), "decimals": _decimals(column)}
        for name, column in features.items()
    ]  # fmt: skip


def _decimals(column: "pd.Series[float]") -> int:
    """Return how many decimals the values are given with, at most 6."""
    return max(len(f"{value:.6f}".rstrip("0").split(".")[1]) for value in column)


def _drawn_samples(split: Split) -> dict[str, Any]:
    """Return evenly spaced training samples, enough for a scatter plot."""
    step = -(-len(split.train) // DRAWN_SAMPLES)
    return {
        "rows": split.train_features.iloc[::step].to_numpy().tolist(),
        "classes": split.train_target[::step].tolist(),
    }
