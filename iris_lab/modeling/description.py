"""What ``model.json`` says of a model: its features, classes, and some samples."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NotRequired, TypedDict

import msgspec
import pandas as pd

from iris_lab.data.privacy import outwards
from iris_lab.data.schema import Feature, Kind
from iris_lab.errors import ArtifactError

if TYPE_CHECKING:
    from iris_lab.data.dataset import Dataset
    from iris_lab.modeling.splits import Split

DRAWN_SAMPLES = 300  # most training samples in model.json, for the demo page's scatter plot


class _Feature(TypedDict):
    name: str
    kind: NotRequired[Kind]
    levels: NotRequired[list[str]]
    missing: NotRequired[bool]
    unit: str
    min: float
    max: float
    median: float
    decimals: int


class _Samples(TypedDict):
    rows: list[list[float | None]]
    classes: list[int]


class _Dataset(TypedDict):
    name: str
    sha256: str
    file: NotRequired[str]
    reading: NotRequired[dict[str, str]]


_Versions = TypedDict("_Versions", {"scikit-learn": str})


class _Info(TypedDict):
    """The part of ``model.json`` that other code relies on."""

    model: str
    dataset: _Dataset
    target: str
    classes: list[str]
    features: list[_Feature]
    samples: _Samples
    versions: _Versions
    missing: NotRequired[str]
    sha256: str


def feature_of(described: Mapping[str, Any]) -> Feature:
    """Return the feature that an entry of ``model.json`` describes."""
    levels = tuple(described.get("levels", ()))
    return Feature(described["name"], described.get("kind", "number"), levels, described.get("missing", False))


def read_info(path: Path) -> dict[str, Any]:
    """Return the content of ``model.json``.

    Raises
    ------
    ArtifactError
        It is not the description of a model.
    """
    text = path.read_bytes()
    try:
        known = msgspec.json.decode(text, type=_Info)
        if any(len(row) != len(known["features"]) for row in known["samples"]["rows"]):
            raise ValueError("a sample has not as many values as there are features")
        if not all(0 <= code < len(known["classes"]) for code in known["samples"]["classes"]):
            raise ValueError("a sample has a class that is not there")
    except ValueError as error:
        raise ArtifactError(f"{path.name} is not the description of a model ({error}): run 02_train again") from error
    info: dict[str, Any] = json.loads(text)
    return info


def describe_dataset(dataset: "Dataset") -> dict[str, Any]:
    """Return what ``model.json`` says of the data: the digest, and for the user's own table how it was read."""
    known: dict[str, Any] = {"name": dataset.name, "source": dataset.source, "sha256": dataset.digest}
    if dataset.table:
        known["file"] = dataset.table.file_name
    return known | ({"reading": dict(dataset.reading)} if dataset.reading else {})


def describe_features(split: "Split") -> list[dict[str, Any]]:
    """Return what ``model.json`` says of each feature: its kind, and its range in the training set.

    In a private run, the range is rounded outwards.
    """
    columns = zip(split.dataset.schema, split.train_features.items(), strict=True)
    found = [_description(one, column) for one, (_, column) in columns]
    if split.dataset.is_private:
        for one, known in zip(split.dataset.schema, found, strict=True):
            known["min"], known["max"] = outwards(one, known["min"], known["max"])
    return found


def _description(feature: Feature, column: "pd.Series[float]") -> dict[str, Any]:
    given = column.dropna() if feature.missing else column
    given = given[given >= 0] if feature.kind == "category" else given  # without the unknown levels
    given = given if len(given) else pd.Series([0.0])
    middle = given.mode()[0] if feature.kind == "category" else given.median()
    known = {"name": feature.name, "kind": feature.kind, "unit": feature.unit, "min": float(given.min()),
             "max": float(given.max()), "median": float(middle), "decimals": _decimals(given)}  # fmt: skip
    if feature.kind == "category":
        known["levels"] = list(feature.levels)
    return known | ({"missing": True} if feature.missing else {})


def _decimals(column: "pd.Series[float]") -> int:
    """Return how many decimals the values are given with, at most 6."""
    most = 0
    for value in column.unique():
        most = max(most, len(f"{value:.6f}".rstrip("0").split(".")[1]))
        if most == 6:  # soon, where values were computed: then a million of them cost no time
            break
    return most


def drawn_samples(split: "Split") -> dict[str, Any]:
    """Return evenly spaced training samples, enough for a scatter plot; none of a private run."""
    if split.dataset.is_private:
        return {"rows": [], "classes": []}
    step = -(-len(split.train) // DRAWN_SAMPLES)
    drawn = split.train_features.iloc[::step]
    return {
        "rows": drawn.astype(object).where(drawn.notna(), None).to_numpy().tolist()
        if drawn.isna().any(axis=None)
        else drawn.to_numpy().tolist(),
        "classes": split.train_target[::step].tolist(),
    }
