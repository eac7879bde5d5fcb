"""What decides the bytes of a run, besides its parameters and data: versions, platform, code, and release date."""

import hashlib
import json
import platform
import re
from collections.abc import Mapping, Sequence
from importlib.metadata import requires, version
from typing import Any

from iris_lab import __date__, __version__
from iris_lab.blas import blas_core
from iris_lab.place import LOCK, PACKAGE
from iris_lab.workflow.crate import digest_of

NOT_IMPORTED = {
    "__init__.py",
    "__main__.py",
    "cli",
    "prediction",
    "place.py",
    "progress.py",
    "serving",
    "workflow",
}  # what decides no result of a notebook
# Not a requirement of iris_lab, but it decides text in the notebooks.
DECISIVE = ("ipython",)


def software() -> dict[str, str]:
    """Return the versions, and the facts of this platform, that decide what a run writes."""
    direct = (re.split(r"[^\w.-]", line)[0] for line in requires("iris-lab") or [] if "extra ==" not in line)
    names = sorted({name.lower() for name in direct} | set(DECISIVE))
    major, minor, _ = platform.python_version_tuple()
    return {
        "iris-lab": __version__,
        "python": f"{platform.python_implementation()} {major}.{minor}",
        "platform": f"{platform.system()} {platform.machine()}",
        "openblas core": blas_core(),
        **{name: version(name) for name in names},
    }


def sources(notebooks: Mapping[str, str]) -> dict[str, str]:
    """Return the SHA-256 of each notebook's code and prose (without outputs), of every module, and of the lock.

    Raises
    ------
    ValueError
        A text is no notebook.
    """
    found = {f"{step}.ipynb": notebook_digest(json.loads(text)["cells"]) for step, text in notebooks.items()}
    modules = sorted(PACKAGE.rglob("*.py"))
    found |= {f"iris_lab/{path.relative_to(PACKAGE).as_posix()}": digest_of(path) for path in modules}
    return found | ({LOCK.name: digest_of(LOCK)} if LOCK.is_file() else {})


def computes(source: str) -> bool:
    """Return whether a module, named as in `sources`, decides results; others decide only how they are written."""
    return source.split("/")[1] not in NOT_IMPORTED


def notebook_digest(cells: Sequence[Mapping[str, Any]]) -> str:
    """Return the SHA-256 of a notebook's code and prose, without outputs."""
    # As JSON: nbformat's import and its checks cost more than all the rest of a quick verification.
    text = json.dumps([[cell["cell_type"], "".join(cell["source"])] for cell in cells])
    return hashlib.sha256(text.encode()).hexdigest()


def release_date() -> str:
    """Return the date of this release, ISO 8601.

    It is not taken from the clock or a commit, so that runs from a shallow clone, an archive or a wheel are equal, too.
    """
    return f"{__date__}T00:00:00+00:00"
