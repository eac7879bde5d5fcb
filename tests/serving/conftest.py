from pathlib import Path

import pytest

from iris_lab.artifacts import record_metrics
from iris_lab.datasets import Dataset, load_dataset
from iris_lab.evaluation import scores
from iris_lab.modeling import Model, Split, make_estimator, make_split, save_model


def save_run(folder: Path, dataset: Dataset, model: str = "logistic") -> tuple[Model, Split]:
    """Do what the notebooks do, and leave a run that can be served."""
    split = make_split(dataset)
    estimator = make_estimator(model).fit(split.train_features, split.train_target)
    saved = save_model(folder, estimator, split, model)
    record_metrics(folder, "evaluate", scores(split.test_target, estimator.predict(split.test_features)))
    return saved, split


@pytest.fixture(scope="session")
def iris_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("iris")
    save_run(folder, load_dataset("iris"))
    return folder
