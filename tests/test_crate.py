"""The record of a run: valid for others, equal when read and written back, and not trusted with paths."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from iris_lab import __date__
from iris_lab.errors import ArtifactError
from iris_lab.place import HOME as PROJECT
from iris_lab.workflow.crate import artifacts_of, read_crate
from iris_lab.workflow.crate_writer import write_crate
from iris_lab.workflow.layout import CRATE_FILE
from iris_lab.workflow.provenance import computes, release_date, sources

PUBLISHED = PROJECT / "reports" / "iris"
VALIDATOR = PROJECT.parent / "shared" / "tools" / "validate_crate.py"


@pytest.fixture
def run(tmp_path):
    return Path(shutil.copytree(PUBLISHED, tmp_path / "iris"))


def alter(run, identifier, **properties):
    document = json.loads((run / CRATE_FILE).read_text(encoding="utf-8"))
    next(entity for entity in document["@graph"] if entity["@id"] == identifier).update(properties)
    (run / CRATE_FILE).write_text(json.dumps(document), encoding="utf-8")


def entities(run):
    return {entity["@id"]: entity for entity in json.loads((run / CRATE_FILE).read_text(encoding="utf-8"))["@graph"]}


def test_a_record_is_written_back_as_it_was_read(run):
    before = (run / CRATE_FILE).read_bytes()
    write_crate(run, read_crate(run))
    assert (run / CRATE_FILE).read_bytes() == before


def test_the_record_names_every_file_with_its_digest(run):
    record = read_crate(run)
    files = {path.relative_to(run).as_posix() for path in run.rglob("*") if path.is_file()}
    assert dict(record.artifacts) == artifacts_of(run)
    assert record.artifacts.keys() == files - {CRATE_FILE}


def test_each_step_is_an_action_with_its_notebook_parameters_inputs_and_results(run):
    found = entities(run)
    action = found["#step-03_evaluate"]
    objects = [found[reference["@id"]] for reference in action["object"]]
    assert action["@type"] == "CreateAction"
    assert found[action["instrument"]["@id"]]["@type"] == "SoftwareSourceCode"
    assert {"@id": "#data"} in action["object"]
    assert {entity["name"] for entity in objects if entity["@type"] == "File"} >= {"model.joblib", "split.csv"}
    assert {entity["name"] for entity in objects if entity["@type"] == "PropertyValue"} == {"port"}
    assert {"@id": "03_evaluate.ipynb"} in action["result"]


def test_the_whole_run_is_an_action_of_this_software_on_its_packages(run):
    found = entities(run)
    software = found[found["#run"]["instrument"]["@id"]]
    packages = {found[reference["@id"]]["name"] for reference in software["softwareRequirements"]}
    assert {"python", "numpy", "scikit-learn", "matplotlib", "pillow"} <= packages
    assert software["processorRequirements"]
    assert {"@id": "#source-requirements.lock"} in software["hasPart"]


def test_the_data_have_a_source_and_a_digest(run):
    data = entities(run)["#data"]
    assert data["description"].startswith("Fisher (1936)")
    assert len(data["sha256"]) == 64


def test_media_types_do_not_depend_on_the_machine(run):
    found = entities(run)
    types = {name: found[name]["encodingFormat"] for name in ("metrics.json", "split.csv", "figures/pairs.svg")}
    assert types == {"metrics.json": "application/json", "split.csv": "text/csv", "figures/pairs.svg": "image/svg+xml"}


def test_nothing_in_the_record_is_of_this_machine(run):
    text = (run / CRATE_FILE).read_text(encoding="utf-8")
    assert str(PROJECT) not in text
    assert str(Path.home()) + "/" not in text


def test_every_module_is_recorded_as_one_that_computes_or_one_that_writes():
    modules = sorted(name for name in sources({}) if name.startswith("iris_lab/"))
    assert modules == sorted(path.relative_to(PROJECT).as_posix() for path in (PROJECT / "iris_lab").rglob("*.py"))
    assert computes("iris_lab/modeling/splits.py") and not computes("iris_lab/workflow/runs.py")


def test_the_date_is_that_of_the_release_and_does_not_depend_on_clock_or_clone(run, monkeypatch):
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1000000000")
    assert release_date() == f"{__date__}T00:00:00+00:00"
    assert entities(run)["./"]["datePublished"] == release_date()


@pytest.mark.parametrize(
    "name", ["../metrics.json", "/etc/passwd", "a/../../b", "C:\\windows", "a\\b", "", ".", "a//b", "a\x00b"]
)
def test_a_name_that_leads_out_of_the_run_is_refused(run, name):
    alter(run, "metrics.json", name=name)
    with pytest.raises(ArtifactError, match="is not a path inside the run"):
        read_crate(run)


@pytest.mark.parametrize(
    ("identifier", "properties", "reason"),
    [
        ("metrics.json", {"sha256": 12}, "12 where a text of at most 4000 characters is expected"),
        ("metrics.json", {"sha256": "abc"}, "'abc' of 'metrics.json' is no SHA-256"),
        ("metrics.json", {"@type": ["File"], "name": None}, "where a text of at most 4000 characters is expected"),
        ("#02_train-seed", {"value": [1]}, r"parameter 'seed' is \[1\]"),
        ("#02_train-seed", {"value": None}, "parameter 'seed' is None"),
        ("#data", {"sha256": None}, "None where a text of at most 4000 characters is expected"),
        ("#step-01_eda", {"object": [{"@id": "#nowhere"}]}, "#nowhere"),
        ("#step-01_eda", {"result": "01_eda.ipynb"}, "string indices"),
        ("./", {"datePublished": "yesterday"}, "yesterday"),
        ("./", {"datePublished": 5}, "fromisoformat"),
    ],
)
def test_a_damaged_record_is_one_clear_line(run, identifier, properties, reason):
    alter(run, identifier, **properties)
    with pytest.raises(
        ArtifactError, match=rf"^{CRATE_FILE} in 'iris' is not the record of a run: .*{reason}"
    ) as found:
        read_crate(run)
    assert "\n" not in str(found.value)


@pytest.mark.parametrize("text", ["", "[]", "{", '{"@graph": 3}', '{"@graph": {"a": 1}}', "[" * 100_000, "\x00\ud800"])
def test_what_is_no_record_at_all_is_refused(run, text):
    (run / CRATE_FILE).write_bytes(text.encode("utf-8", "surrogatepass"))
    with pytest.raises(ArtifactError, match="is not the record of a run"):
        read_crate(run)


def test_two_entities_with_one_name_are_refused(run):
    document = json.loads((run / CRATE_FILE).read_text(encoding="utf-8"))
    document["@graph"].append({"@id": "metrics.json", "@type": "File"})
    (run / CRATE_FILE).write_text(json.dumps(document), encoding="utf-8")
    with pytest.raises(ArtifactError, match="two entities share an @id"):
        read_crate(run)


def test_a_folder_without_a_record_is_no_run(tmp_path):
    with pytest.raises(ArtifactError, match=r"no run in .*expected a folder with ro-crate-metadata\.json"):
        read_crate(tmp_path)


def test_reading_a_record_imports_no_heavy_package():
    code = "import sys, iris_lab.workflow.integrity; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert {"numpy", "pandas", "sklearn", "papermill", "rocrate", "nbformat"} & set(done.stdout.split()) == set()


@pytest.mark.slow
def test_an_independent_validator_finds_the_record_valid(run):
    if not VALIDATOR.is_file():
        pytest.skip(f"needs {VALIDATOR.name}, which answers the contexts' addresses without a network")
    done = subprocess.run([sys.executable, VALIDATOR, run], capture_output=True, text=True, check=False)
    assert done.stdout.splitlines() == ["ro-crate-1.1: valid", "process-run-crate: valid"], done.stdout + done.stderr
