"""Private folders: cleaned up after those who were killed, never under those who run."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from iris_lab.errors import InputError
from iris_lab.workflow.scratch import SHORT, remove, scratch_folder, socket_folder

HOLD = "import sys, time; from pathlib import Path; from iris_lab.workflow.scratch import scratch_folder\n"
HOLD += "with scratch_folder(Path(sys.argv[1])) as folder: print(folder, flush=True); time.sleep(60)"


def holder(root: Path, *before: str) -> tuple[subprocess.Popen[str], Path]:
    process = subprocess.Popen([*before, sys.executable, "-c", HOLD, str(root)], stdout=subprocess.PIPE, text=True)
    assert process.stdout
    return process, Path(process.stdout.readline().strip())


def test_a_folder_is_gone_after_its_use(tmp_path: Path) -> None:
    with scratch_folder(tmp_path) as folder:
        (folder / "x").write_text("x")
    assert list(tmp_path.iterdir()) == []


def test_a_place_where_nothing_can_be_written_is_named(tmp_path: Path) -> None:
    with (
        pytest.raises(InputError, match=r"cannot write in .*, the folder for temporary files: .*; set TMPDIR"),
        scratch_folder(tmp_path / "nowhere"),
    ):
        pass


def test_what_a_link_leads_to_stays(tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "x").touch()
    (tmp_path / "link").symlink_to("mine")
    remove(tmp_path / "link")
    assert [path.name for path in tmp_path.rglob("*")] == ["mine", "x"]


def test_what_a_killed_process_left_is_removed_by_the_next_and_what_is_in_use_stays(tmp_path: Path) -> None:
    (killed, left), (running, used) = holder(tmp_path), holder(tmp_path)
    killed.kill()
    killed.communicate()
    with scratch_folder(tmp_path):
        assert not left.exists()
        assert used.is_dir()
    running.send_signal(signal.SIGINT)
    running.communicate()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["iris-lab-report", "iris-lab-12345678", "iris-lab.new-report"])
def test_a_folder_that_a_user_gave_such_a_name_stays(tmp_path: Path, name: str) -> None:
    (tmp_path / name).mkdir()
    (tmp_path / name / "report.html").write_text("mine")
    os.utime(tmp_path / name, (0, 0))
    with scratch_folder(tmp_path):
        pass
    assert [path.name for path in (tmp_path / name).iterdir()] == ["report.html"]


def test_a_folder_whose_owner_was_killed_before_it_was_locked_is_removed(tmp_path: Path) -> None:
    left = tmp_path / "iris-lab.new-12345678"
    left.mkdir()
    os.utime(left, (0, 0))
    with scratch_folder(tmp_path):
        assert not left.exists()


def test_many_processes_that_share_a_folder_do_not_remove_what_another_one_uses(tmp_path: Path) -> None:
    code = "import sys; from pathlib import Path; from iris_lab.workflow.scratch import scratch_folder\n"
    code += "for _ in range(200):\n    with scratch_folder(Path(sys.argv[1])) as folder: (folder / 'x').write_text('x')"
    command = [sys.executable, "-c", code, str(tmp_path)]
    running = [subprocess.Popen(command, stderr=subprocess.PIPE, text=True) for _ in range(4)]
    assert [process.communicate()[1] for process in running] == [""] * 4
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(sys.platform != "linux" or os.geteuid() != 0, reason="a process namespace needs Linux and root")
def test_a_folder_of_another_container_stays(tmp_path: Path) -> None:
    """Two process namespaces see other process numbers, and share the folder for temporary files."""
    running, used = holder(tmp_path, "unshare", "--pid", "--fork", "--kill-child")
    with scratch_folder(tmp_path):
        assert used.is_dir()
    running.kill()
    running.communicate()


@pytest.mark.parametrize("length", [10, 70, 300])
def test_sockets_have_a_short_path_wherever_the_folder_for_temporary_files_is(tmp_path: Path, length: int) -> None:
    root = tmp_path.joinpath(*["d" * 100] * (length // 100), "d" * (length % 100 + 1))
    root.mkdir(parents=True)
    with scratch_folder(root) as scratch, socket_folder(scratch) as sockets:
        assert sockets is not None
        assert len(os.fsencode(sockets.parent)) <= SHORT
    assert not sockets.exists()
