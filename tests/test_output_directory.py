"""A run's place: whole or not there, one run at a time, nothing of the user's lost."""

import os
import stat

import pytest

from iris_lab.errors import InputError, IrisLabError
from iris_lab.workflow import output_directory
from iris_lab.workflow.layout import CRATE_FILE
from iris_lab.workflow.output_directory import OutputDirectory


def write_run(folder, text):
    folder.mkdir(exist_ok=True)
    (folder / CRATE_FILE).write_text(text)


@pytest.fixture(params=["exchange", "two renames"])
def place(request, tmp_path, monkeypatch):
    """A place with an old run, on a system that can exchange two folders atomically and on one that cannot."""
    if request.param == "two renames":
        monkeypatch.setattr(output_directory.sys, "platform", "win32")
    write_run(tmp_path / "iris", "old")
    return OutputDirectory(tmp_path / "iris")


def test_a_new_run_takes_the_place_of_the_old_one(place):
    with place.reserved() as folder:
        write_run(folder, "new")
        assert (place.final / CRATE_FILE).read_text() == "old"
        place.publish()
    assert (place.final / CRATE_FILE).read_text() == "new"
    assert not place.partial.exists() and not place.previous.exists()


def test_a_run_that_is_not_published_leaves_the_old_one(place):
    with pytest.raises(RuntimeError, match="in the middle"), place.reserved() as folder:
        write_run(folder, "half")
        raise RuntimeError("in the middle")
    assert (place.final / CRATE_FILE).read_text() == "old"
    assert not place.partial.exists()


def test_what_a_failed_run_wrote_is_kept_until_a_run_succeeds(place):
    with place.reserved() as folder:
        (folder / "02_train.ipynb").write_text("error")
        assert place.keep_failed() == place.failed
    assert (place.failed / "02_train.ipynb").read_text() == "error"
    with place.reserved() as folder:
        write_run(folder, "new")
        place.publish()
    assert not place.failed.exists()


def test_the_next_run_cleans_up_after_a_killed_one(place):
    place.partial.mkdir()
    (place.partial / "half").write_text("")
    with place.reserved() as folder:
        assert list(folder.iterdir()) == []


def test_a_kill_between_the_two_renames_loses_nothing(place):
    place.final.rename(place.previous)
    with place.reserved():
        assert (place.final / CRATE_FILE).read_text() == "old"


def test_the_second_run_into_one_place_says_that_there_is_a_first(place):
    with (
        place.reserved(),
        pytest.raises(IrisLabError, match="another run is writing 'iris'"),
        OutputDirectory(place.final).reserved(),
    ):
        pass


def test_a_file_is_no_place_for_a_run(tmp_path):
    (tmp_path / "iris").write_text("mine")
    with pytest.raises(InputError, match="output 'iris' is a file: expected a folder"):
        OutputDirectory(tmp_path / "iris").check()


def test_a_folder_of_the_users_is_not_replaced(tmp_path):
    (tmp_path / "thesis.tex").write_text("mine")
    with pytest.raises(InputError, match="is a folder that holds no run: name another place"):
        OutputDirectory(tmp_path).check()


def test_an_empty_folder_and_a_free_name_are_places(tmp_path):
    OutputDirectory(tmp_path).check()
    OutputDirectory(tmp_path / "new" / "deep").check()


def test_a_file_among_the_parents_is_named(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="expected a folder with permission to write"):
        OutputDirectory(tmp_path / "file" / "iris").check()


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_without_permission_is_refused(tmp_path):
    tmp_path.chmod(stat.S_IRUSR | stat.S_IXUSR)
    try:
        with pytest.raises(InputError, match="expected a folder with permission to write"):
            OutputDirectory(tmp_path / "iris").check()
    finally:
        tmp_path.chmod(stat.S_IRWXU)


def test_a_disk_without_room_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(output_directory, "ENOUGH_DISK", 2**70)
    with pytest.raises(InputError, match=r"MiB free in .* make room"):
        OutputDirectory(tmp_path / "iris").check()
