"""Split, estimators, cross-validation, and the model file."""

from typing import TYPE_CHECKING

from iris_lab.lazy import names_in

if TYPE_CHECKING:
    from iris_lab.modeling.checks import check_data
    from iris_lab.modeling.estimators import MODELS, cross_validate, majority_baseline, make_estimator, stated_cost
    from iris_lab.modeling.importance import coefficients
    from iris_lab.modeling.persistence import Model, load_model, save_model, versions
    from iris_lab.modeling.ranges import CHECKS, check_folds, check_model, check_seed, check_test_size
    from iris_lab.modeling.splits import (
        SUBSET,
        Split,
        class_shares,
        describe_split,
        duplicate_groups,
        make_split,
        split_at,
    )
else:
    __getattr__ = names_in(
        __name__,
        checks="check_data",
        estimators="MODELS cross_validate majority_baseline make_estimator stated_cost",
        importance="coefficients",
        persistence="Model load_model save_model versions",
        ranges="CHECKS check_folds check_model check_seed check_test_size",
        splits="SUBSET Split class_shares describe_split duplicate_groups make_split split_at",
    )

__all__ = [
    "CHECKS",
    "MODELS",
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
