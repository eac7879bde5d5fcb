"""Writes the run's record: an RO-Crate 1.1 in the Process Run Crate profile, equal for equal runs.

The specifications are at https://w3id.org/ro/crate/1.1 and https://w3id.org/ro/wfrun/process/0.5. Two of the
profile's recommendations are left out, because equal runs would no longer be equal: who ran it, and when.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rocrate.model import ContextEntity
from rocrate.rocrate import ROCrate

from iris_lab.errors import ArtifactError
from iris_lab.place import PACKAGE
from iris_lab.workflow.crate import COMPUTES, LARGEST_RECORD, PLATFORM_FACTS, UNSTABLE, WRITES, Record
from iris_lab.workflow.layout import CRATE_FILE, MEDIA_TYPES
from iris_lab.workflow.provenance import computes

PROFILE = "https://w3id.org/ro/wfrun/process/0.5"
LICENCE = "https://spdx.org/licenses/BSD-3-Clause"
# Terms of the run profiles that the context of RO-Crate 1.1 lacks.
TERMS = {"sha256": "https://w3id.org/ro/terms/workflow-run#sha256"}
OWN_TABLE = "The table that was given to the run, byte for byte; the licence of the run does not cover it."
DESCRIPTIONS = {".ipynb": "SHA-256 of the notebook's code and prose; outputs don't count.", ".lock": "Every package."}


def write_crate(folder: Path, record: Record) -> None:
    """Write the record of a run beside its artifacts.

    Parameters
    ----------
    folder
        The run; every file of ``record.artifacts`` is in it.
    record
        What to write.

    Raises
    ------
    ArtifactError
        The record would be too large to be read back.
    """
    content = crate_bytes(folder, record)
    if len(content) > LARGEST_RECORD:
        raise ArtifactError(
            f"the run's {len(record.artifacts)} files make a record of {len(content)} bytes: "
            f"expected at most {LARGEST_RECORD}; write fewer files"
        )
    (folder / CRATE_FILE).write_bytes(content)


def crate_bytes(folder: Path, record: Record) -> bytes:
    """Return the bytes of a run's record: equal for equal records, so that any other form of it is an alteration."""
    crate = ROCrate(version="1.1")  # the version that the profile is validated against
    crate.name = f"iris_lab report on {record.data.get('name', 'no data')}"
    crate.description = "Executed notebooks with their figures, numbers and model; `iris-lab verify` checks it."
    crate.datePublished = record.date
    crate.license = _entity(crate, LICENCE, "CreativeWork", name="BSD 3-Clause License", url=LICENCE)
    crate.root_dataset["author"] = _entity(crate, "#developers", "Organization", name="The iris_lab developers")
    crate.root_dataset["conformsTo"] = _entity(
        crate, PROFILE, "CreativeWork", name="Process Run Crate", version=PROFILE.rsplit("/", 1)[1]
    )
    files = _add_files(crate, folder, record)
    data = _add_data(crate, record, files)
    application = _add_software(crate, record)
    steps = [_add_step(crate, step, record, files, data) for step in record.parameters]
    run = _entity(crate, "#run", "CreateAction", name="iris-lab report", description="All steps in order, and the page")
    run["instrument"] = application
    _relate(run, "object", data)
    _relate(run, "result", [file for name, file in files.items() if name != record.data.get("file")])
    crate.root_dataset["mentions"] = [run, *steps]
    return _json(crate).encode()


def _json(crate: ROCrate) -> str:
    document = crate.metadata.generate()
    document["@context"] = [document["@context"], TERMS]
    document["@graph"].sort(key=lambda entity: entity["@id"])
    return json.dumps(document, indent=1, sort_keys=True, ensure_ascii=False) + "\n"


def _entity(crate: ROCrate, identifier: str, kind: str, **properties: Any) -> ContextEntity:
    return crate.add(ContextEntity(crate, identifier, properties={"@type": kind, **properties}))


