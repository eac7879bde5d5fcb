"""The run's record, ``ro-crate-metadata.json``: an RO-Crate 1.1 in the Process Run Crate profile.

It is the manifest too: every artifact stands in it with its SHA-256. The specifications are at
https://w3id.org/ro/crate/1.1 and https://w3id.org/ro/wfrun/process/0.5.
"""

import hashlib
import json
import os
import platform
import re
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import requires, version
from pathlib import Path
from typing import Any

import nbformat
from rocrate.model import ContextEntity
from rocrate.rocrate import ROCrate

from iris_lab import __version__
from iris_lab.errors import ArtifactError
from iris_lab.workflow.environment import blas_core
from iris_lab.workflow.parameters import Value
from iris_lab.workflow.places import CRATE_FILE
from iris_lab.workflow.steps import PROJECT, Step

TIMINGS_FILE = "timings.json"
PROFILE = "https://w3id.org/ro/wfrun/process/0.5"
LICENCE = "https://spdx.org/licenses/BSD-3-Clause"
# Python's own table of media types depends on the machine's.
MEDIA_TYPES = {
    ".csv": "text/csv",
    ".html": "text/html", ".ipynb": "application/x-ipynb+json", ".joblib": "application/octet-stream",
    ".json": "application/json", ".parquet": "application/vnd.apache.parquet", ".png": "image/png",
    ".svg": "image/svg+xml", ".tsv": "text/tab-separated-values",
}  # fmt: skip
# Terms of the run profiles that the context of RO-Crate 1.1 lacks.
TERMS = {"sha256": "https://w3id.org/ro/terms/workflow-run#sha256"}
NOT_IMPORTED = {"__init__.py", "__main__.py", "cli.py"}  # by the notebooks
# Beside iris_lab's own requirements, these decide numbers, pixels or text.
DECISIVE = ("ipython", "pillow", "scipy")


@dataclass(frozen=True)
class Record:
    """What a crate says of its run.

    Attributes
    ----------
    parameters
        Values of each step's parameters, by step and name.
    results
        Paths of the artifacts that each step wrote, by step.
    artifacts
        SHA-256 of every artifact, by its path in the run.
    data
        ``name``, ``source`` and content digest ``sha256`` of the dataset, and ``file``, its copy in the run.
    software
        Version of each package, of Python, and the facts of the platform that decide numbers.
    sources
        SHA-256 of each notebook's code and of each module that notebooks import.
    date
        When the recorded code was committed, ISO 8601.
    """

    parameters: Mapping[str, Mapping[str, Value]]
    results: Mapping[str, Sequence[str]]
    artifacts: Mapping[str, str]
    data: Mapping[str, str]
    software: Mapping[str, str]
    sources: Mapping[str, str]
    date: str

    @property
    def values(self) -> dict[str, Value]:
        """Value of every parameter of the run."""
        return {name: value for values in self.parameters.values() for name, value in values.items()}


