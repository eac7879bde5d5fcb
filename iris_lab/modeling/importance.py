"""What a model makes of each feature: weights, or what is lost when a feature is shuffled."""

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.feature_selection import f_classif
from sklearn.inspection import permutation_importance
from sklearn.model_selection import train_test_split
from sklearn.pipeline import Pipeline

from iris_lab.modeling.costs import affordable
from iris_lab.modeling.estimators import MODELS
from iris_lab.modeling.preparation import prepared_names
from iris_lab.modeling.splits import Split


def coefficients(estimator: Pipeline, split: Split) -> pd.DataFrame:
    """Return how much each feature matters, one row per feature.

    For linear models, one column per class: the change of the class's decision value for one standard deviation more
    of the feature, or for a level, which has a row of its own. For the others, the drop of training accuracy when the
    feature is shuffled (permutation importance, Breiman 2001, mean of 10 shuffles, fixed seed); of a large table on a
    stratified sample, with fewer shuffles, and of the features that separate the classes best. The column's name says
    so.
    """
    last = estimator[-1]
    if hasattr(last, "coef_"):
        weights = last.coef_ if len(last.coef_) > 1 else np.vstack([-last.coef_[0], last.coef_[0]])
        prepared = prepared_names(estimator[0], split.dataset.schema)
        return pd.DataFrame(weights.T, index=prepared, columns=list(split.dataset.classes))
    return _importance(estimator, split)


def _importance(estimator: Pipeline, split: Split) -> pd.DataFrame:
    """Return how much accuracy on training samples is lost when a feature is shuffled."""
    features, target = split.train_features, split.train_target
    model = next((name for name, make in MODELS.items() if type(make(0)) is type(estimator[-1])), "")
    some = affordable(model, *features.shape)
    kept = np.arange(len(target))
    if some.samples < len(target):
        kept = np.sort(train_test_split(kept, train_size=some.samples, random_state=0, stratify=target)[0])
    chosen = np.arange(features.shape[1])
    if some.features < len(chosen):
        f_values = np.nan_to_num(f_classif(features.fillna(features.median()), target)[0], posinf=np.inf)
        chosen = np.sort(np.argsort(-f_values, kind="stable")[: some.features])
    whole = features.iloc[kept]

    def score(estimator: Pipeline, shuffled: pd.DataFrame, target: NDArray[np.int64]) -> float:
        return float(estimator.score(whole.assign(**{str(name): column for name, column in shuffled.items()}), target))

    drop = permutation_importance(
        estimator, whole.iloc[:, chosen], target[kept], scoring=score, n_repeats=some.repeats, random_state=0
    )
    name = "accuracy lost when shuffled"
    if some.samples < len(target) or some.features < features.shape[1]:
        name += f"\n({some.features} of {features.shape[1]} features, {some.samples} of {len(target)} samples)"
    return pd.DataFrame({name: drop.importances_mean}, index=features.columns[chosen])
