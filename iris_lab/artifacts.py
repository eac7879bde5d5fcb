"""The files that one step of a run writes and the next one reads."""

import json
from pathlib import Path

import numpy as np
import pandas as pd

from iris_lab.data.dataset import Dataset
from iris_lab.data.datasets import load_dataset
from iris_lab.data.schema import free_name, special
from iris_lab.errors import ArtifactError, InputError, check_type
from iris_lab.modeling import SUBSET, Model, Split, load_model, split_at
from iris_lab.place import reports

METRICS_FILE, SPLIT_FILE = "metrics.json", "split.csv"


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
    """Write every sample with its subset, so that later steps need no other copy of the data.

    The first column says ``train`` or ``test``; it has a name that no column of the table has. Of a private run, the
    second is the number of the sample, counted from 1, and that is all.
    """
    if split.dataset.is_private:
        split.subset.reset_index()[[SUBSET, "sample"]].to_csv(folder / SPLIT_FILE, index=False, lineterminator="\n")
        return
    table = split.dataset.frame
    table.insert(0, free_name(SUBSET, list(table.columns)), split.subset)
    table.to_csv(folder / SPLIT_FILE, index=False, lineterminator="\n")


def read_split(folder: Path, model: Model) -> Split:
    """Read the split that the model was trained on.

    Raises
    ------
    ArtifactError
        There is none, or it is not the table that the model's ``model.json`` names by its digest.
    """
    path, target = folder / SPLIT_FILE, str(model.info["target"])
    if not path.is_file():
        raise ArtifactError(f"no {SPLIT_FILE} in the run directory: run 02_train first")
    if model.is_private:
        return _read_private(path, model)
    try:
        # Class names stay text as they are: "NA" or "1" may be the name of a class.
        table = pd.read_csv(path, dtype=str, keep_default_na=False)
        values = {feature.name: feature.parse(table[feature.name].tolist()) for feature in model.schema}
        features = pd.DataFrame(np.column_stack(list(values.values())), columns=list(values), copy=False)
        code_of = {name: code for code, name in enumerate(model.classes)}
        codes = np.array([code_of[name] for name in table[target]], dtype=np.int64)
        subset = table.iloc[:, 0].to_numpy()
    except (ValueError, KeyError) as error:
        raise ArtifactError(f"{SPLIT_FILE} is not a split of the model's data ({error}): run 02_train again") from error
    recorded = model.info["dataset"]
    dataset = Dataset(
        recorded["name"], features, codes, model.classes, target, recorded["source"], special(model.schema)
    )
    if dataset.digest != recorded["sha256"]:
        raise ArtifactError(f"{SPLIT_FILE} is not the data the model was trained on (digest): run 02_train again")
    return Split(dataset, np.flatnonzero(subset == "train"), np.flatnonzero(subset == "test"))


def _read_private(path: Path, model: Model) -> Split:
    """Read the split of a private run, and the table from where `load_dataset` had it."""
    dataset = load_dataset(**model.info["dataset"]["read"], private=True)
    try:
        subset = pd.read_csv(path)[SUBSET].to_numpy()
    except (ValueError, KeyError) as error:
        raise ArtifactError(f"{SPLIT_FILE} is not a split of the model's data ({error}): run 02_train again") from error
    if dataset.digest != model.info["dataset"]["sha256"] or len(subset) != len(dataset.target):
        raise ArtifactError("the table is not the data the model was trained on (digest): run 02_train again")
    return split_at(dataset, np.flatnonzero(subset == "train"), np.flatnonzero(subset == "test"))


def read_metrics(folder: Path) -> dict[str, float]:
    """Return the numbers recorded so far, empty where there are none.

    Raises
    ------
    ArtifactError
        The file is there but is not a flat table of numbers.
    """
    path = folder / METRICS_FILE
    if not path.is_file():
        return {}
    try:
        return {str(name): value + 0 for name, value in json.loads(path.read_text(encoding="utf-8")).items()}
    except (ValueError, TypeError, AttributeError) as error:
        raise ArtifactError(f"{METRICS_FILE} is not a flat table of numbers ({error}): run the steps again") from error


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
    text = json.dumps(merged, indent=1, sort_keys=True, allow_nan=False) + "\n"
    (folder / METRICS_FILE).write_text(text, encoding="utf-8", newline="\n")


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
