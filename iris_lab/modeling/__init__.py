"""Split, estimators, cross-validation, and the model file."""

from iris_lab.modeling.checks import CHECKS, check_data
from iris_lab.modeling.estimators import (
    MODELS,
    check_folds,
    check_model,
    cross_validate,
    majority_baseline,
    make_estimator,
    stated_cost,
)
from iris_lab.modeling.importance import coefficients
from iris_lab.modeling.persistence import INFO_FILE, MODEL_FILE, Model, load_model, save_model, versions
from iris_lab.modeling.splits import (
    SUBSET,
    Split,
    check_seed,
    check_test_size,
    class_shares,
    describe_split,
    duplicate_groups,
    make_split,
    split_at,
)

__all__ = [
    "CHECKS",
    "INFO_FILE",
    "MODELS",
    "MODEL_FILE",
    "SUBSET",
    "Model",
    "Split",
    "check_data",
    "check_folds",
    "check_model",
    "check_seed",
    "check_test_size",
    "class_shares",
    "coefficients",
    "cross_validate",
    "describe_split",
    "duplicate_groups",
    "load_model",
    "majority_baseline",
    "make_estimator",
    "make_split",
    "save_model",
    "split_at",
    "stated_cost",
    "versions",
]
