"""A report run: whole or not at all, and what it says when it fails."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import nbformat
import pytest

from iris_lab.errors import InputError, IrisLabError, StepError
from iris_lab.workflow import warm
from iris_lab.workflow.consistency import compare_written
from iris_lab.workflow.crate import artifacts_of, read_crate
from iris_lab.workflow.output_directory import OutputDirectory
from iris_lab.workflow.report import Job, report
from iris_lab.workflow.steps import Step

NOTEBOOKS = Path(__file__).parent / "notebooks"


def steps(*names: str) -> list[Step]:
    return [Step(NOTEBOOKS / f"{name}.ipynb") for name in names]


def bytes_of(folder: Path) -> dict[str, bytes]:
    files = [path for path in folder.rglob("*") if path.is_file()]
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in sorted(files)}


@pytest.fixture(autouse=True)
def plain_kernels(monkeypatch):
    """Tiny notebooks import nothing, so ordinary kernels start sooner; `start` still uses forked ones."""
    monkeypatch.setattr(warm, "CAN_FORK", False)


@pytest.fixture
def place(tmp_path) -> OutputDirectory:
    return OutputDirectory(tmp_path / "lab")


def run(place: OutputDirectory, *names: str, values=None, force=False, **options) -> Path:
    return report(Job(values or {}, place.final, force=force, steps=steps(*names)), **options)


def test_a_run_holds_notebooks_artifacts_page_and_record_and_no_times(place):
    folder = run(place, "adds", "writes", values={"seed": 4})
    found = sorted(path.name for path in folder.iterdir())
    assert found == [
        "adds.ipynb",
        "index.html",
        "ro-crate-metadata.json",
        "seed.txt",
        "writes.ipynb",
    ]
    assert (folder / "seed.txt").read_text() == "4"
    record = read_crate(folder)
    assert record.parameters == {"adds": {"seed": 4}, "writes": {"seed": 4}}
    assert record.results == {"adds": ["adds.ipynb"], "writes": ["seed.txt", "writes.ipynb"]}
    assert record.artifacts == artifacts_of(folder)
    assert set(json.loads(place.timings.read_text())["seconds"]) == {"adds", "writes", "total"}
    assert [path.name for path in place.final.parent.iterdir() if path.is_dir()] == ["lab"]


def test_equal_runs_have_equal_bytes(place, tmp_path):
    one, other = run(place, "adds", "writes"), run(OutputDirectory(tmp_path / "other" / "lab"), "adds", "writes")
    assert bytes_of(one) == bytes_of(other)


def test_the_record_keeps_the_order_of_the_run_not_that_of_the_alphabet(place):
    assert list(read_crate(run(place, "writes", "adds")).parameters) == ["writes", "adds"]


def test_progress_is_reported_at_the_start_and_after_every_cell(place):
    told = []
    run(place, "adds", "writes", on_progress=lambda *what: told.append(what))
    for step, cells in (("adds", 4), ("writes", 3)):
        assert [what for what in told if what[0] == step] == [(step, n, cells) for n in range(cells + 1)]


def test_a_failed_run_names_the_cell_keeps_its_notebook_and_leaves_the_last_good_report(place):
    before = bytes_of(run(place, "adds"))
    with pytest.raises(StepError, match=r"raises, cell 3: ValueError: no petals \(kept in lab.failed/raises.ipynb\)"):
        run(place, "adds", "raises")
    assert bytes_of(place.final) == before
    kept = nbformat.read(place.failed / "raises.ipynb", as_version=4)
    assert any("no petals" in str(cell.get("outputs")) for cell in kept.cells)
    run(place, "adds")
    assert not place.failed.exists()


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("exits", r"exits, cell 3: SystemExit: the cell ended the notebook with sys.exit\(0\)"),
        ("dies", r"dies, cell 3: DeadKernelError: the kernel was killed by SIGKILL"),
        ("sleeps", r"sleeps, cell 3: CellTimeoutError: the cell was still running after 2 s"),
    ],
)
def test_a_run_whose_notebook_ended_early_fails_and_is_not_published(place, name, message):
    with pytest.raises(StepError, match=message):
        run(place, name, timeout=2)
    assert not place.final.exists()


@pytest.mark.parametrize(
    ("name", "found"),
    [("shows_a_path", "an absolute path in an output, line 1: /home/a")],
)
@pytest.mark.parametrize("values", [{}, {"seed": 5}], ids=["defaults", "given"])
def test_a_run_that_shows_what_another_run_would_not_is_not_published(place, name, found, values):
    with pytest.raises(StepError, match=rf"^{name}, cell \d: {found}.*expected the same outputs in every run"):
        run(place, name, values=values)
    assert not place.final.exists() and (place.failed / f"{name}.ipynb").is_file()


def test_an_unstable_run_is_published_on_demand_and_its_record_says_which_cell(place):
    folder = report(Job({}, place.final, steps=steps("shows_a_path"), allow_unstable=True))
    assert read_crate(folder).unstable == {"shows_a_path": ["cell 3: an absolute path in an output, line 1"]}


def test_a_warning_of_a_cell_names_the_cell_and_no_file_of_this_process(place):
    (text,) = [
        output.text
        for cell in nbformat.read(run(place, "warns") / "warns.ipynb", as_version=4).cells
        for output in cell.get("outputs", [])
        if output.get("name") == "stderr"
    ]
    assert text.startswith("In[4]:3: FutureWarning: this will change")


def test_cells_are_counted_as_in_the_notebook_that_the_reader_has(place):
    # Parameters given or not, papermill's injected cell does not shift the number.
    for values in ({}, {"seed": 5}):
        with pytest.raises(StepError, match="raises, cell 3: ValueError"):
            run(place, "raises", values=values)


def test_a_run_with_other_parameters_is_replaced_only_by_force(place):
    run(place, "adds")
    with pytest.raises(InputError, match=r"'lab' holds a run with other parameters \(seed=0 there, 1 here\)"):
        run(place, "adds", values={"seed": 1})
    run(place, "adds", values={"seed": 1}, force=True)
    assert read_crate(place.final).values == {"seed": 1}
    run(place, "adds", values={"seed": 1})


def test_a_folder_of_the_users_is_not_replaced_even_by_force(place):
    place.final.mkdir()
    (place.final / "thesis.tex").write_text("mine")
    with pytest.raises(InputError, match="holds no run"):
        run(place, "adds", force=True)
    assert (place.final / "thesis.tex").read_text() == "mine"


def test_a_full_disk_in_the_middle_is_a_failed_run(place):
    if not shutil.which("mount") or os.geteuid():
        pytest.skip("only root can mount a small file system")
    room = place.final.parent / "small"
    room.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=34m", "tmpfs", str(room)], check=True)
    try:
        here = OutputDirectory(room / "lab")
        before = bytes_of(run(here, "adds"))
        filler = room / "filler"
        told = []

        def fill(*what):
            told.append(what)
            with filler.open("wb") as file:
                try:
                    while True:
                        file.write(bytes(2**16))
                        file.flush()
                except OSError:
                    pass

        with pytest.raises(StepError, match=r"adds.*No space left on device"):
            run(here, "adds", on_progress=fill)
        filler.unlink()
        assert bytes_of(here.final) == before
    finally:
        subprocess.run(["umount", str(room)], check=True)


SCRIPT = """
import sys
from pathlib import Path
from iris_lab.workflow.report import Job, report
from iris_lab.workflow.steps import Step
output, *notebooks = map(Path, sys.argv[1:])
report(Job(output=output, steps=[Step(path) for path in notebooks]), on_progress=lambda *what: print(what, flush=True))
"""


def start(place: OutputDirectory, *names: str) -> subprocess.Popen:
    """Start a run in a process of its own, in a session of its own."""
    notebooks = [str(step.notebook) for step in steps(*names)]
    command = [sys.executable, "-c", SCRIPT, str(place.final), *notebooks]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True)


def processes_in(folder: Path) -> list[str]:
    """Return the command lines of processes whose working directory is in a folder."""
    found = []
    for entry in Path("/proc").iterdir():
        try:
            if entry.name.isdecimal() and Path(os.readlink(entry / "cwd")).is_relative_to(folder):
                found.append((entry / "cmdline").read_bytes().replace(b"\0", b" ").decode())
        except OSError:
            continue
    return found


def wait_until_gone(folder: Path) -> None:
    deadline = time.monotonic() + 15
    while left := processes_in(folder):
        assert time.monotonic() < deadline, f"still there: {left}"
        time.sleep(0.1)


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/cwd").exists(), reason="processes are looked up in /proc")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_a_run_that_is_stopped_or_killed_leaves_the_report_and_no_process(place, number):
    before = bytes_of(run(place, "adds"))
    process = start(place, "adds", "sleeps")
    assert process.stdout is not None
    for line in process.stdout:
        if line.startswith("('sleeps', 2"):
            break
    assert processes_in(place.partial), "the kernel works in the unfinished run"
    process.send_signal(number)
    process.communicate(timeout=20)
    wait_until_gone(place.partial)
    assert bytes_of(place.final) == before
    run(place, "adds")
    assert bytes_of(place.final) == before and not place.partial.exists()


def test_of_two_runs_into_one_place_one_wins_and_the_other_says_so(place):
    first = start(place, "sleeps")
    try:
        assert first.stdout is not None
        first.stdout.readline()
        with pytest.raises(IrisLabError, match="another run is writing 'lab'"):
            run(place, "adds")
    finally:
        first.kill()
        first.communicate()


def changed(tmp_path: Path, name: str, change) -> Step:
    """Return a step whose notebook is a changed copy of `adds`."""
    notebook = nbformat.read(NOTEBOOKS / "adds.ipynb", as_version=4)
    change(notebook)
    nbformat.write(notebook, tmp_path / f"{name}.ipynb")
    return Step(tmp_path / f"{name}.ipynb")


def test_a_kernel_that_does_not_start_is_named_with_its_step(tmp_path):
    def use_another_kernel(notebook):
        notebook.metadata["kernelspec"] = {"name": "no-such-kernel", "display_name": "none", "language": "python"}

    step = changed(tmp_path, "mine", use_another_kernel)
    with pytest.raises(StepError, match=r"mine: the kernel did not start: .* \(kept in run\.failed/mine\.ipynb\)"):
        report(Job(output=tmp_path / "run", steps=[step]))


@pytest.mark.parametrize("kind", ["mkfifo('{}')", "symlink('../mine.txt', '{}')"])
def test_what_a_cell_puts_in_the_place_of_its_notebook_is_neither_followed_nor_waited_for(tmp_path, kind):
    def replace(notebook):
        notebook.cells[-1].source = f"import os; os.{kind.format('mine.ipynb')}"

    (tmp_path / "mine.txt").write_text("mine")
    folder = report(Job(output=tmp_path / "run", steps=[changed(tmp_path, "mine", replace)]), timeout=60)
    assert (folder / "mine.ipynb").read_text().startswith("{")
    assert (tmp_path / "mine.txt").read_text() == "mine"


@pytest.mark.parametrize("data", [{"text/html": None}, {"text/plain": 1, "image/png": "no base64"}])
def test_an_output_that_no_notebook_can_hold_fails_its_cell(tmp_path, data):
    def show(notebook):
        notebook.cells[-1].source = f"from IPython.display import display; display({data}, raw=True)"

    with pytest.raises(StepError, match=r"mine, cell .*: an output that no notebook can hold: "):
        report(Job(output=tmp_path / "run", steps=[changed(tmp_path, "mine", show)]))


def test_a_folder_that_a_cell_replaced_by_a_link_is_not_published(tmp_path):
    def replace(notebook):
        code = "import os; here = os.getcwd(); os.chdir('..'); os.rename(here, 'old'); os.mkdir('new'); "
        notebook.cells[-1].source = code + "os.symlink('new', here)"

    with pytest.raises(StepError, match="it left a link in the place of the run's folder"):
        report(Job(output=tmp_path / "run", steps=[changed(tmp_path, "mine", replace)]))
    assert not (tmp_path / "run").exists()


def test_a_long_error_is_cut_where_it_is_told(tmp_path):
    def fail(notebook):
        notebook.cells[-1].source = "raise ValueError('x' * 100_000)"

    with pytest.raises(StepError, match=r"ValueError: x+ \(kept in") as found:
        report(Job(output=tmp_path / "run", steps=[changed(tmp_path, "mine", fail)]))
    assert len(str(found.value)) < 2000


def test_a_file_of_any_name_makes_a_record_that_reads_back_equal(tmp_path):
    def write(notebook):
        notebook.cells[-1].source = "for name in ('é.txt', 'a.txt', 'z b.txt'): open(name, 'w').write('x')"

    folder = report(Job(output=tmp_path / "run", steps=[changed(tmp_path, "mine", write)]))
    assert compare_written(folder, read_crate(folder)) is None


def test_a_run_that_a_cell_removes_fails_in_one_line(tmp_path):
    def remove(notebook):
        notebook.cells[-1].source = "import os, shutil; here = os.getcwd(); os.chdir('/'); shutil.rmtree(here)"

    with pytest.raises(StepError, match=r"cannot write the run: No such file or directory \(nothing of it is left\)"):
        report(Job(output=tmp_path / "run", steps=[changed(tmp_path, "mine", remove)]))


@pytest.mark.parametrize("stream", ["object()", "open('/dev/null', 'w'); sys.stdout.close()"])
def test_a_cell_that_breaks_a_standard_stream_ends(tmp_path, stream):
    def replace(notebook):
        notebook.cells[-1].source = f"import sys; sys.stdout = {stream}"

    assert report(Job(output=tmp_path / "run", steps=[changed(tmp_path, "mine", replace)]), timeout=30).is_dir()


def test_a_parameter_may_have_any_name(tmp_path):
    def declare(notebook):
        cell = next(cell for cell in notebook.cells if "parameters" in cell.metadata.get("tags", []))
        cell.source += '\ndata: str = "iris"  # a table\nsource: str = "somewhere"  # a word'

    run = report(Job(output=tmp_path / "run", steps=[changed(tmp_path, "mine", declare)]))
    assert read_crate(run).values["source"] == "somewhere"


@pytest.mark.parametrize(
    ("code", "left"),
    [
        (
            "for _ in range(70): print('x' * 10**6)",
            r"its outputs make a notebook of \d+ bytes: expected at most 67108864",
        ),
        ("import os; os.mkfifo('pipe')", "'pipe', a link, a pipe, a socket or a device"),
        ("import socket; s = socket.socket(socket.AF_UNIX); s.bind('sock')", "'sock', a link, a pipe"),
        ("import os; os.symlink('/etc/passwd', 'passwd.txt')", "'passwd.txt', a link"),
        ("import os; os.symlink('/dev/zero', 'zero.bin')", "'zero.bin', a link"),
        ("import os; os.symlink('.', 'loop')", "'loop', a link"),
        ("open(b'a\\xff.txt', 'w').write('x')", "a name that not every system can read"),
        ("open('a\\\\b.txt', 'w').write('x')", "a name that not every system can read"),
        ("open('a\\nb.txt', 'w').write('x')", "a name that not every system can read"),
        ("open('index.html', 'w').write('x')", "'index.html', a name that the run itself writes"),
        ("open('ro-crate-metadata.json', 'w').write('{}')", "a name that the run itself writes"),
    ],
)
def test_what_nobody_could_verify_fails_the_run_before_it_is_opened(place, tmp_path, code, left):
    cells = [nbformat.v4.new_code_cell(code)]
    nbformat.write(nbformat.v4.new_notebook(cells=cells), tmp_path / "leaves.ipynb")
    with pytest.raises(StepError, match=left):
        report(Job({}, place.final, steps=[Step(tmp_path / "leaves.ipynb")]), timeout=60)
    assert not place.final.exists()