def digest_of(path: Path) -> str:
    """Return the SHA-256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def artifacts_of(folder: Path) -> dict[str, str]:
    """Return the SHA-256 of every file that a digest covers, by its path in the run, sorted."""
    files = sorted(path for path in folder.rglob("*") if not path.is_dir())
    names = {path: path.relative_to(folder).as_posix() for path in files}
    return {name: digest_of(path) for path, name in names.items() if name not in (CRATE_FILE, TIMINGS_FILE)}


def software() -> dict[str, str]:
    """Return the versions, and the facts of this platform, that decide what a run writes."""
    direct = (re.split(r"[^\w.-]", line)[0] for line in requires("iris-lab") or [] if "extra ==" not in line)
    names = sorted({name.lower() for name in direct} | set(DECISIVE))
    major, minor, _ = platform.python_version_tuple()
    return {
        "python": f"{platform.python_implementation()} {major}.{minor}",
        "platform": f"{platform.system()} {platform.machine()}",
        "openblas core": blas_core(),
        **{name: version(name) for name in names},
    }


def sources(steps: Sequence[Step]) -> dict[str, str]:
    """Return the SHA-256 of each step's code and prose (outputs don't count) and of the modules notebooks import."""
    found = {}
    for step in steps:
        cells = nbformat.read(step.notebook, as_version=4).cells
        text = json.dumps([[cell.cell_type, cell.source] for cell in cells])
        found[step.notebook.name] = hashlib.sha256(text.encode()).hexdigest()
    modules = sorted((PROJECT / "iris_lab").glob("*.py"))
    return found | {f"iris_lab/{path.name}": digest_of(path) for path in modules if path.name not in NOT_IMPORTED}


def commit_date() -> str:
    """Return ``SOURCE_DATE_EPOCH``, or else the date of the last commit to the code that notebooks import, ISO 8601.

    The clock's date is never taken: records of equal runs are equal. Where there is neither, it is 1970-01-01.
    """
    epoch = os.environ.get("SOURCE_DATE_EPOCH", "")
    if not epoch.isdecimal() and (git := shutil.which("git")):
        paths = [":(glob)iris_lab/*.py", "requirements.lock"]
        command = [git, "-c", "safe.directory=*", "-C", str(PROJECT), "log", "-1", "--format=%ct", "--", *paths]
        epoch = subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()
    return datetime.fromtimestamp(int(epoch) if epoch.isdecimal() else 0, UTC).isoformat()


def write_crate(folder: Path, record: Record) -> None:
    """Write the record of a run beside its artifacts.

    Parameters
    ----------
    folder
        The run; every file of ``record.artifacts`` is in it.
    record
        What to write.
    """
    crate = ROCrate(version="1.1")  # the version that the profile is validated against
    crate.name, crate.license = (
        f"iris_lab report on {record.data.get('name', 'a table')}",
        _entity(crate, LICENCE, "CreativeWork", name="BSD 3-Clause License", url=LICENCE),
    )
    crate.description = "Executed notebooks with their figures, numbers and model; `iris-lab verify` checks it."
    crate.datePublished = record.date
    crate.root_dataset["conformsTo"] = _entity(
        crate, PROFILE, "CreativeWork", name="Process Run Crate", version=PROFILE.rsplit("/", 1)[1]
    )
    files = _add_files(crate, folder, record)
    data = _entity(crate, "#data", "CreativeWork", **{k: v for k, v in record.data.items() if k != "file"})
    software = _add_software(crate, record)
    actions = [_add_step(crate, step, record, files, data) for step in record.parameters]
    run = _entity(crate, "#run", "CreateAction", name="iris-lab report", description="All steps, in order")
    run["instrument"], run["object"], run["result"] = software, [data], list(files.values())
    crate.root_dataset["mentions"] = [run, *actions]
    (folder / CRATE_FILE).write_text(_json(crate), encoding="utf-8", newline="\n")


def _json(crate: ROCrate) -> str:
    document = crate.metadata.generate()
    document["@context"] = [document["@context"], TERMS]
    document["@graph"].sort(key=lambda entity: entity["@id"])
    return json.dumps(document, indent=1, sort_keys=True, ensure_ascii=False) + "\n"


def _entity(crate: ROCrate, identifier: str, kind: str, **properties: Any) -> ContextEntity:
    return crate.add(ContextEntity(crate, identifier, properties={"@type": kind, **properties}))


def _add_files(crate: ROCrate, folder: Path, record: Record) -> dict[str, Any]:
    files = {}
    for name, sha256 in record.artifacts.items():
        path = folder / name
        facts = {"sha256": sha256, "contentSize": str(path.stat().st_size)}
        facts["encodingFormat"] = MEDIA_TYPES.get(path.suffix, "application/octet-stream")
        files[name] = crate.add_file(path, name, properties={"name": name, **facts})
    if (folder / TIMINGS_FILE).is_file():
        text = "Seconds that each step took: the one file that differs between equal runs; no digest covers it."
        facts = {"name": TIMINGS_FILE, "description": text, "encodingFormat": "application/json"}
        crate.add_file(folder / TIMINGS_FILE, TIMINGS_FILE, properties=facts)
    return files


def _add_software(crate: ROCrate, record: Record) -> ContextEntity:
    parts = [
        _entity(crate, f"#software-{name}", "SoftwareApplication", name=name, softwareVersion=found)
        for name, found in record.software.items()
    ]
    modules = [
        _entity(crate, f"#source-{name}", "SoftwareSourceCode", name=name, sha256=sha256)
        for name, sha256 in record.sources.items()
    ]
    software = _entity(crate, "#iris_lab", "SoftwareApplication", name="iris_lab", softwareVersion=__version__)
    software["softwareRequirements"], software["hasPart"] = parts, modules
    return software


def _add_step(
    crate: ROCrate, step: str, record: Record, files: Mapping[str, Any], data: ContextEntity
) -> ContextEntity:
    values = [
        _entity(crate, f"#{step}-{name}", "PropertyValue", name=name, value=value)
        for name, value in record.parameters[step].items()
    ]
    action = _entity(crate, f"#step-{step}", "CreateAction", name=step, description=f"Execution of {step}.ipynb")
    action["instrument"] = crate.dereference(f"#source-{step}.ipynb")
    action["object"], action["result"] = [data, *values], [files[name] for name in record.results[step]]
    return action


def read_crate(folder: Path) -> Record:
    """Read the record of a run.

    Raises
    ------
    ArtifactError
        There is none, or it is not the record of a run.
    """
    path = folder / CRATE_FILE
    if not path.is_file():
        raise ArtifactError(
            f"no run in {folder.name!r}: expected a folder with {CRATE_FILE}, as `iris-lab report` writes it"
        )
    try:
        graph = {entity["@id"]: entity for entity in json.loads(path.read_text(encoding="utf-8"))["@graph"]}
        return _record(graph)
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise ArtifactError(f"{CRATE_FILE} in {folder.name!r} is not the record of a run: {error!r}") from error


def _record(graph: Mapping[str, Any]) -> Record:
    def named(kind: str, value: str) -> dict[str, str]:
        return {e["name"]: e[value] for e in graph.values() if e["@type"] == kind and value in e}

    steps = sorted(identifier for identifier in graph if identifier.startswith("#step-"))
    parameters, results = {}, {}
    for identifier in steps:
        action = graph[identifier]
        objects = [graph[reference["@id"]] for reference in _many(action["object"])]
        parameters[action["name"]] = {e["name"]: e["value"] for e in objects if e["@type"] == "PropertyValue"}
        results[action["name"]] = [graph[reference["@id"]]["name"] for reference in _many(action["result"])]
    data = {name: value for name, value in graph["#data"].items() if not name.startswith("@")}
    return Record(
        parameters=parameters,
        results=results,
        artifacts=named("File", "sha256"),
        data=data,
        software={e["name"]: e["softwareVersion"] for i, e in graph.items() if i.startswith("#software-")},
        sources=named("SoftwareSourceCode", "sha256"),
        date=graph["./"]["datePublished"],
    )


def _many(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
