"""Runs written by the functions that the notebooks call, without a kernel: a second each."""

from pathlib import Path

import numpy as np

from iris_lab.artifacts import record_metrics, write_split
from iris_lab.data import Dataset, load_dataset
from iris_lab.modeling import cross_validate, make_estimator, make_split, save_model
from iris_lab.scores import scores
from iris_lab.workflow import provenance
from iris_lab.workflow.crate import Record, artifacts_of
from iris_lab.workflow.crate_writer import write_crate

DEFAULTS = {"data": "iris", "test_size": 0.25, "seed": 0, "folds": 5, "model": "logistic"}


def write_run(folder: Path, *, dataset: Dataset | None = None, **given) -> Path:
    """Write what 02_train and 03_evaluate leave for these parameters, and the record of it."""
    values = DEFAULTS | given
    dataset = dataset or load_dataset(values["data"])
    split = make_split(dataset, values["test_size"], values["seed"])
    folder.mkdir(parents=True)
    write_split(folder, split)
    estimator = make_estimator(values["model"], values["seed"], dataset.schema)
    validated = cross_validate(estimator, split, folds=values["folds"], seed=values["seed"])
    estimator.fit(split.train_features, split.train_target)
    save_model(folder, estimator, split, values["model"])
    sizes = {"train_samples": len(split.train), "test_samples": len(split.test)}
    record_metrics(folder, "train", sizes | {"accuracy_mean": float(np.mean(validated))})
    predicted, probabilities = estimator.predict(split.test_features), estimator.predict_proba(split.test_features)
    record_metrics(folder, "evaluate", scores(split, predicted, probabilities))
    seal(folder, values, dataset)
    return folder


def seal(folder: Path, values: dict, dataset: Dataset) -> None:
    """Write the record of a run whose files are there."""
    artifacts = artifacts_of(folder)
    data = {"name": dataset.name, "source": dataset.source, "sha256": dataset.digest}
    record = Record(
        parameters={"02_train": values},
        results={"02_train": list(artifacts)},
        artifacts=artifacts,
        data=data,
        software=provenance.software(),
        sources={"02_train.ipynb": "0" * 64},
        date=provenance.release_date(),
    )
    write_crate(folder, record)
