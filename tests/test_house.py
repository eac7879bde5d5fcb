"""The house keeps its budgets: short functions and modules, shallow imports without a cycle, reasons for exceptions."""

import ast
import re
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[1]
FUNCTION_LINES, MODULE_LINES, CHAIN = 50, 250, 10
EXCEPTION = re.compile(r"#\s*(noqa|type: ignore|pragma|mypy: |ruff: |fmt: off)(?P<rest>.*)")


def modules(root: Path) -> dict[str, Path]:
    """Return the modules of the package in a folder, by their dotted names."""
    found = sorted((root / "iris_lab").rglob("*.py"))
    return {".".join(path.relative_to(root).with_suffix("").parts).removesuffix(".__init__"): path for path in found}


def long_functions(root: Path) -> list[str]:
    """Return the functions whose code, without the docstring, is over the budget."""
    found = []
    for name, path in modules(root).items():
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                body = node.body[1:] if ast.get_docstring(node) and len(node.body) > 1 else node.body
                lines = (node.end_lineno or 0) - body[0].lineno + 1
                if lines > FUNCTION_LINES:
                    found.append(f"{name}.{node.name}: {lines} lines")
    return found


def long_modules(root: Path) -> list[str]:
    """Return the modules that are over the budget."""
    lengths = {name: len(path.read_text(encoding="utf-8").splitlines()) for name, path in modules(root).items()}
    return [f"{name}: {length} lines" for name, length in lengths.items() if length > MODULE_LINES]


def unexplained(root: Path) -> list[str]:
    """Return the places where a check is switched off without a reason beside it."""
    found = []
    for name, path in modules(root).items():
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            if (switch := EXCEPTION.search(line)) and not re.search(r"#\s*\w|\(\w", switch["rest"]):
                found.append(f"{name}, line {number}: {line.strip()}")
    return found


def top_level(nodes: list[ast.stmt]) -> Iterator[ast.stmt]:
    """Yield the statements that run at import, without those for type checkers."""
    for node in nodes:
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            continue
        yield node
        for field in ("body", "orelse", "finalbody"):
            if isinstance(node, ast.If | ast.Try | ast.With):
                yield from top_level(getattr(node, field, []))


def imports(root: Path) -> dict[str, set[str]]:
    """Return the modules of the package that each module imports when it is imported."""
    known = modules(root)
    graph = {}
    for name, path in known.items():
        found: set[str] = set()
        for node in top_level(ast.parse(path.read_text(encoding="utf-8")).body):
            if isinstance(node, ast.Import):
                found |= {alias.name for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module:
                found |= {f"{node.module}.{alias.name}" for alias in node.names} | {node.module}
        graph[name] = {module for module in found if module in known} - {name, "iris_lab"}
    return graph


def longest_chain(graph: Mapping[str, set[str]]) -> list[str]:
    """Return the longest chain of imports; a cycle raises `RecursionError`."""

    @cache
    def below(name: str) -> tuple[str, ...]:
        return max(((name, *below(other)) for other in sorted(graph[name])), key=len, default=(name,))

    return list(max((below(name) for name in graph), key=len))


def test_functions_are_short() -> None:
    assert long_functions(PROJECT) == []


def test_modules_are_short() -> None:
    assert long_modules(PROJECT) == []


def test_imports_are_shallow_and_have_no_cycle() -> None:
    chain = longest_chain(imports(PROJECT))
    assert len(chain) <= CHAIN, " > ".join(chain)


def test_every_exception_from_a_check_has_its_reason_beside_it() -> None:
    assert unexplained(PROJECT) == []


def package(folder: Path, **texts: str) -> Path:
    (folder / "iris_lab").mkdir()
    for name, text in texts.items():
        (folder / "iris_lab" / f"{name}.py").write_text(text)
    return folder


def test_what_is_over_a_budget_is_found(tmp_path: Path) -> None:
    long = 'def f():\n    """Long."""\n' + "    x = 1\n" * (FUNCTION_LINES + 1) + "y = 2\n" * MODULE_LINES
    fair = 'def f():\n    """Fair."""\n' + "    x = 1\n" * FUNCTION_LINES
    root = package(tmp_path, long=long, fair=fair)
    assert long_functions(root) == [f"iris_lab.long.f: {FUNCTION_LINES + 1} lines"]
    assert [found.split(":")[0] for found in long_modules(root)] == ["iris_lab.long"]


def test_a_chain_is_counted_and_a_cycle_found(tmp_path: Path) -> None:
    links = {f"m{number}": f"from iris_lab import m{number + 1}\n" for number in range(CHAIN)}
    for_checkers = "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import iris_lab.m0\n"
    root = package(tmp_path, **links, **{f"m{CHAIN}": for_checkers})
    assert len(longest_chain(imports(root))) == CHAIN + 1
    (root / "iris_lab" / f"m{CHAIN}.py").write_text("try:\n    import iris_lab.m0\nexcept ImportError:\n    pass\n")
    with pytest.raises(RecursionError, match="recursion"):
        longest_chain(imports(root))


def test_an_exception_without_a_reason_is_found(tmp_path: Path) -> None:
    lines = ["x = 1  # noqa: E501", "y = 2  # noqa: E501 (a reason)", "z = 3  # type: ignore[x]  # a reason"]
    root = package(tmp_path, m="\n".join([*lines, "w = 4  # type: ignore", ""]))
    assert [found.split(":")[0] for found in unexplained(root)] == [
        "iris_lab.m, line 1",
        "iris_lab.m, line 4",
    ]
