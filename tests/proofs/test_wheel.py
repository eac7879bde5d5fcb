"""The wheel: the same bytes from one commit, and everything works without a checkout."""

import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow
PROJECT = Path(__file__).parents[2]
OTHER_USER = [
    *["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"],
    # Another user may not even enter the folder of root's Python: it may read everything, and write nothing.
    *["--inh-caps=+dac_read_search", "--ambient-caps=+dac_read_search"],
]


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    """A folder that every user can enter."""
    made = Path(tempfile.mkdtemp(prefix="wheel-"))
    made.chmod(0o755)
    yield made
    shutil.rmtree(made)


def build(copy: Path, umask: str, **environment: str) -> Path:
    """Build the wheel of the tracked files, as they are now, in a copy of the checkout."""
    tracked = subprocess.run(["git", "ls-files", "-z"], cwd=PROJECT, capture_output=True, text=True, check=True).stdout
    for name in filter(None, tracked.split("\0")):
        (copy / name).parent.mkdir(parents=True, exist_ok=True)
        if (PROJECT / name).is_file():
            (copy / name).write_bytes((PROJECT / name).read_bytes())
    command = f'umask {umask} && "{sys.executable}" -m hatchling build -t wheel -d dist'
    subprocess.run(command, shell=True, cwd=copy, env=os.environ | environment, check=True, capture_output=True)
    (wheel,) = (copy / "dist").iterdir()
    return wheel


@pytest.fixture(scope="module")
def wheel(folder: Path) -> Path:
    return build(folder / "one", "022")


@pytest.fixture(scope="module")
def iris_lab(folder: Path, wheel: Path) -> Path:
    """The command, installed with the report's part of the lock into an empty environment."""
    subprocess.run([sys.executable, "-m", "venv", folder / "venv"], check=True)
    lock = (PROJECT / "requirements.lock").read_text(encoding="utf-8").partition("# The rest")[0]
    (folder / "report.lock").write_text(lock, encoding="utf-8")
    install = [
        folder / "venv/bin/python",
        "-m",
        "pip",
        "install",
        "--quiet",
        "--disable-pip-version-check",
        "--no-deps",
    ]
    subprocess.run([*install, "--require-hashes", "-r", folder / "report.lock"], check=True)
    subprocess.run([*install, wheel], check=True)
    return folder / "venv/bin/iris-lab"


def run(*command: str | Path, cwd: Path, home: Path) -> str:
    """Run a command in an environment that knows nothing of the checkout."""
    kept = {name: value for name, value in os.environ.items() if not re.match("PYTHON|PYTEST|XDG|VIRTUAL", name)}
    ran = subprocess.run(command, cwd=cwd, env=kept | {"HOME": str(home)}, capture_output=True, text=True)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return ran.stdout


def test_two_wheels_of_one_commit_are_the_same_bytes_and_small(folder: Path, wheel: Path) -> None:
    other = build(folder / "another place", "077", TZ="Asia/Tokyo", LC_ALL="C")
    assert wheel.read_bytes() == other.read_bytes()
    assert wheel.stat().st_size <= 2_000_000


def test_a_report_is_made_and_verified_without_a_checkout(folder: Path, iris_lab: Path) -> None:
    from sklearn.datasets import load_wine

    work, elsewhere = folder / "work", folder / "elsewhere"
    for each in (work, elsewhere):
        each.mkdir()
    wine = load_wine(as_frame=True).frame
    wine.assign(target="cultivar " + wine["target"].astype(str)).to_csv(work / "my.csv", index=False)
    run(iris_lab, "report", "-p", "data=my.csv", "-p", "target=target", cwd=work, home=folder)
    assert (work / "reports/my/index.html").is_file()
    said = run(iris_lab, "verify", work / "reports/my", "--exact", cwd=elsewhere, home=folder)
    assert "identical" in said.splitlines()[-1]
    (elsewhere / "my.csv").write_bytes((work / "my.csv").read_bytes())
    run(iris_lab, "predict", work / "reports/my", "my.csv", cwd=elsewhere, home=folder)
    if os.geteuid() == 0 and shutil.which("setpriv"):
        nowhere = folder / "no home"
        said = run(*OTHER_USER, iris_lab, "verify", work / "reports/my", "--exact", cwd=Path("/"), home=nowhere)
        assert "identical" in said.splitlines()[-1]
        assert not nowhere.exists()


def test_a_report_of_the_wheel_is_that_of_the_checkout(folder: Path, iris_lab: Path) -> None:
    (folder / "iris").mkdir()
    run(iris_lab, "report", cwd=folder / "iris", home=folder)
    ours = folder / "ours"
    subprocess.run([sys.executable, "-m", "iris_lab", "report", "--output", ours], cwd=PROJECT, check=True)
    names = sorted(path.relative_to(ours) for path in ours.rglob("*") if path.is_file())
    assert len(names) > 20
    for name in names:
        assert (folder / "iris/reports/iris" / name).read_bytes() == (ours / name).read_bytes(), name
