"""The values of a sweep: ranges, lists, values with commas, and what is refused before anything starts."""

import numpy as np
import pytest

from iris_lab.cli import main
from iris_lab.errors import InputError
from iris_lab.workflow.parameters import declared
from iris_lab.workflow.steps import STEPS
from iris_lab.workflow.sweep import default_folder
from iris_lab.workflow.sweeps.choices import combinations, given_choices, parse_choices, run_name

PARAMETERS = declared(STEPS)


@pytest.mark.parametrize(
    ("assignments", "choices"),
    [
        (["seed=0..3"], {"seed": [0, 1, 2, 3]}),
        (["seed=0..2,7,-4..-3"], {"seed": [0, 1, 2, 7, -4, -3]}),
        (["model=svm,forest", "test_size=0.2,0.3"], {"model": ["svm", "forest"], "test_size": [0.2, 0.3]}),
        (["drop=a,b"], {"drop": ["a", "b"]}),
        (["drop=a,b", "drop=c"], {"drop": ["a,b", "c"]}),
        (['drop=["a,b", ""]'], {"drop": ["a,b", ""]}),
        (["seed=[1, 2]", "seed=4..5"], {"seed": [1, 2, 4, 5]}),
        (["target=0..3"], {"target": ["0..3"]}),
    ],
)
def test_values_are_ranges_lists_or_json(assignments, choices):
    assert parse_choices(assignments, PARAMETERS) == choices


def test_from_python_a_value_or_an_iterable_of_values_is_given():
    given = {"model": "svm", "seed": range(2), "test_size": np.array([0.2, 0.3])}
    assert given_choices(given, PARAMETERS) == {"model": ["svm"], "seed": [0, 1], "test_size": [0.2, 0.3]}


def test_every_combination_has_a_folder_of_its_own():
    runs = [run_name(values) for values in combinations({"model": ["svm", "lda"], "seed": [0, 1]})]
    assert runs == ["model=svm_seed=0", "model=svm_seed=1", "model=lda_seed=0", "model=lda_seed=1"]
    assert run_name({"drop": "a/b"}) != run_name({"drop": "a b"}), "both are drop=a-b in a file system's alphabet"


def test_a_value_more_does_not_change_the_folder_of_the_sweep():
    small, large = ({"model": ["svm"], "seed": list(range(count))} for count in (1, 5))
    assert default_folder(small) == default_folder(large)
    assert default_folder(small).name == "iris_model_seed"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["-p", "sead=1"], "unknown parameter 'sead': did you mean seed?"),
        (["-p", "seed=1,abc"], "parameter seed='abc': expected a whole number, such as 0"),
        (["-p", "seed=9..0"], "parameter seed=9..0 is an empty range: expected FIRST..LAST, such as 0..9"),
        (["-p", "seed=[]"], "parameter seed='[]' has no value: expected a JSON list of one or more"),
        (["-p", "drop=[a"], "parameter drop='[a': expected a JSON list after the [ ("),
        (["-p", "seed=0..3,2"], "two combinations are equal: seed=2 is given twice; give each value once"),
        (
            ["-p", "test_size=0.2,0.20"],
            "two combinations are equal: test_size=0.2 is given twice; give each value once",
        ),
        (["-p", "seed"], "parameter 'seed': expected NAME=VALUES, such as seed=0..9 or model=svm,forest"),
        (["-p", "run_dir=x"], "parameter 'run_dir' is set by the run: name the sweep's place with --output"),
        (["-p", "seed=0..499", "-p", "model=svm,lda,knn"], "1500 runs: more than 1000 have to be confirmed; add --yes"),
        (["-p", "seed=0..999999999999", "--yes"], "1000000000000 runs: expected at most 100000; give fewer values"),
        (["-p", "seed=0,1", "-p", "test_size=0.2,1.5"], "test_size=1.5: expected a fraction of the samples between"),
        (["-p", "model=svm,logistc"], "unknown model 'logistc': did you mean logistic?"),
        (["-p", "data=iris,nowhere.csv"], "data file 'nowhere.csv' does not exist"),
        (["-p", "seed=0,1", "--output", __file__], "output 'test_sweep_choices.py' is a file"),
        (["-p", "seed=0,1", "--scheduler", "tcp://127.0.0.1:9"], "a scheduler needs Dask"),
    ],
)
def test_bad_input_is_one_line_and_nothing_is_written(arguments, message, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    if "--output" not in arguments:
        arguments = [*arguments, "--output", "runs"]
    if "Dask" in message:
        message = expected_without_a_scheduler(message)
    assert main(["sweep", *arguments]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith(f"iris-lab: {message}") and err.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


def expected_without_a_scheduler(message: str) -> str:
    try:
        import distributed  # noqa: F401 (is it there?)
    except ImportError:
        return message
    return "scheduler 'tcp://127.0.0.1:9' does not answer within 10 s"


def test_a_choice_without_a_value_is_refused_from_python_too():
    with pytest.raises(InputError, match="parameter 'seed' has no value"):
        given_choices({"seed": []}, PARAMETERS)
