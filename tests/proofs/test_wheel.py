"""The wheel: the same bytes from one commit, and everything works without a checkout."""

import os
import re
import shutil
import signal
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from urllib.request import urlopen

import pytest
from sklearn.datasets import load_wine

pytestmark = pytest.mark.slow
PROJECT = Path(__file__).parents[2]
NOBODY = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]
LIMIT = 2_000_000  # bytes


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    """A folder that every user can enter, which pytest's own are not."""
    made = Path(tempfile.mkdtemp(prefix="wheel-"))
    made.chmod(0o755)
    (made / "tmp").mkdir()
    (made / "tmp").chmod(0o1777)
    yield made
    shutil.rmtree(made)


def copy_tracked(copy: Path) -> None:
    """Copy the tracked files as they are now, committed or not: a clone would lack what is being tried."""
    tracked = subprocess.run(["git", "ls-files", "-z"], cwd=PROJECT, capture_output=True, text=True, check=True).stdout
    for name in filter(None, tracked.split("\0")):
        (copy / name).parent.mkdir(parents=True, exist_ok=True)
        with suppress(FileNotFoundError):  # removed, and that not yet committed
            (copy / name).write_bytes((PROJECT / name).read_bytes())


def build(source: Path, *kinds: str, umask: str = "022", **environment: str) -> Path:
    """Build a wheel, or what else is asked for, in a folder, and return the wheel."""
    targets = " ".join(f"-t {kind}" for kind in kinds or ("wheel",))
    command = f'umask {umask} && "{sys.executable}" -m hatchling build {targets} -d dist'
    kept = {name: value for name, value in os.environ.items() if name != "SOURCE_DATE_EPOCH"}
    subprocess.run(command, shell=True, cwd=source, env=kept | environment, check=True, capture_output=True)
    (wheel,) = (source / "dist").glob("*.whl")
    return wheel


@pytest.fixture(scope="module")
def wheel(folder: Path) -> Path:
    copy_tracked(folder / "one")
    return build(folder / "one", "wheel", "sdist")


def open_python() -> str:
    """Return a Python of our version that every user may start; root's own often stands in a closed folder."""
    here = f"python{sys.version_info.major}.{sys.version_info.minor}"
    for python in (getattr(sys, "_base_executable", sys.executable), f"/usr/bin/{here}", f"/usr/local/bin/{here}"):
        # Started by a shell: setpriv itself still may what root may.
        command = [*as_another(), "sh", "-c", '"$0" -c "import ssl"', python]
        if subprocess.run(command, capture_output=True, cwd="/").returncode == 0:
            return python
    pytest.skip(f"no {here} that another user than root may start")


def as_another() -> list[str]:
    """Return what makes a command another user's: for root only; others have a report that they cannot write."""
    return NOBODY if os.geteuid() == 0 else []


@pytest.fixture(scope="module")
def iris_lab(folder: Path, wheel: Path) -> Path:
    """The command, installed with the report's part of the lock into an empty environment."""
    subprocess.run([open_python(), "-m", "venv", "--without-pip", folder / "venv"], check=True)
    subprocess.run([sys.executable, "-m", "venv", folder / "tools"], check=True)
    lock = (PROJECT / "requirements.lock").read_text(encoding="utf-8").partition("# The rest")[0]
    (folder / "report.lock").write_text(lock, encoding="utf-8")
    pip = [folder / "tools/bin/python", "-m", "pip", "--python", folder / "venv/bin/python"]
    install = [*pip, "install", "--quiet", "--disable-pip-version-check", "--no-deps"]
    subprocess.run([*install, "--require-hashes", "-r", folder / "report.lock"], check=True, capture_output=True)
    subprocess.run([*install, wheel], check=True, capture_output=True)
    subprocess.run([*pip, "check"], check=True, capture_output=True)
    return folder / "venv/bin/iris-lab"


