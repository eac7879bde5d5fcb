"""Where the notebooks, the lock and the reports are: in a checkout, or, installed from a wheel, in the package."""

from pathlib import Path

PACKAGE = Path(__file__).resolve().parent
IN_CHECKOUT = (PACKAGE.parent / "pyproject.toml").is_file() and (PACKAGE.parent / "notebooks").is_dir()
HOME = PACKAGE.parent if IN_CHECKOUT else PACKAGE
NOTEBOOKS, LOCK = HOME / "notebooks", HOME / "requirements.lock"


def reports() -> Path:
    """Return the folder of runs: the checkout's, or, without one, ``reports`` in the working directory."""
    return (HOME if IN_CHECKOUT else Path.cwd()) / "reports"
