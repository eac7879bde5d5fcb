"""The data of a plan, read and checked: in this process, or in one that has imported all that this needs."""

import inspect
import pickle
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from iris_lab.data import parsed
from iris_lab.data.sources import Source
from iris_lab.errors import InputError
from iris_lab.garbage import uncollected
from iris_lab.workflow.parameters import Value
from iris_lab.workflow.warm import WarmParent

if TYPE_CHECKING:
    from iris_lab.data.dataset import Dataset

REQUEST, ANSWER = "request.pickle", "answer.pickle"


@dataclass(frozen=True)
class Known:
    """What a run's record and page say of its data: name, size, source in one line, and digest of the content."""

    name: str
    samples: int
    features: int
    source: str
    digest: str


@dataclass(frozen=True)
class Loaded:
    """What is known of the data; the data themselves, if this process read them; else where they are for kernels."""

    known: Known | None = None
    dataset: "Dataset | None" = None
    parsed: Path | None = None


def reading(values: Mapping[str, Value]) -> dict[str, Any]:
    """Return those of the values that decide how the data are read."""
    from iris_lab.data import load_dataset

    names = {"data", *inspect.signature(load_dataset).parameters}
    return {name: value for name, value in values.items() if name in names}


def load(given: Source | str, values: Mapping[str, Value]) -> Loaded:
    """Read the data of a run, and check that its parameters suit them.

    Parameters
    ----------
    given
        The user's table, or the name of a bundled dataset.
    values
        All parameters of the run.

    Raises
    ------
    InputError
        The data cannot be read, or not be used with these values.
    """
    with uncollected():
        from iris_lab.data import load_dataset
        from iris_lab.modeling import check_data

    first, *_ = inspect.signature(load_dataset).parameters
    options = {name: value for name, value in reading(values).items() if name not in ("data", first)}
    dataset = load_dataset(given, **options)
    check_data(dataset, values)
    known = Known(dataset.name, *dataset.features.shape, dataset.source, dataset.digest)
    return Loaded(known, dataset)


Read = Callable[[Source | str, Mapping[str, Value]], Loaded]


def load_aside(warm_parent: WarmParent | None, folder: Path) -> Read:
    """Return a function like `load` that reads in a process forked from the warm parent.

    So the runner, which lives as long as its run, neither imports pandas and scikit-learn nor holds the data.

    Parameters
    ----------
    warm_parent
        The process to fork from; None where the system cannot fork: then the function is `load`.
    folder
        A private folder; a large table stays there, parsed, for the kernels.
    """
    if warm_parent is None:
        return load

    def read(given: Source | str, values: Mapping[str, Value]) -> Loaded:
        answer: Known | str = ""
        with suppress(OSError, RuntimeError):
            (folder / ANSWER).unlink(missing_ok=True)  # to a request before this one
            (folder / REQUEST).write_bytes(pickle.dumps((given, dict(values)), protocol=5))
            warm_parent.call("iris_lab.workflow.loading", "answer", str(folder)).wait()
            answer = pickle.loads((folder / ANSWER).read_bytes())  # noqa: S301 (the folder is our own)
            (folder / REQUEST).unlink()
        if isinstance(answer, Known):
            return Loaded(answer, parsed=folder)
        if answer:
            raise InputError(answer)
        return load(given, values)  # the process was ended: here it may do, or say why not

    return read


def answer(folder: str) -> None:
    """Read the data of the request in a folder, and write there what is known of them, or why they cannot be used."""
    place = Path(folder)
    given, values = pickle.loads((place / REQUEST).read_bytes())  # noqa: S301 (the folder is the runner's)
    found: Known | str | None
    try:
        loaded = load(given, values)
        found = loaded.known
        if loaded.dataset:
            parsed.store(loaded.dataset, place)
    except InputError as error:
        found = str(error)
    (place / ANSWER).write_bytes(pickle.dumps(found))
