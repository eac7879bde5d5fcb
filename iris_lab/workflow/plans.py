"""A run's plan: everything that its execution needs, checked before anything is started."""

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from iris_lab.data import BUNDLED, Dataset, Source, check_source, is_url, load_dataset, sources
from iris_lab.modeling import check_data
from iris_lab.modeling.costs import expected_cost
from iris_lab.place import DATA_FOLDER
from iris_lab.workflow import provenance
from iris_lab.workflow.notebooks import read_notebook
from iris_lab.workflow.parameters import RUN_DIR, Parameter, Value, check, declared, defaults
from iris_lab.workflow.prose import images_of
from iris_lab.workflow.steps import Step


@dataclass(frozen=True)
class Plan:
    """Everything that an execution needs, checked, so that another process needs neither the checkout nor the source.

    Attributes
    ----------
    steps
        In order.
    parameters
        What the steps declare.
    values
        Value of every parameter but the run directory.
    dataset
        The data, loaded; None where no step declares ``data``.
    table
        The user's table as it was read; None for a bundled dataset.
    texts
        The notebooks, by step.
    images
        Images in the notebooks' folder that their prose shows, by path.
    origin
        Where the data are from, for the record.
    date
        Date of the release, ISO 8601.
    """

    steps: Sequence[Step]
    parameters: Mapping[str, Parameter]
    values: Mapping[str, Value]
    dataset: Dataset | None
    table: Source | None
    texts: Mapping[str, str]
    images: Mapping[str, bytes]
    origin: str
    date: str

    @property
    def name(self) -> str:
        """Name of the run: that of its data."""
        return self.dataset.name if self.dataset else "report"

    @property
    def facts(self) -> dict[str, str]:
        """Head of the page: its title, the number of samples, and the parameters that a reader asks for first."""
        asked = {name: str(self.values[name]) for name in ("model",) if name in self.values}
        size = {"Samples": str(len(self.dataset.target))} if self.dataset else {}
        return {
            "title": f"Report: {self.name.replace('_', ' ')}",
            **size,
            **({"Samples shown": "none"} if self.is_private else {}),
            **{k.capitalize(): v for k, v in asked.items()},
        }

    @property
    def cost(self) -> str:
        """How long the model will take, in a sentence; empty where it is under a minute."""
        if not self.dataset or not {"model", "test_size", "folds"} <= self.values.keys():
            return ""
        samples, features = self.dataset.features.shape
        held_out = float(self.values["test_size"])
        return expected_cost(
            str(self.values["model"]), round(samples * (1 - held_out)), features, int(self.values["folds"])
        )

    @property
    def is_private(self) -> bool:
        """Whether the run holds no sample."""
        return self.values.get("private") is True

    @property
    def data(self) -> dict[str, str]:
        """What the record says of the data; empty for a run without data."""
        if not self.dataset:
            return {}
        facts = {"name": self.dataset.name, "source": self.origin, "sha256": self.dataset.digest}
        return facts | ({"file": str(self.recorded("data"))} if self.table and not self.is_private else {})

    def recorded(self, name: str) -> Value:
        """Return a parameter's value for the record: for the user's table, the path of its copy in the run.

        Of a private run, the table's bare name.
        """
        if name != "data" or not self.table:
            return self.values[name]
        return self.table.file_name if self.is_private else f"{DATA_FOLDER}/{self.table.file_name}"

    def injected(self, step: Step) -> dict[str, Value]:
        """Return what papermill injects into a step: the run directory, and the values that are not the defaults.

        The user's table is read from its copy in the run, so that no path of this machine is recorded.
        """
        own = {name: value for name, value in self.values.items() if step.name in self.parameters[name].steps}
        changed = {name: self.recorded(name) for name, value in own.items() if value != self.parameters[name].default}
        here = self.parameters.get(RUN_DIR)
        return changed | ({RUN_DIR: "."} if here and step.name in here.steps else {})


def make_plan(
    values: Mapping[str, Value],
    steps: Sequence[Step],
    *,
    fetch: Callable[[str], Source] = sources.fetch,
    origin: str = "",
    date: str = "",
) -> Plan:
    """Check the parameters of a run, and read its data, before anything is started.

    Parameters
    ----------
    values
        Parameters that are not the defaults.
    steps
        The steps to run.
    fetch
        Reads a table; a sweep passes one with a cache.
    origin, date
        The data's origin and the date of the release, for the record; empty for those found here.

    Raises
    ------
    InputError
        The first value that cannot be used.
    """
    parameters = declared(steps)
    whole = defaults(parameters) | dict(values)
    check(whole)
    table, dataset = _read(whole, fetch) if "data" in whole else (None, None)
    check_data(dataset, whole)
    if not origin and dataset:
        origin = table.place if table and is_url(table.place) else dataset.source
    texts = {step.name: read_notebook(step.notebook) for step in steps}
    images: dict[str, bytes] = {}
    for step in steps:
        images |= images_of(texts[step.name], step.notebook.parent)
    return Plan(steps, parameters, whole, dataset, table, texts, images, origin, date or provenance.release_date())


def vary(plan: Plan, values: Mapping[str, Value]) -> Plan:
    """Return a plan with other values, of parameters that don't decide how the data are read.

    Raises
    ------
    InputError
        The first value that cannot be used.
    """
    whole = {**plan.values, **values}
    check(whole)
    check_data(plan.dataset, whole)
    return replace(plan, values=whole)


def reading(values: Mapping[str, Value]) -> dict[str, Value]:
    """Return those of the values that decide how the data are read."""
    names = {"data", *inspect.signature(load_dataset).parameters}
    return {name: value for name, value in values.items() if name in names}


def _read(values: Mapping[str, Value], fetch: Callable[[str], Source]) -> tuple[Source | None, Dataset]:
    """Return the user's table, if there is one, and the dataset, read with the parameters that `load_dataset` takes."""
    given = str(values["data"])
    table = None
    if given not in BUNDLED:
        check_source(given)
        table = fetch(given)
    options: dict[str, Any] = {
        name: values[name] for name in [*inspect.signature(load_dataset).parameters][1:] if name in values
    }  # without its first one: a parameter of a notebook may happen to have that name, too
    return table, load_dataset(table or given, **options)
