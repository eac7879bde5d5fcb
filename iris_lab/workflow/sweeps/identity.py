"""What the runs of a sweep have in common, by digest: those of another lock, code or Python are never mixed in."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any

from iris_lab.place import LOCK
from iris_lab.workflow import provenance
from iris_lab.workflow.crate import PLATFORM_FACTS
from iris_lab.workflow.notebooks import read_notebook
from iris_lab.workflow.steps import Step

Identity = dict[str, dict[str, str]]
NAMED = 3  # modules that a message names


def identity_of(steps: Sequence[Step]) -> Identity:
    """Return the versions, and the digests of notebooks, modules and lock, that a run here would record.

    Raises
    ------
    InputError
        A notebook cannot be read.
    """
    texts = {step.name: read_notebook(step.notebook) for step in steps}
    return {"software": provenance.software(), "sources": provenance.sources(texts)}


def differences(there: Mapping[str, Any], here: Identity, *, platform: bool = True) -> list[str]:
    """Return in words what is not the same: lock, packages, Python, notebooks, modules.

    Parameters
    ----------
    there, here
        As from `identity_of`.
    platform
        Whether another processor architecture counts: between two of them, equal runs are equivalent and not identical.
    """
    found, software, sources = [], there.get("software", {}), there.get("sources", {})
    for name in sorted(software.keys() | here["software"].keys()):
        was, now = software.get(name, "nothing"), here["software"].get(name, "nothing")
        if was != now and (platform or name not in PLATFORM_FACTS):
            found.append(f"{name} {was} there, {now} here")
    names = sorted(sources.keys() | here["sources"].keys())
    changed = [name for name in names if sources.get(name) != here["sources"].get(name)]
    if LOCK.name in changed:
        changed.remove(LOCK.name)
        found.insert(0, f"another {LOCK.name}")
    more = f" and {len(changed) - NAMED} more" if len(changed) > NAMED else ""
    return found + ([f"another text of {', '.join(changed[:NAMED])}{more}"] if changed else [])


def digest_of_values(*values: Any) -> str:
    """Return a short name for values that JSON can write."""
    return hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()[:16]
