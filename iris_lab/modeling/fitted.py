"""Checks of a loaded estimator: whether it is fitted, and for the features and classes of its description."""

import warnings
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.compose import ColumnTransformer
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from iris_lab.data.schema import Feature
from iris_lab.modeling.compiled import LeftOut, RefusedError, check_boosting, need
from iris_lab.modeling.pickles import is_plain

MOST_JOBS = 64  # threads that a model may start for a prediction
# Modules of the classes that preparations are made of: all they compute is in Python and NumPy, which check sizes.
PREPARING = ("iris_lab.modeling.preparation", "sklearn.impute.", "sklearn.pipeline", "sklearn.preprocessing.")
KERNELS = ("linear", "poly", "rbf", "sigmoid")
# Shapes of the arrays that decide a prediction, by class of the estimator. n: features, k: classes, r: rows of a linear
# model (one for two classes), v: support vectors, p: pairs of classes. scikit-learn does not check that they agree.
SHAPES: Mapping[str, Mapping[str, str]] = {
    "StandardScaler": {"mean_": "n", "scale_": "n"},
    "LogisticRegression": {"coef_": "rn", "intercept_": "r"},
    "LinearDiscriminantAnalysis": {"coef_": "rn", "intercept_": "r"},
    "SVC": {
        "support_": "v",
        "support_vectors_": "vn",
        "_n_support": "k",
        "_dual_coef_": "rv",
        "_intercept_": "p",
        "_probA": "0",
        "_probB": "0",
    },
}


def check_parts(estimator: Any, schema: Sequence[Feature], classes: int, budget: int) -> None:
    """Refuse an estimator from an untrusted file whose parts would make scikit-learn crash, hang or read out of bounds.

    Nearest neighbours are fitted again from their samples, because their search tree was not read from the file.

    Parameters
    ----------
    estimator
        As `pickles.read_pickle` returns it.
    schema, classes
        What each feature is, and the number of classes, as described.
    budget
        Largest number of values, each counted once per reference: the size of the file in bytes.
    """
    if type(estimator) is not Pipeline:
        raise RefusedError(f"is {_a(estimator)}, expected a Pipeline")
    need(classes >= 2, "is described with fewer than two classes")
    steps = estimator.steps
    need(type(steps) is list and [len(step) for step in steps] == [2, 2], "does not have two steps")
    parts = list(_parts(estimator, budget))
    inner = [part for part in _parts(steps[1][1], budget) if type(part) is Pipeline]
    need(not inner, "has a pipeline in a pipeline")
    for part in parts:
        jobs = vars(part).get("n_jobs") if is_plain(part) else None
        need(jobs is None or (type(jobs) is int and abs(jobs) <= MOST_JOBS), f"asks for more than {MOST_JOBS} threads")
    features = _check_preparation(steps[0][1], schema, budget)  # columns that every later part receives
    for part in parts:
        if type(part).__name__ == "Tree":
            fits = part.node_count > 0 and part.n_features == features and part.n_classes.tolist() == [classes]
            need(fits, "has a decision tree for other features or classes")
            shares = part.value
            need(
                shares.min() >= 0 and np.abs(shares.sum(axis=2) - 1).max() < 1e-6,
                "has a decision tree without probabilities",
            )
        elif isinstance(part, KNeighborsClassifier) and hasattr(part, "_fit_X"):
            part.fit(part._fit_X, part.classes_[part._y])
        elif type(part).__name__ == "Boosting" and hasattr(part, "nodes_"):
            check_boosting(part, features)
            columns = 1 if classes == 2 else classes
            need(part.n_features_in_ == features and len(part.baseline_) == columns, "is boosted for other classes")
        elif type(part).__name__ in SHAPES and (part is steps[0][1] or type(part) is not StandardScaler):
            _check_shapes(part, features, classes)


def _check_preparation(preparation: Any, schema: Sequence[Feature], budget: int) -> int:
    """Return how many columns the first step of a model makes of its features."""
    if type(preparation) is StandardScaler:
        return len(schema)
    need(type(preparation) is ColumnTransformer, "does not standardize first")
    for _, step, columns in preparation.transformers_:
        inside = [type(part) for part in _parts(step, budget)]
        known = inside and all(kind.__module__.startswith(PREPARING) for kind in inside)
        need(known, "prepares its features in another way")
        need(type(columns) is list and all(type(column) is str for column in columns), "prepares columns without names")
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        row = pd.DataFrame([[0.0] * len(schema)], columns=[feature.name for feature in schema])
        made = preparation.transform(row)
    need(type(made) is np.ndarray and made.ndim == 2 and made.dtype == float, "does not make numbers of its features")
    return int(made.shape[1])


