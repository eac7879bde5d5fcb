"""The run's record, ``ro-crate-metadata.json``: what it says, and how it is read back without trusting it.

It is also the manifest: it lists every artifact with its SHA-256. `crate_writer` writes it.
"""

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

from iris_lab.errors import ArtifactError, RecordError
from iris_lab.workflow.layout import CRATE_FILE
from iris_lab.workflow.untrusted import read_bounded, strict_json

if TYPE_CHECKING:
    from iris_lab.workflow.parameters import Value

LARGEST_RECORD = 4 * 2**20  # bytes; some 6000 artifacts
LARGEST_RUN = 4 * 2**30  # bytes of all its files
LARGEST_NOTEBOOK = 64 * 2**20  # bytes of an executed notebook, or of a model's description
SHA256, SIZE = re.compile(r"[0-9a-f]{64}"), re.compile(r"0|[1-9][0-9]{0,11}")
# Names and versions are shown to readers, so they must not contain sentences.
SOFTWARE = re.compile(r"[a-z0-9]+(?:[-_.][a-z0-9]+)*")
SOURCE = re.compile(r"iris_lab/(?:\w{1,40}/){,4}\w{1,40}\.py|requirements\.lock", re.ASCII)
VERSION = re.compile(r"(?:[A-Za-z]+ )?[A-Za-z0-9_.+!-]{1,40}")
UNSTABLE = "disambiguatingDescription"  # property of a step that says which outputs differ in every run
LONGEST = 4000  # characters of a text
COMPUTES, WRITES = "Decides results.", "Decides how results are written, checked and served."
# Facts of `provenance.software` that are not packages, and the properties of the entity "#iris-lab" that hold them.
PLATFORM_FACTS = {"platform": "operatingSystem", "openblas core": "processorRequirements"}


@dataclass(frozen=True)
class Record:
    """What the record says of a run.

    Attributes
    ----------
    parameters
        Values of each step's parameters, by step and name.
    results
        Paths of the artifacts that each step wrote, by step.
    artifacts
        SHA-256 of every artifact, by its path in the run.
    data
        ``name``, ``source`` and ``sha256`` (of the content) of the dataset; ``file``, the path of its copy in the run,
        unless it is a bundled one. Empty for a run without data.
    software
        Version of each package and of Python, and the facts of the platform that decide numbers.
    sources
        SHA-256 of each notebook's code, of every module of iris_lab, and of the lock.
    date
        Of the release, ISO 8601.
    inputs
        Paths of the artifacts of earlier steps that each step could read, by step.
    groups
        What each module decides, by its name, as the record says.
    sizes
        Bytes of every artifact, by its path in the run.
    unstable
        Outputs of each step that differ in every run, as the record says, by step.
    """

    parameters: "Mapping[str, Mapping[str, Value]]"
    results: Mapping[str, Sequence[str]]
    artifacts: Mapping[str, str]
    data: Mapping[str, str]
    software: Mapping[str, str]
    sources: Mapping[str, str]
    date: str
    inputs: Mapping[str, Sequence[str]] = field(default_factory=dict)
    groups: Mapping[str, str] = field(default_factory=dict)
    sizes: Mapping[str, int] = field(default_factory=dict)
    unstable: Mapping[str, Sequence[str]] = field(default_factory=dict)

    @property
    def values(self) -> "dict[str, Value]":
        """Value of every parameter of the run."""
        return {name: value for values in self.parameters.values() for name, value in values.items()}

    @property
    def private_table(self) -> str:
        """Name of the table that a private run was made of and does not hold; else empty."""
        given = self.values.get("data", "")
        own = self.values.get("private") is True and "." in str(given)  # bundled data have no suffix
        return str(given) if own else ""


