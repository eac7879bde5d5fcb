"""What the notebooks' parameters cells declare, and whether given values fit."""

import math
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from iris_lab.data.given import check_source
from iris_lab.errors import InputError, UnknownNameError, check_port
from iris_lab.modeling.ranges import CHECKS
from iris_lab.workflow.notebooks import declarations, read_notebook
from iris_lab.workflow.steps import Step

Value = int | float | str | bool
RUN_DIR = "run_dir"  # set by the runner, not by -p: --output names the run's place
BOOLEANS = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}


@dataclass(frozen=True)
class Parameter:
    """One line of a parameters cell: ``name: type = default  # meaning``.

    Attributes
    ----------
    name, default, meaning
        As declared.
    type
        ``int``, ``float``, ``str`` or ``bool``.
    steps
        Names of the steps that declare it.
    """

    name: str
    type: type
    default: Value
    meaning: str
    steps: tuple[str, ...]

    def parse(self, text: str) -> Value:
        """Return the value of a text.

        Raises
        ------
        InputError
            The text is no value of the declared type.
        """
        try:
            if self.type is bool:
                return BOOLEANS[text.strip().lower()]
            value: Value = self.type(text)
        except (KeyError, ValueError) as error:
            raise self._refusal(text) from error
        return self.accept(value)

    def accept(self, value: Value) -> Value:
        """Return a value if it is of the declared type; an integer is converted to a declared float.

        Neither NaN nor infinity is a value: JSON has none, and NaN is not even equal to itself.

        Raises
        ------
        InputError
            The value is of another type.
        """
        if self.type is float and type(value) is int and abs(value) <= sys.float_info.max:
            value = float(value)
        if type(value) is not self.type or (type(value) is float and not math.isfinite(value)):
            raise self._refusal(value)
        return value

    def _refusal(self, value: Value) -> InputError:
        kinds = {"int": "a whole number", "float": "a number", "bool": "true or false", "str": "text"}
        example = f", such as {self.default!r}" if self.default != "" else ""
        return InputError(f"parameter {self.name}={value!r:.60}: expected {kinds[self.type.__name__]}{example}")


def declared(steps: Sequence[Step]) -> dict[str, Parameter]:
    """Return the parameters that the steps declare, by name.

    Raises
    ------
    InputError
        A notebook cannot be read, a statement of its parameters cell is no declaration, or two notebooks declare one
        name differently.
    """
    types: dict[str, type] = {kind.__name__: kind for kind in (bool, float, int, str)}
    found: dict[str, Parameter] = {}
    for step in steps:
        for each in declarations(step.name, read_notebook(step.notebook)):
            name, kind = each.name, types[each.type]
            known = found.get(name)
            if known and (known.type, known.default) != (kind, each.default):
                raise InputError(f"{step.name} and {known.steps[0]} declare {name!r} differently: make them agree")
            here = Parameter(name, kind, each.default, each.meaning, (step.name,))
            found[name] = replace(known, steps=(*known.steps, step.name)) if known else here
    return found


def defaults(parameters: Mapping[str, Parameter]) -> dict[str, Value]:
    """Return the default of every parameter but the run directory."""
    return {name: parameter.default for name, parameter in parameters.items() if name != RUN_DIR}


def parse(assignments: Iterable[str], parameters: Mapping[str, Parameter]) -> dict[str, Value]:
    """Return the values that ``NAME=VALUE`` assignments give, each of its declared type.

    Raises
    ------
    InputError
        An assignment has no ``=``, names no declared parameter, names one twice, or its value is of another type.
    """
    values: dict[str, Value] = {}
    for assignment in assignments:
        name, equals, text = assignment.partition("=")
        if not equals:
            raise InputError(f"parameter {assignment!r}: expected NAME=VALUE, such as seed=1")
        if name == RUN_DIR:
            raise InputError(f"parameter {name!r} is set by the run: name its place with --output")
        if name not in parameters:
            raise UnknownNameError("parameter", name, parameters.keys() - {RUN_DIR})
        if name in values:
            raise InputError(f"parameter {name!r} is given twice: give it once")
        values[name] = parameters[name].parse(text)
    return values


def check_types(values: Mapping[str, Value], steps: Sequence[Step]) -> dict[str, Value]:
    """Return recorded values if they are of the types that the steps declare, with integers as floats where declared.

    Raises
    ------
    InputError
        A value is declared by no step, or is of another type.
    """
    parameters, found = declared(steps), {}
    for name, value in values.items():
        if name not in parameters or name == RUN_DIR:
            raise UnknownNameError("parameter", name, parameters.keys() - {RUN_DIR})
        found[name] = parameters[name].accept(value)
    return found


def check(values: Mapping[str, Value]) -> None:
    """Check values with the functions that will use them, found by the parameters' names, before data are read.

    Parameters
    ----------
    values
        All parameters by name; those that no function knows pass.

    Raises
    ------
    InputError
        A value is out of range.
    """
    checks: Mapping[str, Callable[..., object]] = {**CHECKS, "port": check_port, "data": check_source}
    for name in checks.keys() & values.keys():
        checks[name](values[name])
