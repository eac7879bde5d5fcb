"""A run whose author cheated and repaired every digest is different, under any versions that its record claims."""

import shutil
from dataclasses import replace
from pathlib import Path
from random import Random

import numpy as np
import pandas as pd
import pytest
from forgeries import FORGERIES
from tampering import edit_record, forge

from iris_lab.errors import RecordError
from iris_lab.figures.style import heat, publish
from iris_lab.workflow.comparison.artifacts import Runs, compare
from iris_lab.workflow.comparison.findings import DIFFERENT, EQUIVALENT, IDENTICAL
from iris_lab.workflow.integrity import files_of
from iris_lab.workflow.layout import CRATE_FILE
from iris_lab.workflow.reexecution import compare_runs
from iris_lab.workflow.report import Job, report
from iris_lab.workflow.verification import verify

CLAIMS = {
    "numpy": "2.3.0",
    "matplotlib": "3.10.8",
    "pillow": "12.0.0",
    "scikit-learn": "1.8.0",
    "python": "CPython 3.12",
}
DRAWN = Path(__file__).parent / "drawn" / "matplotlib-3.10.8"
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def honest(tmp_path_factory):
    return report(Job(output=tmp_path_factory.mktemp("honest") / "iris"))


@pytest.fixture
def run(honest, tmp_path):
    return Path(shutil.copytree(honest, tmp_path / "iris"))


def judge(run, honest):
    """Verify a run against one re-run for all tests: re-runs of an honest run are equal."""
    found = verify(run, quick=True)
    there = {name for name, ordinary in files_of(run).items() if ordinary}
    return replace(found, artifacts=list(compare_runs(found, honest, there, trust=False)))


def test_the_honest_run_is_identical(honest):
    assert verify(honest).verdict == IDENTICAL


def test_an_honest_run_under_other_versions_is_equivalent_and_they_are_named(run, honest):
    forge(run, matplotlib="3.10.8")
    found = judge(run, honest)
    assert found.verdict == EQUIVALENT
    assert found.because.startswith("under other versions than recorded (matplotlib 3.10.8 → ")
    assert found.because.endswith("): install the recorded lock to prove it")


def test_claimed_versions_alone_are_no_forgery(run, honest):
    forge(run, **CLAIMS)
    assert judge(run, honest).verdict == EQUIVALENT


@pytest.mark.parametrize("claims", [{}, CLAIMS], ids=["as recorded", "under claimed versions"])
@pytest.mark.parametrize("alter", FORGERIES, ids=lambda alter: alter.__name__)
def test_a_forgery_is_different(run, honest, alter, claims):
    alter(run)
    forge(run, **claims)
    found = judge(run, honest)
    assert found.verdict == DIFFERENT
    assert max(len(finding.difference.was) for finding in found.artifacts if finding.difference) < 200


# --- forged records


def copied(entity, name):
    """Return a copy of an entity with another name."""
    return {f"#{name}": {**entity, "@id": f"#{name}", "name": name}}


RECORDS = {
    "an approval": lambda e: e.update({"#ok": {"@id": "#ok", "@type": "CreativeWork", "name": "approved"}}),
    "a property more": lambda e: e["./"].update({"funder": "Nobel"}),
    "another author": lambda e: e["#developers"].update(name="Nobel committee"),
    "another licence": lambda e: e["./"].update(license={"@id": "https://example.org"}),
    "another date": lambda e: e["./"].update(datePublished="2019-01-01T00:00:00+00:00"),
    "another seed": lambda e: e["#02_train-seed"].update(value=1),
    "a whole number": lambda e: e["#02_train-test_size"].update(value=1),
    "a parameter of one step alone": lambda e: e["#01_eda-target"].update(value="species"),
    "another port": lambda e: e["#03_evaluate-port"].update(value=5001),
    "another size": lambda e: e["index.html"].update(contentSize="7"),
    "another media type": lambda e: e["index.html"].update(encodingFormat="text/plain"),
    "other data": lambda e: e["#data"].update(sha256="0" * 64),
    "another origin": lambda e: e["#data"].update(description="Fisher (1937)"),
    "other data's name": lambda e: e["#data"].update(name="iris2"),
    "another result": lambda e: e["#step-01_eda"]["result"].pop(),
    "another input": lambda e: e["#step-03_evaluate"]["object"].pop(),
    "another order of steps": lambda e: e["./"]["mentions"].reverse(),
    "a notebook of other code": lambda e: e["#source-02_train.ipynb"].update(sha256="0" * 64),
    "a module that is none": lambda e: e.update(copied(e["#source-iris_lab/errors.py"], "ok.py")),
    "code that is none": lambda e: e.update(copied(e["#source-requirements.lock"], "approved by the board")),
    "a package that is none": lambda e: e.update(copied(e["https://www.python.org/"], "ok")),
    "a version that is a sentence": lambda e: e["#iris-lab"].update(softwareVersion="1.0, approved by the board"),
    "another model's library": lambda e: e["https://www.python.org/"].update(softwareVersion="CPython 3.99"),
}  # fmt: skip