def _parts(root: Any, budget: int) -> Iterator[Any]:
    """Yield the parts of an estimator, within a budget: nested references can mean more values than fit in memory."""
    waiting = [root]
    while waiting:
        value = waiting.pop()
        budget -= 1
        need(budget >= 0, "holds more values than its file has bytes")
        if isinstance(value, list | tuple):
            waiting.extend(value)
        elif isinstance(value, dict):
            waiting.extend(value.values())
        elif is_plain(value):
            yield value
            waiting.extend(vars(value).values())
        elif type(value).__name__ == "Tree":
            yield value
        else:
            harmless = isinstance(value, str | int | float | None | np.ndarray | np.generic | slice | LeftOut)
            harmless |= value is np.float64 or (isinstance(value, np.dtype) and value.kind in "biuf")
            need(harmless, f"has {_a(value)} among its attributes")


def _check_shapes(part: Any, features: int, classes: int) -> None:
    shapes, pairs = SHAPES[type(part).__name__], classes * (classes - 1) // 2
    if not vars(part).keys() & shapes.keys():  # a parameter of another estimator, not fitted
        return
    known = {"0": 0, "n": features, "k": classes, "r": 1 if classes == 2 else classes, "p": pairs}
    if isinstance(part, SVC):
        known |= {"r": classes - 1, "v": len(part.support_)}
        regular = part.kernel in KERNELS and part._sparse is False and not vars(part).keys() & vars(SVC).keys()
        need(regular, "has a support vector machine of another kind")
    for name, axes in shapes.items():
        array = getattr(part, name)
        if array is None and type(part) is StandardScaler:  # it was told not to center, or not to scale
            continue
        fits = type(array) is np.ndarray and array.shape == tuple(known[axis] for axis in axes)
        numbers = fits and array.dtype.kind in "if" and np.isfinite(array).all()
        need(numbers, f"has {type(part).__name__}.{name} of another shape, or not finite")
    if isinstance(part, SVC):
        counts = part._n_support
        need(len(part.support_) == counts.sum() > 0 <= counts.min(), "has support vectors of no class")


def check_answers(estimator: Any, features: Sequence[Mapping[str, Any]], classes: int) -> None:
    """Refuse an estimator that is not fitted on the features and classes described, or does not predict.

    Raises
    ------
    RefusedError
        It has other features or classes, or does not predict a distribution over them.
    """
    need(hasattr(estimator, "predict_proba"), f"is {_a(estimator)}, expected a fitted classifier")
    names = [feature["name"] for feature in features]
    given = list(getattr(estimator, "feature_names_in_", ()))
    differ = f"has {len(given)} features, expected the {len(names)} described, by name and in that order"
    need(given == names, differ)
    codes = np.asarray(getattr(estimator, "classes_", ()))
    need(
        codes.tolist() == list(range(classes)),
        f"has {codes.size} classes, expected the codes of the {classes} described",
    )
    kinds = [[feature[kind] for feature in features] for kind in ("median", "min", "max")]
    rows = np.array(kinds, float)
    frame = pd.DataFrame(rows, columns=names)
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")  # only the answers matter
        # With two numbers of rows: an array of a wrong shape could fit one of them by chance.
        shares: NDArray[Any] = np.asarray(estimator.predict_proba(frame))
        code: NDArray[Any] = np.asarray(estimator.predict(frame[:1]))
    fits = shares.shape == (len(frame), classes) and shares.dtype.kind == "f" and np.isfinite(shares).all()
    need(fits and np.allclose(shares.sum(axis=1), 1), f"does not predict a distribution over the {classes} classes")
    need(
        code.shape == (1,) and code.dtype.kind == "i" and 0 <= code[0] < classes,
        "predicts a class that is not described",
    )


def _a(value: object) -> str:
    name = type(value).__name__
    return f"{'an' if name[0] in 'aeiouAEIOU' else 'a'} {name}"
