"""A run's plan: everything that its execution needs, checked before anything is started."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from iris_lab.data import sources
from iris_lab.data.given import BUNDLED
from iris_lab.data.sources import Source, is_url
from iris_lab.modeling.costs import expected_cost
from iris_lab.place import DATA_FOLDER
from iris_lab.workflow import provenance
from iris_lab.workflow.loading import Known, Loaded, Read, load
from iris_lab.workflow.notebooks import read_notebook
from iris_lab.workflow.parameters import RUN_DIR, Parameter, Value, check, declared, defaults
from iris_lab.workflow.prose import images_of
from iris_lab.workflow.steps import Step

if TYPE_CHECKING:
    from iris_lab.data.dataset import Dataset


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
    known
        What is known of the data; None where no step declares ``data``.
    dataset
        The data, if they were read in this process.
    parsed
        Folder in which another process left them, for kernels.
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
    known: Known | None
    dataset: "Dataset | None"
    parsed: Path | None
    table: Source | None
    texts: Mapping[str, str]
    images: Mapping[str, bytes]
    origin: str
    date: str

    @property
    def name(self) -> str:
        """Name of the run: that of its data."""
        return self.known.name if self.known else "report"

    @property
    def facts(self) -> dict[str, str]:
        """Head of the page: its title, the number of samples, and the parameters that a reader asks for first."""
        asked = {name: str(self.values[name]) for name in ("model",) if name in self.values}
        size = {"Samples": str(self.known.samples)} if self.known else {}
        return {
            "title": f"Report: {self.name.replace('_', ' ')}",
            **size,
            **({"Samples shown": "none"} if self.is_private else {}),
            **{k.capitalize(): v for k, v in asked.items()},
        }

    @property
    def cost(self) -> str:
        """How long the model will take, in a sentence; empty where it is under a minute."""
        if not self.known or not {"model", "test_size", "folds"} <= self.values.keys():
            return ""
        training = round(self.known.samples * (1 - float(self.values["test_size"])))
        return expected_cost(str(self.values["model"]), training, self.known.features, int(self.values["folds"]))

    @property
    def is_private(self) -> bool:
        """Whether the run holds no sample."""
        return self.values.get("private") is True

    @property
    def data(self) -> dict[str, str]:
        """What the record says of the data; empty for a run without data."""
        if not self.known:
            return {}
        facts = {"name": self.known.name, "source": self.origin, "sha256": self.known.digest}
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
    read: Read = load,
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
        Fetches a table; a sweep passes one with a cache.
    read
        Reads and checks the data: here, or in another process (`loading.load_aside`).
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
    table, loaded = None, Loaded()
    if "data" in whole:
        given = str(whole["data"])
        table = None if given in BUNDLED else fetch(given)
        loaded = read(table or given, whole)
    if not origin and loaded.known:
        origin = table.place if table and is_url(table.place) else loaded.known.source
    texts = {step.name: read_notebook(step.notebook) for step in steps}
    images: dict[str, bytes] = {}
    for step in steps:
        images |= images_of(texts[step.name], step.notebook.parent)
    date = date or provenance.release_date()
    return Plan(
        steps, parameters, whole, loaded.known, loaded.dataset, loaded.parsed, table, texts, images, origin, date
    )


def vary(plan: Plan, values: Mapping[str, Value]) -> Plan:
    """Return a plan with other values, of parameters that don't decide how the data are read.

    Raises
    ------
    InputError
        The first value that cannot be used.
    """
    from iris_lab.modeling import check_data

    whole = {**plan.values, **values}
    check(whole)
    check_data(plan.dataset, whole)
    return replace(plan, values=whole)
