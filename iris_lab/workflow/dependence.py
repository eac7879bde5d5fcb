"""Which steps depend on a module of the package: those whose notebooks import it, by whatever way."""

import ast
import json
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from functools import cache

from iris_lab.place import LOCK, PACKAGE

EVERY = ""  # in place of a step: all of them
# What executes a notebook, with all that it imports, and what hands it over and takes it back.
ENGINE = ("workflow.engine", "workflow.kernel_app", "workflow.warm_parent")
HANDS = (
    "workflow.loading",
    "workflow.performing",
    "workflow.plans",
    "workflow.notebooks",
    "workflow.parameters",
    "workflow.steps",
)


def affected(source: str, texts: Mapping[str, str]) -> set[str]:
    """Return the steps that depend on a changed source, named as in the record; empty where only the page may.

    Parameters
    ----------
    source
        A notebook, a module such as ``iris_lab/modeling/splits.py``, or the lock.
    texts
        The notebooks, by step.
    """
    if source == LOCK.name:
        return {EVERY}
    if source.endswith(".ipynb"):
        return {source.removesuffix(".ipynb")}
    module = _module(source)
    if module in {f"iris_lab.{name}" for name in HANDS} | _closure([f"iris_lab.{name}" for name in ENGINE]):
        return {EVERY}
    return {step for step, text in texts.items() if module in _closure(_imported_by(text))}


def _module(source: str) -> str:
    return source.removesuffix(".py").removesuffix("/__init__").replace("/", ".")


def _imported_by(text: str) -> list[str]:
    cells = (cell for cell in json.loads(text)["cells"] if cell["cell_type"] == "code")
    return [name for cell in cells for name in _imports("".join(cell["source"]))]


def _imports(code: str) -> Iterator[str]:
    """Yield the modules of the package that a program names in its imports, wherever they stand."""
    try:
        programs = [ast.parse(code)]
    except SyntaxError:  # a cell with a command of IPython: its lines that import, as far as each stands by itself
        programs = []
        for line in map(str.strip, code.splitlines()):
            with suppress(SyntaxError):
                programs += [ast.parse(line)] if line.startswith(("import ", "from ")) else []
    for node in (node for program in programs for node in ast.walk(program)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


@cache
def _graph() -> dict[str, frozenset[str]]:
    paths = {_module(f"iris_lab/{path.relative_to(PACKAGE).as_posix()}"): path for path in PACKAGE.rglob("*.py")}
    return {
        name: frozenset(module for module in _imports(path.read_text(encoding="utf-8")) if module in paths)
        for name, path in paths.items()
    }


def _closure(modules: Iterable[str]) -> set[str]:
    """Return modules and all that they import, with the packages around them."""
    graph, found, waiting = _graph(), set[str](), list(modules)
    while waiting:
        name = waiting.pop()
        if name in graph and name not in found:
            found.add(name)
            waiting += [*graph[name], name.rpartition(".")[0]]
    return found