@pytest.mark.parametrize("change", RECORDS.values(), ids=RECORDS)
def test_a_forged_record_is_different(run, honest, change):
    edit_record(run, change)
    try:
        found = judge(run, honest)
    except RecordError as error:
        assert "is not the record of a run" in str(error)
    else:
        assert found.verdict == DIFFERENT


def test_code_with_another_claimed_digest_is_named(run, honest):
    edit_record(run, lambda e: e["#source-iris_lab/errors.py"].update(sha256="0" * 64))
    found = judge(run, honest)
    assert found.verdict == EQUIVALENT
    assert "under other code than recorded (iris_lab/errors.py)" in found.because


def test_every_changed_byte_of_a_record_is_caught_or_named(run):
    record, random = run / CRATE_FILE, Random(0)
    content = record.read_bytes()
    for _ in range(400):
        altered = bytearray(content)
        altered[random.randrange(len(content))] ^= 1 << random.randrange(8)
        record.write_bytes(altered)
        try:
            found = verify(run, quick=True)
        except RecordError:
            continue
        assert found.verdict == DIFFERENT or found.environment


def test_a_record_of_a_million_entities_is_not_read(run):
    entity = '{"@id": "#%d", "@type": "CreativeWork"},'
    (run / CRATE_FILE).write_text('{"@graph": [' + "".join(entity % n for n in range(10**6)) + "{}]}", encoding="utf-8")
    with pytest.raises(RecordError, match=r"is not the record of a run: \d+ bytes: expected at most"):
        verify(run, quick=True)


# --- figures that another matplotlib really drew


@pytest.fixture
def drawn(tmp_path):
    """Two runs of one figure, drawn here, and by matplotlib 3.10.8."""
    names, counts = ["setosa", "versicolor", "virginica"], np.array([[13, 0, 0], [0, 13, 0], [0, 1, 11]])
    shares = pd.DataFrame([[1.0, 0, 0], [0, 1.0, 0], [0, 0.08, 0.92]], index=names, columns=names)
    title, scale = "37 of 38 held-out samples", "share of the actual class"
    publish(heat(shares, title, scale=scale, limits=(0, 1), counts=counts), tmp_path / "now" / "heat", alt="")
    (tmp_path / "was").mkdir()
    return Runs(tmp_path / "was", tmp_path / "now", redrawn=True)


def put(drawn, png, svg):
    shutil.copy(DRAWN / f"{png}.png", drawn.was / "heat.png")
    shutil.copy(DRAWN / f"{svg}.svg", drawn.was / "heat.svg")
    return [compare(f"heat.{kind}", drawn).verdict for kind in ("png", "svg")]


def test_the_same_figure_of_another_matplotlib_is_equivalent(drawn):
    assert put(drawn, "honest", "honest") == [EQUIVALENT, EQUIVALENT]


def test_another_digit_drawn_by_another_matplotlib_is_different(drawn):
    assert put(drawn, "forged", "forged") == [DIFFERENT, DIFFERENT]
    assert put(drawn, "forged", "honest") == [DIFFERENT, EQUIVALENT]
    assert put(drawn, "honest", "forged")[1] == DIFFERENT


def test_text_must_not_move_in_a_figure_without_an_svg(drawn):
    (drawn.now / "heat.svg").unlink()
    shutil.copy(DRAWN / "honest.png", drawn.was / "heat.png")
    assert compare("heat.png", drawn).verdict == DIFFERENT