def _relate(entity: ContextEntity, name: str, others: list[Any]) -> None:
    """Set a property in RO-Crate's form: no empty list, and a single item without a list."""
    if others:
        entity[name] = others if len(others) > 1 else others[0]


def _add_files(crate: ROCrate, folder: Path, record: Record) -> dict[str, Any]:
    files = {}
    for name, sha256 in sorted(record.artifacts.items()):  # not in the order of their escaped names, as they are read
        path = folder / name
        facts = {"name": name, "sha256": sha256, "contentSize": str(path.stat().st_size)}
        facts["encodingFormat"] = MEDIA_TYPES.get(path.suffix.lower(), "application/octet-stream")
        if name == record.data.get("file"):
            facts["description"] = OWN_TABLE
        files[name] = crate.add_file(path, name, properties=facts)
    return files


def _add_data(crate: ROCrate, record: Record, files: Mapping[str, Any]) -> list[Any]:
    """Add the dataset and return what actions name as their input: the dataset, and the file it was read from."""
    if not record.data:
        return []
    facts = {"name": record.data["name"], "sha256": record.data["sha256"], "description": record.data["source"]}
    data = _entity(crate, "#data", "CreativeWork", **facts)
    if record.data["source"].startswith(("http://", "https://")):
        data["url"] = record.data["source"]
    if "file" not in record.data:
        return [data]
    data["hasPart"] = files[record.data["file"]]
    return [data, data["hasPart"]]


def _add_software(crate: ROCrate, record: Record) -> ContextEntity:
    versions = {name: found for name, found in record.software.items() if name not in PLATFORM_FACTS}
    facts = {key: record.software[name] for name, key in PLATFORM_FACTS.items()}
    facts |= {"name": "iris-lab", "softwareVersion": versions.pop("iris-lab")}
    application = _entity(crate, "#iris-lab", "SoftwareApplication", license={"@id": LICENCE}, **facts)
    application["softwareRequirements"] = [_add_package(crate, name, found) for name, found in sorted(versions.items())]
    application["hasPart"] = [
        _entity(crate, f"#source-{name}", "SoftwareSourceCode", name=name, sha256=sha256, **_about(name, facts, record))
        for name, sha256 in sorted(record.sources.items())
    ]
    return application


def _add_package(crate: ROCrate, name: str, found: str) -> ContextEntity:
    # A package URL (https://github.com/package-url/purl-spec) names a version wherever it was downloaded from.
    url = "https://www.python.org/" if name == "python" else f"pkg:pypi/{name}@{found}"
    return _entity(crate, url, "SoftwareApplication", name=name, softwareVersion=found, url=url)


def _about(name: str, application: Mapping[str, str], record: Record) -> dict[str, str]:
    about = {"version": application["softwareVersion"], "programmingLanguage": "Python"}
    description = DESCRIPTIONS.get(Path(name).suffix)
    if name.startswith("iris_lab/"):
        description = COMPUTES if computes(name) else WRITES
        if not (PACKAGE.parent / name).is_file():  # one of another version, as its record says
            description = record.groups.get(name, description)
    return about | ({"description": description} if description else {})


def _add_step(crate: ROCrate, step: str, record: Record, files: Mapping[str, Any], data: list[Any]) -> ContextEntity:
    values = [
        _entity(crate, f"#{step}-{name}", "PropertyValue", name=name, value=value)
        for name, value in record.parameters[step].items()
    ]
    action = _entity(crate, f"#step-{step}", "CreateAction", name=step, description=f"Execution of {step}.ipynb")
    action["instrument"] = crate.dereference(f"#source-{step}.ipynb")
    read = [files[name] for name in record.inputs.get(step, ())]
    _relate(action, "object", [*data, *read, *values])
    _relate(action, "result", [files[name] for name in record.results[step]])
    _relate(action, UNSTABLE, list(record.unstable.get(step, ())))
    return action
