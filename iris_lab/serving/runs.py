"""From a run directory to the application that serves its model."""

from pathlib import Path

from flask import Flask

from iris_lab.artifacts import read_metrics
from iris_lab.errors import ArtifactError
from iris_lab.modeling import Model, load_model
from iris_lab.serving.app import create_app
from iris_lab.serving.gate import Rules
from iris_lab.serving.telemetry import Log


def open_run(run: Path, *, trust: bool = False) -> tuple[Model, dict[str, float]]:
    """Load the model of a run and the numbers of its evaluation.

    Raises
    ------
    ArtifactError
        There is no such run, it has no model, or the model is not the one its ``model.json`` describes.
    """
    if not run.is_dir():
        what = "is a file" if run.exists() else "does not exist"
        raise ArtifactError(f"run {str(run)!r} {what}: give the folder of a run, such as reports/iris")
    return load_model(run, trust=trust), read_metrics(run)


def app_of(
    model_or_run: Model | Path | str, *, trust: bool = False, rules: Rules | None = None, log: Log | None = None
) -> Flask:
    """Return the application that serves a model, or the model of a run.

    Raises
    ------
    ArtifactError
        The run cannot be used.
    """
    if isinstance(model_or_run, Model):
        return create_app(model_or_run, rules=rules, log=log)
    model, metrics = open_run(Path(model_or_run), trust=trust)
    return create_app(model, metrics=metrics, rules=rules, log=log)
