"""Which values of the parameters there are, whatever the data: known without an import of what computes with them."""

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from iris_lab.errors import InputError, UnknownNameError, check_type

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

MODEL_NAMES = ("logistic", "lda", "svm", "knn", "forest", "boosting")


def check_seed(seed: int) -> int:
    """Return `seed`, or raise `InputError` where NumPy's generators cannot take it (0 to 2**32 - 1)."""
    check_type("seed", seed, int)
    if not 0 <= seed < 2**32:
        raise InputError(f"seed={seed}: expected an integer from 0 to {2**32 - 1}")
    return seed


def check_test_size(test_size: float) -> float:
    """Return `test_size`, or raise `InputError` unless it is a fraction between 0 and 1, both excluded."""
    check_type("test_size", test_size, float)
    if not 0 < test_size < 1:
        raise InputError(f"test_size={test_size}: expected a fraction of the samples between 0 and 1, such as 0.25")
    return test_size


def check_model(model: str) -> str:
    """Return `model`, or raise `UnknownNameError` unless it is one of the models."""
    check_type("model", model, str)
    if model not in MODEL_NAMES:
        raise UnknownNameError("model", model, MODEL_NAMES)
    return model


def check_folds(folds: int, target: "NDArray[np.int64] | None" = None, classes: Sequence[str] = ()) -> int:
    """Return `folds`, or raise `InputError` unless 2 or more, and no more than a class has samples.

    A rarer class may have fewer samples than there are folds: some folds are then without it. Two classes need two
    samples or more, so that each fold is predicted by a model that knows two classes.

    Parameters
    ----------
    folds
        Number of folds.
    target
        Codes of the distinct training samples.
    classes
        Class names, for the message.
    """
    check_type("folds", folds, int)
    if folds < 2:
        raise InputError(f"folds={folds}: expected 2 or more")
    if target is None:
        return folds
    import numpy as np  # here: most often a command line asks, with a number alone

    counts = np.bincount(target, minlength=len(classes))
    second, most = np.sort(counts)[-2:].tolist()
    if folds > most:
        raise InputError(
            f"folds={folds}: no class has more than {most} distinct training sample(s), expected that many folds or "
            "fewer, and 2 or more: give fewer folds, or merge classes"
        )
    if second < 2:
        rare = classes[int(counts.argsort()[-2])]
        raise InputError(
            f"folds={folds}: class {rare!r} has {second} distinct training sample(s), expected 2 or more of two "
            "classes: merge the class with another, or remove it"
        )
    return folds


CHECKS: Mapping[str, Callable[..., object]] = {
    "seed": check_seed,
    "test_size": check_test_size,
    "folds": check_folds,
    "model": check_model,
}
