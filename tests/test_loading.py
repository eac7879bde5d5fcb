"""The data of a run are read once, in a process that ends, and what imports little stays quick."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import iris_lab.data
import iris_lab.modeling
from iris_lab.data import parsed
from iris_lab.data.parsed import find_parsed
from iris_lab.data.sources import fetch
from iris_lab.errors import InputError
from iris_lab.modeling.ranges import MODEL_NAMES
from iris_lab.workflow.loading import load, load_aside
from iris_lab.workflow.parameters import declared, defaults
from iris_lab.workflow.plans import make_plan
from iris_lab.workflow.steps import STEPS
from iris_lab.workflow.warm import CAN_FORK, warm_kernels

pytestmark = pytest.mark.skipif(not CAN_FORK, reason="only Linux forks kernels")
PLAN = """
import json, sys
from iris_lab.workflow.loading import load_aside
from iris_lab.workflow.warm import warm_kernels
with warm_kernels() as (warm_parent, scratch):
    from iris_lab.workflow import report
    from iris_lab.workflow.plans import make_plan
    from iris_lab.workflow.steps import STEPS
    plan = make_plan(json.loads(sys.argv[1]), STEPS, read=load_aside(warm_parent, scratch))
    heavy = sorted({"matplotlib", "pandas", "scipy", "seaborn", "sklearn"} & sys.modules.keys())
    print(json.dumps([plan.data, plan.facts, plan.dataset is None, heavy]))
"""


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A table so large that kernels find it parsed."""
    path = tmp_path_factory.mktemp("table") / "large.csv"
    numbers = pd.DataFrame(np.random.default_rng(0).normal(size=(12_000, 4)), columns=list("abcd"))
    numbers.assign(kind=np.where(numbers["a"] > 0, "up", "down")).to_csv(path, index=False)
    assert path.stat().st_size >= parsed.FROM_BYTES
    return path


@pytest.mark.parametrize("data", ["iris", "table"])
def test_a_runner_knows_of_its_data_what_it_would_have_read_and_imports_nothing_for_it(data: str, table: Path) -> None:
    values = {"data": str(table) if data == "table" else data}
    done = subprocess.run([sys.executable, "-c", PLAN, json.dumps(values)], capture_output=True, text=True, check=True)
    plan = make_plan(values, STEPS)
    assert json.loads(done.stdout) == [plan.data, plan.facts, True, []]


def test_kernels_find_a_large_table_that_was_read_aside(table: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    values, source = defaults(declared(STEPS)) | {"data": str(table)}, fetch(str(table))
    with warm_kernels() as (warm_parent, scratch):
        loaded = load_aside(warm_parent, scratch)(source, values)
        monkeypatch.setenv(parsed.VARIABLE, str(loaded.parsed))
        found = find_parsed(source, load(source, values).dataset.reading)
        assert found.digest == loaded.known.digest
        assert not list(scratch.glob("request*"))


def test_a_table_that_cannot_be_used_is_refused_aside_in_the_same_words(tmp_path: Path) -> None:
    (tmp_path / "numbers.csv").write_text("a,b\n1,2\n2,3\n4,5\n")
    values = defaults(declared(STEPS)) | {"data": str(tmp_path / "numbers.csv")}
    source = fetch(str(tmp_path / "numbers.csv"))
    with pytest.raises(InputError, match="3 distinct samples") as here:
        load(source, values)
    with warm_kernels() as (warm_parent, scratch), pytest.raises(InputError, match="3 distinct samples") as aside:
        load_aside(warm_parent, scratch)(source, values)
    assert str(aside.value) == str(here.value)


def test_without_its_parent_the_runner_reads_the_data_itself() -> None:
    with warm_kernels() as (warm_parent, scratch):
        warm_parent.stop()
        loaded = load_aside(warm_parent, scratch)("iris", defaults(declared(STEPS)))
    assert loaded.dataset is not None
    assert loaded.known.samples == 150


@pytest.mark.parametrize("package", [iris_lab.data, iris_lab.modeling])
def test_a_package_has_the_names_it_promises_and_no_others(package: object) -> None:
    assert all(getattr(package, name) is not None for name in package.__all__)
    with pytest.raises(AttributeError, match=r"module 'iris_lab\..+' has no attribute 'spilt'"):
        _ = package.spilt


def test_the_names_of_the_models_are_those_that_can_be_made() -> None:
    assert list(iris_lab.modeling.MODELS) == list(MODEL_NAMES)


def test_a_mistyped_value_is_refused_before_the_analysis_stack_is_imported() -> None:
    script = "import sys; from iris_lab.cli import main; code = main(sys.argv[1:]); print(code, 'numpy' in sys.modules)"
    for value in ("model=logistc", "test_size=1.5", "data=irs", "folds=1"):
        for command in (["report"], ["sweep"]):
            done = subprocess.run(
                [sys.executable, "-c", script, *command, "-p", value], capture_output=True, text=True, check=True
            )
            assert (done.stdout, done.stderr.count("\n")) == ("2 False\n", 1), (value, done.stderr)
