"""JSON files of a run to which each step adds what is its own, in whatever order the steps end."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from iris_lab.errors import ArtifactError

METRICS_FILE, CHECKS_FILE = "metrics.json", "checks.json"
BY_STEP = (METRICS_FILE, CHECKS_FILE)


def write_by_step(path: Path, known: Mapping[str, Any]) -> None:
    """Write what the steps have added so far, sorted by name."""
    path.write_bytes(as_json(known))


def as_json(known: Mapping[str, Any]) -> bytes:
    """Return the content of such a file."""
    text = json.dumps(dict(sorted(known.items())), indent=1, ensure_ascii=False, allow_nan=False) + "\n"
    return text.encode()


def added_by_step(before: Mapping[str, Any], folder: Path) -> dict[str, dict[str, Any]]:
    """Return what was added to each of the files in a folder, or changed there, since `read_by_step` read it."""
    now = read_by_step(folder)
    return {
        name: {key: value for key, value in known.items() if before.get(name, {}).get(key) != value}
        for name, known in now.items()
        if known != before.get(name)
    }


def read_by_step(folder: Path) -> dict[str, dict[str, Any]]:
    """Return the content of those of the files that are in a folder."""
    found = {}
    for name in BY_STEP:
        try:
            known = json.loads((folder / name).read_bytes())
        except (OSError, ValueError):
            continue
        if isinstance(known, dict):
            found[name] = known
    return found


def add_by_step(path: Path, content: bytes) -> None:
    """Add what other steps wrote into a file of that name in another folder.

    Raises
    ------
    ValueError
        One of the two is no such file.
    """
    there = json.loads(path.read_bytes()) if path.is_file() else {}
    added = json.loads(content)
    if not isinstance(there, dict) or not isinstance(added, dict):
        raise ValueError(f"{path.name} is no JSON object")
    write_by_step(path, there | added)


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
