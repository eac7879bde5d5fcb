"""Parameters: the notebooks declare them, and wrong ones are refused before any kernel starts."""

from pathlib import Path

import nbformat
import pytest

from iris_lab.errors import InputError, UnknownNameError
from iris_lab.workflow.parameters import Parameter, check_types, declared, parse
from iris_lab.workflow.plans import make_plan
from iris_lab.workflow.steps import STEPS, Step

NOTEBOOKS = Path(__file__).parent / "notebooks"
PARAMETERS = declared(STEPS)


def test_the_notebooks_declare_every_parameter_with_type_default_and_meaning():
    types = {name: parameter.type for name, parameter in PARAMETERS.items()}
    assert types == {
        "data": str,
        "target": str,
        "separator": str,
        "decimal": str,
        "encoding": str,
        "sheet": str,
        "drop": str,
        "keep": str,
        "kinds": str,
        "missing": str,
        "groups": str,
        "time": str,
        "private": bool,
        "test_size": float,
        "seed": int,
        "folds": int,
        "model": str,
        "port": int,
        "run_dir": str,
    }
    assert all(parameter.meaning for parameter in PARAMETERS.values())
    assert PARAMETERS["run_dir"].steps == tuple(step.name for step in STEPS)


def test_given_values_become_what_the_notebooks_declare():
    given = parse(["seed=7", "test_size=0.5", "model=knn", "target="], PARAMETERS)
    assert given == {"seed": 7, "test_size": 0.5, "model": "knn", "target": ""}
    assert parse(["test_size=1e-1"], PARAMETERS) == {"test_size": 0.1}
    assert parse(["data=a=b.csv"], PARAMETERS) == {"data": "a=b.csv"}


@pytest.mark.parametrize(("text", "value"), [("true", True), ("No", False), ("1", True)])
def test_a_boolean_is_spelt_as_people_spell_it(text, value):
    assert Parameter("fast", bool, False, "", ()).parse(text) is value


@pytest.mark.parametrize(
    ("assignment", "message"),
    [
        ("sead=1", r"unknown parameter 'sead': did you mean seed\?"),
        ("seed=abc", r"parameter seed='abc': expected a whole number, such as 0"),
        ("seed=1.5", r"parameter seed='1.5': expected a whole number"),
        ("test_size=half", r"parameter test_size='half': expected a number, such as 0.25"),
        ("seed", r"parameter 'seed': expected NAME=VALUE"),
        ("run_dir=x", r"parameter 'run_dir' is set by the run: name its place with --output"),
    ],
)
def test_a_wrong_assignment_is_refused_in_one_line(assignment, message):
    with pytest.raises(InputError, match=message) as caught:
        parse([assignment], PARAMETERS)
    assert "\n" not in str(caught.value)


def test_a_boolean_that_is_neither_is_refused():
    with pytest.raises(InputError, match="fast='maybe': expected true or false"):
        Parameter("fast", bool, False, "", ()).parse("maybe")


def test_a_parameter_given_twice_is_refused():
    with pytest.raises(InputError, match="'seed' is given twice"):
        parse(["seed=1", "seed=1"], PARAMETERS)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"test_size": 1.5}, r"test_size=1.5: expected a fraction of the samples between 0 and 1"),
        ({"test_size": float("nan")}, r"test_size=nan: expected a fraction"),
        ({"test_size": 0.99}, r"test_size=0.99 cannot be split by class: 149 distinct samples"),
        ({"folds": 1}, r"folds=1: expected 2 or more"),
        ({"folds": 100}, r"folds=100: no class has more than 37 distinct training sample"),
        ({"seed": -1}, r"seed=-1: expected an integer from 0"),
        ({"port": 70000}, r"port=70000: expected 0 to 65535"),
        ({"data": "no-such-file.csv"}, r"data file 'no-such-file.csv' does not exist"),
        ({"target": "spezies"}, r"unknown target column 'spezies': did you mean species\?"),
    ],
)
def test_a_value_out_of_range_is_refused_by_the_function_that_would_use_it(values, message):
    with pytest.raises(InputError, match=message):
        make_plan(values, STEPS)


@pytest.mark.parametrize(("name", "near"), [("model", "logistc"), ("data", "irs")])
def test_an_unknown_name_is_answered_with_the_nearest(name, near):
    with pytest.raises(UnknownNameError, match=r"did you mean (logistic|iris)\?"):
        make_plan({name: near}, STEPS)


def test_the_defaults_are_in_range_and_name_the_iris_data():
    dataset = make_plan({}, STEPS).dataset
    assert dataset is not None and dataset.name == "iris"


@pytest.mark.parametrize("value", ["0", 1.5, True])
def test_a_recorded_value_of_another_type_is_refused(value):
    with pytest.raises(InputError, match=r"parameter seed=.*: expected a whole number, such as 0"):
        check_types({"seed": value}, STEPS)


@pytest.mark.parametrize("value", [float("nan"), float("-inf"), 10**400])
def test_a_recorded_number_that_is_not_finite_is_refused_in_one_line(value):
    with pytest.raises(InputError, match=r"^parameter test_size=.{,60}: expected a number, such as 0.25$"):
        check_types({"test_size": value}, STEPS)


@pytest.mark.parametrize("text", ["nan", "-inf", "1e999"])
def test_a_given_number_that_is_not_finite_is_refused(text):
    """A run of it would never verify: NaN is not equal to itself, and no JSON."""
    with pytest.raises(InputError, match=r"parameter test_size=.*: expected a number, such as 0.25"):
        parse([f"test_size={text}"], declared(STEPS))


def test_a_default_that_is_not_finite_is_no_declaration(tmp_path):
    step = Step(tmp_path / "mine.ipynb")
    cell = nbformat.v4.new_code_cell("x: float = 1e999", metadata={"tags": ["parameters"]})
    nbformat.write(nbformat.v4.new_notebook(cells=[cell]), step.notebook)
    with pytest.raises(InputError, match="mine: its parameters cell has `x: float = 1e999`: expected"):
        declared([step])


def test_a_recorded_whole_number_is_a_float_where_one_is_declared():
    assert repr(check_types({"test_size": 1}, STEPS)["test_size"]) == "1.0"


def test_a_declaration_without_a_type_is_refused():
    with pytest.raises(
        InputError, match=r"untyped: its parameters cell has `seed = 0`: expected `name: type = literal  # meaning`"
    ):
        declared([Step(NOTEBOOKS / "untyped.ipynb")])


def test_a_notebook_that_is_not_there_is_refused():
    with pytest.raises(InputError, match=r"notebook nowhere.ipynb is not in notebooks/"):
        declared([Step(NOTEBOOKS / "nowhere.ipynb")])


def test_a_notebook_without_parameters_declares_none():
    assert declared([Step(NOTEBOOKS / "no_parameters.ipynb")]) == {}
