"""Verification: whatever is altered in a run is caught and named, and the run is only read."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import joblib
import pytest
from tampering import PUBLISHED, edit, edit_json, edit_pixel, forge

from iris_lab.cli import main
from iris_lab.errors import ArtifactError, InputError
from iris_lab.place import HOME as PROJECT
from iris_lab.workflow.comparison.findings import DIFFERENT, EQUIVALENT, IDENTICAL, printable
from iris_lab.workflow.crate import digest_of
from iris_lab.workflow.differences import check_page, write_differences
from iris_lab.workflow.layout import CRATE_FILE
from iris_lab.workflow.report import Job, report
from iris_lab.workflow.steps import STEPS, Step
from iris_lab.workflow.summary import summarize
from iris_lab.workflow.verification import verify


@pytest.fixture
def run(tmp_path):
    return Path(shutil.copytree(PUBLISHED, tmp_path / "iris"))


# --- the published run


def test_the_published_run_is_the_same_when_it_is_re_run():
    found = verify(PUBLISHED)
    exact = not found.environment or sys.version_info[:2] == (3, 11)
    assert found.verdict in ([IDENTICAL] if exact else [IDENTICAL, EQUIVALENT]), summarize(found)
    assert found.exit_code(exact=exact) == 0


# --- what is shown


def test_control_characters_do_not_reach_a_terminal():
    assert printable("a\x1b[2Jb\r\nc\u202ed") == "a�[2Jb�⏎c�d"


def test_the_summary_names_file_place_and_both_values(run):
    edit(run / "metrics.json", "0.9", "0.8")
    lines = summarize(verify(run, quick=True)).splitlines()
    assert lines[0].startswith("run          iris: data=iris")
    assert lines[1].startswith("integrity    altered  metrics.json  SHA-256 ")
    assert lines[-1].startswith("verdict      different: 1 not as recorded")


def test_colours_are_for_terminals(run):
    found = verify(run, quick=True)
    assert "\x1b[32mintact\x1b[0m" in summarize(found, coloured=True)
    assert "\x1b" not in summarize(found)


def test_the_page_escapes_what_a_run_says_and_loads_nothing(run, tmp_path):
    (run / "<img src=x onerror=alert(1)>").write_text("x")
    write_differences(verify(run, quick=True), tmp_path / "page.html")
    page = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert "<img" not in page
    assert "&lt;img src=x onerror=alert(1)&gt;" in page
    assert "default-src 'none'" in page
    assert 'src="http' not in page


def test_a_page_is_not_written_into_the_run_it_is_about(run):
    with pytest.raises(InputError, match="would be written into the run"):
        check_page(run / "figures" / "page.html", run)


def test_a_page_needs_a_folder(run, tmp_path):
    with pytest.raises(InputError, match="expected a file name in a folder that exists"):
        check_page(tmp_path / "nowhere" / "page.html", run)


# --- the command


def test_the_command_prints_one_json_document(run, capsys):
    edit(run / "metrics.json", "0.9", "0.8")
    assert main(["verify", "--quick", "--json", str(run)]) == 1
    document = json.loads(capsys.readouterr().out)
    assert (document["verdict"], document["exit_code"]) == ("different", 1)
    assert [finding["name"] for finding in document["integrity"]] == ["metrics.json"]


def test_even_an_error_is_a_json_document(tmp_path, capsys):
    assert main(["verify", "--json", str(tmp_path)]) == 2
    assert json.loads(capsys.readouterr().out)["problem"].startswith("no run in ")


def test_characters_that_a_terminal_lacks_are_replaced(run):
    (run / "metrics.json").unlink()
    environment = os.environ | {"PYTHONIOENCODING": "ascii"}
    command = [sys.executable, "-m", "iris_lab", "verify", "--quick", str(run)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (1, "")


def test_a_record_with_a_key_twice_is_different_in_one_line(run, capsys):
    edit(run / CRATE_FILE, '"@type": "Organization"', '"name": "Nobel committee",\n   "@type": "Organization"')
    assert main(["verify", "--json", str(run)]) == 1
    said = capsys.readouterr()
    assert json.loads(said.out)["verdict"] == "different"
    assert said.err.count("\n") == 1
    assert "the key 'name' is twice in an object; the run is different" in said.err


def test_a_record_that_cannot_be_read_is_no_proof_of_a_difference(run, capsys):
    (run / CRATE_FILE).rename(run.parent / "record")
    (run / CRATE_FILE).symlink_to(run.parent / "record")
    assert main(["verify", str(run)]) == 2
    assert f"cannot read {CRATE_FILE} in 'iris': " in capsys.readouterr().err


def test_what_stopped_a_re_run_is_said(tmp_path):
    (tmp_path / "file").touch()
    found = verify(PUBLISHED, kernels=(None, tmp_path / "file"))
    assert found.problem.startswith("it could not be re-run: ")
    assert found.problem.endswith("file/re-run 0/run: Not a directory")


def test_a_folder_that_is_no_run_is_exit_code_2(tmp_path, capsys):
    assert main(["verify", str(tmp_path)]) == 2
    assert "expected a folder with ro-crate-metadata.json" in capsys.readouterr().err


def test_a_run_that_is_not_there_is_exit_code_2(tmp_path, capsys):
    assert main(["verify", str(tmp_path / "nowhere")]) == 2
    assert "does not exist: give the folder of a run" in capsys.readouterr().err


def test_quick_cannot_prove_identity(run, capsys):
    assert main(["verify", "--quick", "--exact", str(run)]) == 2
    assert "--quick executes nothing to compare" in capsys.readouterr().err


def test_a_quick_verification_takes_less_than_a_second_of_processor_time():
    command = [sys.executable, "-m", "iris_lab", "verify", "--quick", str(PUBLISHED)]
    before = os.times()
    subprocess.run(command, check=True, capture_output=True)
    after = os.times()
    spent = after.children_user + after.children_system - before.children_user - before.children_system
    assert spent < 1.0


def test_a_run_whose_data_are_a_file_outside_it_is_not_re_run(run):
    def change(document):
        for entity in document["@graph"]:
            if entity["@type"] == "PropertyValue" and entity["name"] == "data":
                entity["value"] = "/etc/passwd"

    edit_json(run / CRATE_FILE, change)
    found = verify(run)
    assert (found.verdict, found.exit_code()) == ("different", 1)  # from what the notebooks say
    assert found.problem == "the data of run 'iris', '/etc/passwd', are not among its files"


def test_a_value_that_no_step_takes_is_not_run(run):
    def change(document):
        next(e for e in document["@graph"] if e["@id"] == "#02_train-seed")["value"] = "none"

    edit_json(run / CRATE_FILE, change)
    found = verify(run)
    assert found.exit_code() == 1
    assert found.problem.startswith("parameter seed='none': expected a whole number")


def test_a_step_whose_notebook_is_not_here_is_refused_in_one_line(tmp_path):
    step = Step(Path(__file__).parent / "notebooks" / "adds.ipynb")
    found = verify(report(Job(output=tmp_path / "lab", steps=[step])))
    assert (found.verdict, found.exit_code()) == ("could not run", 2)
    assert found.problem == "step 'adds' of run 'lab' is no notebook here: expected 01_eda, 02_train, 03_evaluate"


@pytest.mark.slow
@pytest.mark.parametrize("order", [(0, 1), (0,), (1, 0, 2), (1, 2, 0)], ids=str)
def test_a_run_of_fewer_steps_or_in_another_order_is_different(tmp_path, order):
    """Everything in it is honest, but what speaks against its author may be in the step that is left out."""
    found = verify(report(Job(output=tmp_path / "lab", steps=[STEPS[number] for number in order])), quick=True)
    assert (found.verdict, [finding.difference.where for finding in found.integrity]) == ("different", ["steps"])
    assert found.integrity[0].difference.now == "01_eda, 02_train, 03_evaluate"


# --- re-run, after alterations with which the record was made to agree


def state(folder):
    return {path: (path.lstat().st_mtime_ns, path.lstat().st_size) for path in folder.rglob("*")}


@pytest.mark.slow
def test_a_forger_who_alters_the_record_too_is_found_out(run, tmp_path):
    edit_json(run / "metrics.json", lambda metrics: metrics.update({"evaluate.accuracy": 0.98}))
    edit_pixel(run / "figures" / "violins.png")
    joblib.dump(joblib.load(run / "model.joblib"), run / "model.joblib", compress=1)
    edit_json(run / "model.json", lambda info: info.update({"sha256": digest_of(run / "model.joblib")}))
    forge(run)
    for path in (run, *run.rglob("*")):
        path.chmod(0o555 if path.is_dir() else 0o444)
    before = state(run)
    found = verify(run)
    for path in (run, *run.rglob("*")):
        path.chmod(0o755 if path.is_dir() else 0o644)
    assert state(run) == before
    verdicts = {finding.name: finding.verdict for finding in found.artifacts}
    assert found.integrity == []
    assert {name for name, verdict in verdicts.items() if verdict == DIFFERENT} - {CRATE_FILE} == {
        "metrics.json", "figures/violins.png", "model.joblib", "model.json",
    }  # fmt: skip
    write_differences(found, tmp_path / "page.html")
    assert (tmp_path / "page.html").read_text(encoding="utf-8").count("data:image/png;base64,") == 3


def project(folder):
    """Copy what a report needs, to be edited."""
    for name in ("iris_lab", "notebooks"):
        shutil.copytree(PROJECT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("requirements.lock", "pyproject.toml"):
        shutil.copy(PROJECT / name, folder)
    return folder


def verify_with(folder, run, *options):
    environment = os.environ | {"PYTHONPATH": str(folder)}
    command = [sys.executable, "-m", "iris_lab", "verify", "--json", *options, str(run)]
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    assert "Traceback" not in done.stderr
    return json.loads(done.stdout)


@pytest.mark.slow
def test_an_edited_helper_function_is_named_with_what_it_changed(tmp_path):
    folder = project(tmp_path / "project")
    edit(folder / "iris_lab" / "scores.py", "return float(interval.low)", "return float(interval.low) / 2")
    found = verify_with(folder, PUBLISHED)
    assert "iris_lab/scores.py" in [finding["name"] for finding in found["environment"]]
    differing = {finding["name"]: finding for finding in found["artifacts"] if finding["verdict"] == DIFFERENT}
    assert differing["metrics.json"]["where"] == "evaluate.accuracy_low"
    assert found["exit_code"] == 1


@pytest.mark.slow
def test_a_notebook_edited_so_that_it_fails_is_a_difference_in_that_cell(tmp_path):
    folder = project(tmp_path / "project")

    def change(notebook):
        cell = [cell for cell in notebook["cells"] if cell["cell_type"] == "code"][2]
        cell["source"] = ["1 / 0"]

    edit_json(folder / "notebooks" / "02_train.ipynb", change)
    found = verify_with(folder, PUBLISHED)
    assert "02_train.ipynb" in [finding["name"] for finding in found["environment"]]
    assert "ZeroDivisionError" in found["problem"]
    differing = {finding["name"]: finding for finding in found["artifacts"] if finding["verdict"] == DIFFERENT}
    assert differing["02_train.ipynb"]["now"] == "code: 1 / 0"
    assert differing["model.joblib"]["now"] == "not written"
    assert found["exit_code"] == 1


@pytest.mark.slow
def test_a_cell_that_takes_too_long_is_no_proof_of_a_difference(tmp_path):
    folder = project(tmp_path / "project")

    def change(notebook):
        [cell for cell in notebook["cells"] if cell["cell_type"] == "code"][1]["source"] = [
            "__import__('time').sleep(60)"
        ]

    edit_json(folder / "notebooks" / "01_eda.ipynb", change)
    found = verify_with(folder, PUBLISHED, "--timeout", "2")
    assert "still running after 2 s" in found["problem"]
    assert (found["verdict"], found["exit_code"]) == ("could not run", 2)


def test_a_file_is_no_run(tmp_path):
    (tmp_path / "a").write_bytes(b"abc")
    with pytest.raises(ArtifactError, match="is a file: give the folder of a run"):
        verify(tmp_path / "a")
