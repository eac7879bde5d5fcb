"""What a run's model predicts: two models with a single test set in common are compared sample by sample."""

from pathlib import Path

from iris_lab.artifacts import read_split
from iris_lab.modeling import load_model
from iris_lab.weighted_scores import Judged


def predictions(run: Path) -> Judged:
    """Return what the model of a run predicts for its test set.

    Raises
    ------
    ArtifactError
        The model or the split cannot be read.
    """
    model = load_model(run)
    split = read_split(run, model)
    estimator, features = model.estimator, split.test_features
    return Judged(split.test_target, estimator.predict(features), estimator.predict_proba(features))