def run(iris_lab: Path, *arguments: str | Path, cwd: Path, code: int = 0, before: Sequence[str] = ()) -> str:
    """Run a command, without a home, in an environment that knows nothing of the checkout; return what it says."""
    temporary = iris_lab.parents[2] / "tmp"
    nowhere = {"PATH": os.defpath, "HOME": "/dev/null", "TMPDIR": str(temporary)}
    command = [*before, iris_lab, *arguments]
    ran = subprocess.run(command, cwd=cwd, env=nowhere, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    assert ran.returncode == code, ran.stdout
    assert "Warning" not in ran.stdout
    assert list(temporary.iterdir()) == []
    return ran.stdout


@pytest.fixture(scope="module")
def work(folder: Path, iris_lab: Path) -> Path:
    """An empty folder with a table, and its report, which nobody may write any more."""
    made = folder / "work"
    made.mkdir()
    wine = load_wine(as_frame=True).frame
    wine.assign(target="cultivar " + wine["target"].astype(str)).to_csv(made / "my.csv", index=False)
    run(iris_lab, "report", "-p", "data=my.csv", "-p", "target=target", cwd=made)
    subprocess.run(["chmod", "-R", "a-w", made / "reports/my"], check=True)
    return made


def contents(run: Path) -> dict[str, bytes]:
    return {str(path.relative_to(run)): path.read_bytes() for path in run.rglob("*") if path.is_file()}


def test_wheels_of_one_commit_are_the_same_bytes_wherever_they_are_built(folder: Path, wheel: Path) -> None:
    copy_tracked(folder / "another place")
    other = build(folder / "another place", umask="077", TZ="Asia/Tokyo", LC_ALL="C", PYTHONHASHSEED="1")
    (archive,) = (folder / "one/dist").glob("*.tar.gz")
    with tarfile.open(archive) as tar:
        tar.extractall(folder, filter="data")
    from_archive = build(folder / archive.name.removesuffix(".tar.gz"))
    assert wheel.read_bytes() == other.read_bytes() == from_archive.read_bytes()
    assert wheel.stat().st_size <= LIMIT


def test_a_wheel_carries_notebooks_and_lock_and_nothing_of_the_tests(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    wanted = {f"iris_lab/notebooks/{path.name}" for path in (PROJECT / "notebooks").glob("*.ipynb")}
    assert wanted | {"iris_lab/requirements.lock"} <= names
    assert {name.split("/")[0].split("-")[0] for name in names} == {"iris_lab"}
    assert not [name for name in names if re.search(r"(^|/)tests?[_/.]", name)]


def test_a_report_is_verified_from_another_folder_by_another_user(iris_lab: Path, work: Path) -> None:
    assert sorted(path.name for path in work.iterdir()) == ["my.csv", "reports"]
    assert {"index.html", "model.joblib", "data/my.csv"} <= contents(work / "reports/my").keys()
    before = contents(work)
    said = run(iris_lab, "verify", "--exact", work / "reports/my", cwd=Path("/"), before=as_another())
    assert "identical" in said.splitlines()[-1]
    assert contents(work) == before


def test_a_report_of_the_wheel_is_that_of_the_checkout(folder: Path, iris_lab: Path) -> None:
    (folder / "empty").mkdir()
    run(iris_lab, "report", cwd=folder / "empty")
    command = [sys.executable, "-m", "iris_lab", "report", "--output", folder / "of the checkout"]
    subprocess.run(command, cwd=PROJECT, check=True, capture_output=True)
    wheels, ours = contents(folder / "empty/reports/iris"), contents(folder / "of the checkout")
    assert wheels.keys() == ours.keys()
    assert [name for name in ours if wheels[name] != ours[name]] == []


def test_the_other_commands_need_no_checkout_either(folder: Path, iris_lab: Path, work: Path) -> None:
    elsewhere = folder / "elsewhere"
    elsewhere.mkdir()
    report = work / "reports/my"
    run(iris_lab, "predict", report, work / "my.csv", "--output", "predicted.csv", cwd=elsewhere)
    assert "predicted" in (elsewhere / "predicted.csv").read_text(encoding="utf-8").splitlines()[0]
    run(iris_lab, "sweep", "-p", "model=lda", cwd=elsewhere)
    assert (elsewhere / "reports/sweeps/iris_model/model=lda/index.html").is_file()
    assert "commands" in run(iris_lab, "--help", cwd=elsewhere)
    serving = subprocess.Popen([iris_lab, "serve", report, "--port", "0"], cwd=elsewhere, stdout=subprocess.PIPE)
    try:
        address = serving.stdout.readline().decode().partition(" at ")[2].split()[0]
        with urlopen(f"{address}/health/ready", timeout=20) as answer:
            assert answer.status == 200
    finally:
        serving.send_signal(signal.SIGTERM)
        serving.communicate(timeout=20)
    assert not list((folder / "venv").rglob("site-packages/reports"))


def test_renewing_notebooks_is_refused_in_one_line(iris_lab: Path, work: Path) -> None:
    said = run(iris_lab.with_name("python"), "-m", "iris_lab.workflow.refresh", cwd=work, code=2)
    assert said.count("\n") == 1
    assert "expected a checkout" in said
