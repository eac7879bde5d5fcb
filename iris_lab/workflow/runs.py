"""A run: the steps executed into one directory, and the record of it."""

import functools
import shutil
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import requests
from papermill import execute_notebook
from papermill.exceptions import PapermillExecutionError

from iris_lab.data import BUNDLED, Dataset, check_source, is_url
from iris_lab.errors import InputError, StepError
from iris_lab.workflow import crate, provenance
from iris_lab.workflow.crate_writer import write_crate
from iris_lab.workflow.layout import DATA_FOLDER
from iris_lab.workflow.parameters import RUN_DIR, Parameter, Value, check, declared, parse
from iris_lab.workflow.report_page import write_page
from iris_lab.workflow.steps import Step
from iris_lab.workflow.warm import WarmParent

Progress = Callable[[str, int, int], None]  # called with the step, the cells done and the cells in all


@dataclass(frozen=True)
class Plan:
    """Checked parameters, and the steps to run with them.

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
        The file behind the data; None for a bundled dataset.
    """

    steps: Sequence[Step]
    parameters: Mapping[str, Parameter]
    values: Mapping[str, Value]
    dataset: Dataset | None
    table: Path | None

    @property
    def name(self) -> str:
        """Name of the run: that of its data."""
        return self.dataset.name if self.dataset else "report"

    @property
    def facts(self) -> dict[str, str]:
        """What the page is about: its title, and the parameters that a reader asks for first."""
        asked = {name: str(self.values[name]) for name in ("model",) if name in self.values}
        size = {"Samples": str(len(self.dataset.target))} if self.dataset else {}
        return {
            "title": f"Report: {self.name.replace('_', ' ')}",
            **size,
            **{k.capitalize(): v for k, v in asked.items()},
        }

    def recorded(self, name: str) -> Value:
        """Return the value that the record gives: for a table of one's own, its copy in the run."""
        return f"{DATA_FOLDER}/{self.table.name}" if name == "data" and self.table else self.values[name]

    def injected(self, step: Step) -> dict[str, Value]:
        """Return what papermill injects into a step: its place, and the values that are not the defaults.

        A table of one's own is read from its copy in the run, so that no path of this machine is recorded.
        """
        own = {name: value for name, value in self.values.items() if step.name in self.parameters[name].steps}
        changed = {name: self.recorded(name) for name, value in own.items() if value != self.parameters[name].default}
        here = self.parameters.get(RUN_DIR)
        return changed | ({RUN_DIR: "."} if here and step.name in here.steps else {})


def make_plan(assignments: Sequence[str], steps: Sequence[Step], scratch: Path) -> Plan:
    """Check the parameters of a run before anything is started.

    Parameters
    ----------
    assignments
        ``NAME=VALUE`` each.
    steps
        What will be run.
    scratch
        A folder for the data where their source is an address.

    Raises
    ------
    InputError
        The first value that cannot be used.
    """
    parameters = declared(steps)
    given = {name: p.default for name, p in parameters.items() if name != RUN_DIR} | parse(assignments, parameters)
    source = str(given.get("data", ""))
    table = _download(source, scratch) if is_url(source) else Path(source) if Path(source).is_file() else None
    if source in BUNDLED:
        table = None
    dataset = check(given | ({"data": str(table)} if table else {}))
    return Plan(steps, parameters, given, dataset, table)


def _download(url: str, scratch: Path) -> Path:
    check_source(url)
    try:
        answer = requests.get(url, timeout=60)
        answer.raise_for_status()
    except requests.RequestException as error:
        raise InputError(f"cannot fetch data {url!r}: {error}") from error
    table = scratch / Path(urlsplit(url).path).name
    table.write_bytes(answer.content)
    return table


def execute(
    plan: Plan,
    folder: Path,
    *,
    warm_parent: WarmParent | None = None,
    timeout: int | None = None,
    on_progress: Progress = lambda step, done, total: None,
) -> dict[str, float]:
    """Execute a plan's steps into an empty folder, write the page and the record, and return the seconds of each step.

    Raises
    ------
    StepError
        A step failed, or its artifacts could not be written.
    """
    if plan.table:
        (folder / DATA_FOLDER).mkdir()
        shutil.copyfile(plan.table, folder / DATA_FOLDER / plan.table.name)
    results, seconds = {}, {}
    step = plan.steps[0]
    try:
        known = crate.artifacts_of(folder)
        for step in plan.steps:
            started = time.perf_counter()
            progress = functools.partial(on_progress, step.name)
            options = {"warm_parent": warm_parent, "execution_timeout": timeout, "on_progress": progress}
            _execute_step(step, folder, plan.injected(step), options)
            seconds[step.name] = round(time.perf_counter() - started, 3)
            found = crate.artifacts_of(folder)
            results[step.name] = [name for name, digest in found.items() if known.get(name) != digest]
            known = found
        write_page(folder, [folder / step.notebook.name for step in plan.steps], plan.facts)
        write_crate(folder, _record(plan, folder, results))
    except OSError as error:
        raise StepError(step.name, None, f"cannot write the run: {error.strerror or error}") from error
    return seconds


def _execute_step(step: Step, folder: Path, parameters: Mapping[str, Value], options: Mapping[str, Any]) -> None:
    try:
        execute_notebook(
            str(step.notebook),
            str(folder / step.notebook.name),
            dict(parameters),
            engine_name="iris-lab",
            cwd=str(folder),
            progress_bar=False,
            **options,
        )
    except PapermillExecutionError as error:
        # papermill counts from 0, with the cell that it injects behind the parameters cell
        number = error.cell_index + 1 - (1 if parameters and error.cell_index > 0 else 0)
        reason = " ".join(str(error.evalue).split())
        raise StepError(step.name, number, f"{error.ename}: {reason}") from error


def _record(plan: Plan, folder: Path, results: Mapping[str, Sequence[str]]) -> crate.Record:
    data = {}
    if plan.dataset:
        data = {"name": plan.dataset.name, "source": plan.dataset.source, "sha256": plan.dataset.digest}
        data["source"] = str(plan.values["data"]) if is_url(str(plan.values["data"])) else data["source"]
    if plan.table:
        data["file"] = str(plan.recorded("data"))
    return crate.Record(
        parameters={
            step.name: {name: plan.recorded(name) for name in plan.values if step.name in plan.parameters[name].steps}
            for step in plan.steps
        },
        results=results,
        artifacts=crate.artifacts_of(folder),
        data=data,
        software=provenance.software(),
        sources=provenance.sources(plan.steps),
        date=provenance.commit_date(),
        inputs={
            step.name: [name for need in step.needs for name in results[need] if _readable(name)] for step in plan.steps
        },
    )


def _readable(artifact: str) -> bool:
    """Say whether a later step may read an artifact: figures and notebooks are for people."""
    return not artifact.endswith((".png", ".svg", ".ipynb"))
