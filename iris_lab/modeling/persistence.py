"""A fitted model as two files: the pickle, and a description that is read before it is loaded."""

import hashlib
import json
import platform
import warnings
from dataclasses import dataclass
from importlib.metadata import version
from io import BytesIO
from pathlib import Path
from typing import Any

import joblib
from sklearn.pipeline import Pipeline

from iris_lab.data.given import BUNDLED
from iris_lab.data.schema import Feature
from iris_lab.errors import ArtifactError
from iris_lab.modeling.compiled import RefusedError
from iris_lab.modeling.description import describe_dataset, describe_features, drawn_samples, feature_of, read_info
from iris_lab.modeling.fitted import check_answers, check_parts
from iris_lab.modeling.pickles import read_pickle
from iris_lab.modeling.splits import Split
from iris_lab.place import INFO_FILE, MODEL_FILE

TRUST = "trust=True (--trust) loads any pickle, and runs what code is in it: only if you know who made it"


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
    def schema(self) -> list[Feature]:
        """What each feature is, in the order of training."""
        return [feature_of(described) for described in self.info["features"]]

    @property
    def is_bundled(self) -> bool:
        """Whether it was trained on a dataset that everybody has."""
        named = self.info["dataset"]
        return bool(BUNDLED.get(named["name"], ("", None))[1] == named["source"])

    @property
    def is_private(self) -> bool:
        """Whether it is of a run that holds no sample."""
        return self.info.get("private") is True

    @property
    def is_iris(self) -> bool:
        """Whether it was trained on the bundled iris data."""
        return self.is_bundled and self.info["dataset"]["name"] == "iris"

    @property
    def features(self) -> tuple[str, ...]:
        """Names of the features, in the order of training."""
        return tuple(feature["name"] for feature in self.info["features"])


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
    info: dict[str, Any] = {
        "model": model,
        "dataset": describe_dataset(split.dataset),
        "target": split.dataset.target_name,
        "classes": list(split.dataset.classes),
        "features": describe_features(split),
        "samples": drawn_samples(split),
        "versions": versions(),
        "sha256": hashlib.sha256((folder / MODEL_FILE).read_bytes()).hexdigest(),
    }
    if split.dataset.missing:
        info["missing"] = split.dataset.missing
    if split.dataset.is_private:
        info["private"] = True
    (folder / INFO_FILE).write_text(json.dumps(info, indent=1) + "\n", encoding="utf-8", newline="\n")
    return Model(estimator, info)


def load_model(folder: Path, *, trust: bool = False) -> Model:
    """Load a model after checking that it is the one its ``model.json`` describes.

    Loading a pickle can run any code. So the digest is compared first: it finds damage and mix-ups, but its author is
    the author of the file. Then only objects of which the available models consist are loaded. That makes it hard to
    run code with a model file, but it is no sandbox. Only ``iris-lab verify`` tells whether the model is honest.

    Parameters
    ----------
    folder
        Holds ``model.joblib`` and ``model.json``.
    trust
        Load the pickle even where its digest does not agree, and whatever is in it: it can run any code.

    Raises
    ------
    ArtifactError
        One of the files is missing or unreadable, or the estimator is not fitted on the features and classes described;
        or, where `trust` is false, the digest does not agree or the pickle asks for more than our models need.

    Warns
    -----
    UserWarning
        The model was written by another version of scikit-learn, or was loaded although its digest does not agree.
    """
    for name in (MODEL_FILE, INFO_FILE):
        if not (folder / name).is_file():
            raise ArtifactError(f"no {name} in {str(folder)!r}: run 02_train first, or name the folder of a run")
    info = read_info(folder / INFO_FILE)
    pickle = (folder / MODEL_FILE).read_bytes()
    if (found := hashlib.sha256(pickle).hexdigest()) != info["sha256"]:
        differs = (
            f"{MODEL_FILE} has SHA-256 {found[:12]}…, {INFO_FILE} says {str(info['sha256'])[:12]}…: not the model it "
            "describes"
        )
        if not trust:
            raise ArtifactError(f"{differs}, so it was not loaded; trust it only if you know why they differ")
        warnings.warn(f"{differs}, but loaded, as it is to be trusted", UserWarning, stacklevel=2)
    written, here = info["versions"]["scikit-learn"], version("scikit-learn")
    if written != here:
        warnings.warn(
            f"model written by scikit-learn {ascii(written[:40])[1:-1]}, loaded by {here}", UserWarning, stacklevel=2
        )
    return Model(_read_estimator(pickle, info, trust=trust), info)  # the very bytes that were checked


def _read_estimator(pickle: bytes, info: dict[str, Any], *, trust: bool) -> Pipeline:
    features, classes = info["features"], len(info["classes"])
    schema = [feature_of(described) for described in features]
    try:
        if trust:
            estimator = joblib.load(BytesIO(pickle))
        else:
            estimator = read_pickle(pickle)
            check_parts(estimator, schema, classes, budget=len(pickle))
        check_answers(estimator, features, classes)
    except RefusedError as error:
        remedy = "" if trust else f"; {TRUST}"
        raise ArtifactError(f"{MODEL_FILE} was not loaded: it {error}{remedy}") from error
    except Exception as error:  # a damaged pickle, and an estimator made by hand, can raise anything
        reason = " ".join(f"{type(error).__name__}: {error}".split())
        raise ArtifactError(f"cannot load {MODEL_FILE}: {reason[:200]}") from error
    return estimator


def versions() -> dict[str, str]:
    """Return the versions that decide how a model loads: Python's feature release and three packages."""
    major, minor, _ = platform.python_version_tuple()
    packages = {name: version(name) for name in ("scikit-learn", "numpy", "joblib")}
    return {"python": f"{major}.{minor}", **packages}
