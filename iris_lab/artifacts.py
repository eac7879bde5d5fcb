"""The files that one step of a run writes and the next one reads."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from iris_lab.by_step import METRICS_FILE, read_metrics, write_by_step
from iris_lab.data.dataset import Dataset
from iris_lab.data.datasets import load_dataset
from iris_lab.errors import ArtifactError, InputError, check_type
from iris_lab.modeling import SUBSET, Model, Split, load_model, split_at
from iris_lab.place import DATA_FOLDER, SPLIT_FILE, reports


def run_folder(run_dir: str = "") -> Path:
    """Return the folder a step works in, made if need be.

    Parameters
    ----------
    run_dir
        A folder, relative to the working directory; empty for ``draft`` in `reports`, which a checkout has in one
        place, wherever Jupyter was started.

    Raises
    ------
    InputError
        It is a file, or it cannot be made.
    """
    check_type("run_dir", run_dir, str)
    folder = Path(run_dir) if run_dir else reports() / "draft"
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"cannot use run directory {run_dir!r}: {error.strerror}") from error
    return folder


def write_split(folder: Path, split: Split) -> None:
    """Write which samples, counted from 1, are in the training and the test set, and the table beside it if need be.

    A run holds the user's own table once, and a bundled dataset not at all.
    """
    if own := split.dataset.table:
        path = folder / DATA_FOLDER / own.file_name
        if not path.is_file() or path.read_bytes() != own.content:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(own.content)
    folder.mkdir(parents=True, exist_ok=True)
    split.subset.to_csv(folder / SPLIT_FILE, lineterminator="\n")


def read_split(folder: Path, model: Model) -> Split:
    """Read the split that the model was trained on, and the data from the table in the run.

    Raises
    ------
    ArtifactError
        There is none, or the data are not those that the model's ``model.json`` names by their digest.
    """
    path, recorded = folder / SPLIT_FILE, model.info["dataset"]
    if not path.is_file():
        raise ArtifactError(f"no {SPLIT_FILE} in the run directory: run 02_train first")
    dataset = _read_data(folder, recorded)
    if dataset.digest != recorded["sha256"]:
        raise ArtifactError(f"{dataset.name} is not the data the model was trained on (digest): run 02_train again")
    try:
        table = pd.read_csv(path, dtype={"sample": np.int64, SUBSET: str})
        samples, subset = table["sample"].to_numpy(), table[SUBSET].to_numpy(str)
    except (ValueError, KeyError) as error:
        raise ArtifactError(f"{SPLIT_FILE} is not a split ({error}): run 02_train again") from error
    if not np.array_equal(samples, dataset.labels.index) or not np.isin(subset, ["train", "test"]).all():
        raise ArtifactError(f"{SPLIT_FILE} is not a split of the model's data: run 02_train again")
    return split_at(dataset, np.flatnonzero(subset == "train"), np.flatnonzero(subset == "test"))


def _read_data(folder: Path, recorded: Mapping[str, Any]) -> Dataset:
    reading = dict(recorded.get("reading", {}))
    source: str | Path = recorded["name"]
    if private := "source" in reading:
        source = reading.pop("source")
    elif "file" in recorded:
        source = folder / DATA_FOLDER / Path(recorded["file"]).name
        if not source.is_file():
            raise ArtifactError(f"no {DATA_FOLDER}/{source.name} in the run directory: run 02_train first")
    try:
        return load_dataset(source, **reading, private=private)
    except (InputError, TypeError) as error:
        raise ArtifactError(f"the run's data cannot be read ({error}): run 02_train again") from error


def record_metrics(folder: Path, step: str, values: dict[str, float], *, outdates: str = "") -> None:
    """Write the numbers of a step into ``metrics.json`` as ``step.name``, sorted by name.

    Parameters
    ----------
    folder
        The run directory.
    step
        Prefix of the names; earlier numbers of this step are replaced.
    values
        Finite numbers.
    outdates
        Another step whose numbers no longer hold after this one, such as the evaluation of the model before.
    """
    stale = (f"{step}.", f"{outdates}.") if outdates else (f"{step}.",)
    kept = {name: value for name, value in read_metrics(folder).items() if not name.startswith(stale)}
    merged = kept | {f"{step}.{name}": value for name, value in values.items()}
    write_by_step(folder / METRICS_FILE, merged)


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
