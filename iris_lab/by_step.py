"""JSON files of a run to which each step adds what is its own, in whatever order the steps end."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

METRICS_FILE, CHECKS_FILE = "metrics.json", "checks.json"
BY_STEP = (METRICS_FILE, CHECKS_FILE)


def write_by_step(path: Path, known: Mapping[str, Any]) -> None:
    """Write what the steps have added so far, sorted by name."""
    text = json.dumps(dict(sorted(known.items())), indent=1, ensure_ascii=False, allow_nan=False) + "\n"
    path.write_text(text, encoding="utf-8", newline="\n")


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
