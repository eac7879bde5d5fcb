"""A run against its record without a re-run: files and environment."""

import os
import shutil
from importlib.metadata import version
from pathlib import Path

import pytest
from tampering import PUBLISHED, edit_json

from iris_lab.workflow.layout import CRATE_FILE
from iris_lab.workflow.verification import verify


@pytest.fixture
def run(tmp_path):
    return Path(shutil.copytree(PUBLISHED, tmp_path / "iris"))


# --- the files against the record


def integrity(run):
    return [(finding.name, finding.verdict) for finding in verify(run, quick=True).integrity]


def test_a_run_as_it_was_written_is_intact(run):
    found = verify(run, quick=True)
    assert (found.integrity, found.verdict, found.exit_code()) == ([], "intact", 0)


@pytest.mark.parametrize("name", ["metrics.json", "figures/pairs.png", "02_train.ipynb", "model.joblib", "index.html"])
def test_one_changed_byte_is_found_in_any_file(run, name):
    content = bytearray((run / name).read_bytes())
    content[len(content) // 2] ^= 1
    (run / name).write_bytes(content)
    assert integrity(run) == [(name, "altered")]
    assert verify(run, quick=True).exit_code() == 1


def test_a_removed_and_an_added_file_are_found(run):
    (run / "split.csv").unlink()
    (run / "figures" / "more.txt").write_text("more")
    assert integrity(run) == [("figures/more.txt", "extra"), ("split.csv", "missing")]


def test_a_link_is_no_file_even_to_the_same_content(run, tmp_path):
    shutil.move(run / "metrics.json", tmp_path / "metrics.json")
    (run / "metrics.json").symlink_to(tmp_path / "metrics.json")
    assert integrity(run) == [("metrics.json", "not a file")]


def test_a_linked_folder_is_not_followed(run, tmp_path):
    shutil.move(run / "figures", tmp_path / "figures")
    (run / "figures").symlink_to(tmp_path / "figures")
    found = integrity(run)
    assert found[0] == ("figures", "not a file")
    assert ("figures/pairs.png", "missing") in found


def test_a_pipe_is_not_opened(run):
    (run / "metrics.json").unlink()
    os.mkfifo(run / "metrics.json")
    assert integrity(run) == [("metrics.json", "not a file")]


# --- the environment against the record


def test_another_version_of_a_package_is_named(run):
    def change(document):
        next(e for e in document["@graph"] if e.get("name") == "numpy")["softwareVersion"] = "1.0"

    edit_json(run / CRATE_FILE, change)
    found = {finding.name: finding.difference for finding in verify(run, quick=True).environment}
    assert (found["numpy"].was, found["numpy"].now) == ("1.0", version("numpy"))


@pytest.mark.parametrize("name", ["02_train.ipynb", "iris_lab/modeling/__init__.py", "requirements.lock"])
def test_an_edited_notebook_module_or_lock_is_named(run, name):
    def change(document):
        next(e for e in document["@graph"] if e["@id"] == f"#source-{name}")["sha256"] = "0" * 64

    edit_json(run / CRATE_FILE, change)
    assert name in [finding.name for finding in verify(run, quick=True).environment]
