import pytest

from iris_lab.errors import InputError, UnknownNameError, check_port, nearest


def test_the_nearest_name_is_the_one_that_was_misspelt() -> None:
    assert nearest("petal lenght", ["sepal width", "petal width", "petal length"]) == "petal length"
    assert nearest("colour", ["sepal width", "petal width"]) is None


def test_names_too_long_to_compare_are_not_compared() -> None:
    assert nearest("x" * 5000, ["x" * 4999]) is None
    assert nearest("petal lenght", ["petal length" * 1000, "petal length"]) == "petal length"


def test_an_unknown_name_is_answered_with_the_nearest_or_with_all() -> None:
    assert (
        str(UnknownNameError("model", "forrest", ["svm", "forest"])) == "unknown model 'forrest': did you mean forest?"
    )
    assert str(UnknownNameError("model", "x", ["svm", "knn"])) == "unknown model 'x': expected one of knn, svm"


@pytest.mark.parametrize("port", [-1, 65536])
def test_a_port_that_no_machine_has_is_refused(port: int) -> None:
    assert [check_port(good) for good in (0, 65535)] == [0, 65535]
    with pytest.raises(InputError, match=f"port={port}: expected 0 to 65535"):
        check_port(port)