def digest_of(path: Path) -> str:
    """Return the SHA-256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def artifacts_of(folder: Path) -> dict[str, str]:
    """Return the SHA-256 of every file but the record, by its path in the run, sorted."""
    files = sorted(path for path in folder.rglob("*") if not path.is_dir())
    names = {path: path.relative_to(folder).as_posix() for path in files}
    return {name: digest_of(path) for path, name in names.items() if name != CRATE_FILE}


def read_crate(folder: Path) -> Record:
    """Read the record of a run. It is not trusted: a path that leads out of the run is refused.

    Raises
    ------
    ArtifactError
        The folder has no record, or it cannot be read.
    RecordError
        It is not the record of a run.
    """
    path = folder / CRATE_FILE
    if not path.is_file():
        raise ArtifactError(
            f"no run in {folder.name!r}: expected a folder with {CRATE_FILE}, as `iris-lab report` writes it"
        )
    try:
        entities = strict_json(read_bounded(path, LARGEST_RECORD))["@graph"]
        graph = {entity["@id"]: entity for entity in entities}
        if len(graph) < len(entities):
            raise ValueError("two entities share an @id")
        return _record(graph)
    except OSError as error:
        raise ArtifactError(f"cannot read {CRATE_FILE} in {folder.name!r}: {error.strerror}") from error
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
        reason = str(error) if type(error) is ValueError else repr(error)
        raise RecordError(f"{CRATE_FILE} in {folder.name!r} is not the record of a run: {reason[:200]}") from error


def _record(graph: Mapping[str, Any]) -> Record:
    mentioned = [reference["@id"] for reference in _many(graph["./"], "mentions")]
    steps = [graph[identifier] for identifier in mentioned if identifier.startswith("#step-")]  # in the run's order
    names = {step["name"] for step in steps}
    files = {_path(e["name"]): e for e in graph.values() if e["@type"] == "File" and "sha256" in e}
    code = [e for e in graph.values() if e["@type"] == "SoftwareSourceCode"]
    sources = {_path(e["name"]): _sha256(e) for e in code}
    if unknown := [n for n in sources if not SOURCE.fullmatch(n) and n.removesuffix(".ipynb") not in names]:
        raise ValueError(f"{unknown[0]!r:.60} is no code of a run")
    versions = [e for e in graph.values() if "softwareVersion" in e]
    software = {_match(SOFTWARE, e["name"]): _match(VERSION, e["softwareVersion"]) for e in versions}
    facts = {name: _match(VERSION, graph["#iris-lab"][key]) for name, key in PLATFORM_FACTS.items()}
    read = {step["name"]: [graph[reference["@id"]] for reference in _many(step, "object")] for step in steps}
    written = {step["name"]: [graph[reference["@id"]] for reference in _many(step, "result")] for step in steps}
    data = _data(graph) if "#data" in graph else {}
    return Record(
        parameters={step: _parameters(entities) for step, entities in read.items()},
        results={step: [_path(entity["name"]) for entity in entities] for step, entities in written.items()},
        artifacts={name: _sha256(entity) for name, entity in files.items()},
        data=data,
        software=software | facts,
        sources=sources,
        date=datetime.fromisoformat(graph["./"]["datePublished"]).isoformat(),
        inputs={
            step: [_path(e["name"]) for e in entities if e["@type"] == "File" and e["name"] != data.get("file")]
            for step, entities in read.items()
        },
        groups={e["name"]: e["description"] for e in graph.values() if e.get("description") in (COMPUTES, WRITES)},
        sizes=_sizes(files),
        unstable={step["name"]: [_text(line) for line in _many(step, UNSTABLE)] for step in steps if UNSTABLE in step},
    )


def _sizes(files: Mapping[str, Any]) -> dict[str, int]:
    sizes = {name: int(_match(SIZE, entity["contentSize"])) for name, entity in files.items()}
    if (total := sum(sizes.values())) > LARGEST_RUN:
        raise ValueError(f"its files have {total} bytes: expected at most {LARGEST_RUN}")
    return sizes


def _parameters(entities: Sequence[Mapping[str, Any]]) -> "dict[str, Value]":
    found = {_text(e["name"]): e["value"] for e in entities if e["@type"] == "PropertyValue"}
    for name, value in found.items():
        if not isinstance(value, bool | int | float | str):
            raise ValueError(f"parameter {name!r} is {value!r:.60}: expected a number, a text or true or false")
    return found


def _data(graph: Mapping[str, Any]) -> dict[str, str]:
    entity = graph["#data"]
    facts = {"name": _text(entity["name"]), "source": _text(entity["description"]), "sha256": _sha256(entity)}
    return facts | ({"file": _path(graph[entity["hasPart"]["@id"]]["name"])} if "hasPart" in entity else {})


def _many(entity: Mapping[str, Any], name: str) -> list[Any]:
    value = entity.get(name, [])
    return value if isinstance(value, list) else [value]


def _text(value: Any) -> str:
    if not isinstance(value, str) or len(value) > LONGEST:
        raise ValueError(f"{value!r:.60} where a text of at most {LONGEST} characters is expected")
    return value


def _match(pattern: re.Pattern[str], value: Any) -> str:
    if not pattern.fullmatch(_text(value)):
        raise ValueError(f"{value!r:.60} is no {'version' if pattern is VERSION else 'size or name'}")
    return str(value)


def _sha256(entity: Mapping[str, Any]) -> str:
    if not SHA256.fullmatch(_text(entity["sha256"])):
        raise ValueError(f"{entity['sha256']!r:.60} of {entity['name']!r:.60} is no SHA-256")
    return str(entity["sha256"])


def _path(value: Any) -> str:
    """Return the path of a file inside the run; one that leads out of it, on any system, is refused."""
    path = PurePosixPath(_text(value))
    if (
        path.is_absolute()
        or ".." in path.parts
        or path.as_posix() != value
        or re.search(r"\\|\x00|^[A-Za-z]:|^\.?$", value)
    ):
        raise ValueError(f"{value!r:.60} is not a path inside the run")
    return path.as_posix()
