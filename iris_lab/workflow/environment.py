"""The environment variables of a kernel: the same on every machine."""

import os
import tempfile
from importlib.util import find_spec
from pathlib import Path

from iris_lab.blas import blas_environment

# Variables whose names start so change numbers, figures, text or imports; the caller's are not passed to a kernel.
DROPPED = (
    "BLIS_", "COLUMNS", "FORCE_COLOR", "GOTO_", "IPYTHON", "JOBLIB_", "JPY_", "KMP_", "LANGUAGE", "LC_", "LINES",
    "LOKY_", "MATPLOTLIB", "MKL_", "MPL", "NO_COLOR", "NPY_", "NUMEXPR_", "OMP_", "OPENBLAS_", "PY", "SCIPY_",
    "SKLEARN_", "SOURCE_DATE_EPOCH", "TERM", "TZ", "VECLIB_",
)  # fmt: skip
KEPT = {"PYTHONPATH", "PYTHONDONTWRITEBYTECODE", "PYTHONPYCACHEPREFIX"}  # where code is, not what it does
PINNED = {
    "COLUMNS": "80",
    "IRIS_LAB_UNATTENDED": "1",  # the endpoint's display names no port
    "LANG": "C.UTF-8",
    "LC_ALL": "C.UTF-8",
    "LINES": "24",
    "MPLBACKEND": "module://matplotlib_inline.backend_inline",
    "NO_PROXY": "127.0.0.1,localhost",
    "PYTHONHASHSEED": "0",
    "PYTHONUTF8": "1",
    "TERM": "dumb",
    "TZ": "UTC",
}


def pinned_environment(scratch: Path) -> dict[str, str]:
    """Return the environment variables of a kernel.

    Parameters
    ----------
    scratch
        A folder that exists as long as the kernel, for IPython's settings, in place of the user's.
    """
    kept = {name: value for name, value in os.environ.items() if name in KEPT or not name.startswith(DROPPED)}
    pinned = PINNED | blas_environment()
    if matplotlib := find_spec("matplotlib"):
        pinned["MATPLOTLIBRC"] = str(Path(str(matplotlib.origin)).parent / "mpl-data" / "matplotlibrc")
    return kept | pinned | {"IPYTHONDIR": str(scratch / "ipython"), "MPLCONFIGDIR": str(_font_cache(scratch))}


def _font_cache(scratch: Path) -> Path:
    """Return a folder that keeps matplotlib's list of fonts, which takes seconds to build."""
    lasting = Path(os.environ.get("XDG_CACHE_HOME") or Path("~/.cache").expanduser()) / "iris_lab" / "matplotlib"
    try:
        lasting.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=lasting):
            return lasting
    except (OSError, RuntimeError):  # no home, or a read-only one
        return scratch / "matplotlib"
