"""Where the notebooks, the lock and the reports are: in a checkout, or in a package installed from a wheel."""

from pathlib import Path

PACKAGE = Path(__file__).resolve().parent
INSTALLED = (PACKAGE / "notebooks").is_dir()  # a wheel has them in the package, a checkout beside it
HOME = PACKAGE if INSTALLED else PACKAGE.parent
NOTEBOOKS, LOCK = HOME / "notebooks", HOME / "requirements.lock"
DATA_FOLDER = "data"  # of a run, for the copy of the user's table
MODEL_FILE, INFO_FILE, SPLIT_FILE = "model.joblib", "model.json", "split.csv"  # of a run, from 02_train


def reports() -> Path:
    """Return the folder of runs: that of the checkout, from wherever it is used; without one, that in this folder."""
    return Path("reports") if INSTALLED else HOME / "reports"
