"""A step's notebook: its text, and what its parameters cell declares."""

import ast
import io
import json
import re
import sys
import tokenize
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from iris_lab.errors import InputError

PARAMETERS, INJECTED = "parameters", "injected-parameters"  # papermill's tags of the cell, and of the one it adds
CONFLICT = re.compile(r"^(<{7}|={7}|>{7})( |$)", re.MULTILINE)
TYPES = {"bool": bool, "float": int | float, "int": int, "str": str}
FORM = "expected `name: type = literal  # meaning` with one of the types bool, float, int, str"


@dataclass(frozen=True)
class Declaration:
    """One statement of a parameters cell: ``name: type = literal  # meaning``."""

    name: str
    type: str
    default: Any
    meaning: str


def read_notebook(path: Path) -> str:
    """Return the text of a notebook, without a byte order mark.

    Raises
    ------
    InputError
        The file is missing, or is no notebook of format 4.
    """
    if not path.is_file():
        raise InputError(f"notebook {path.name} is not in {path.parent.name}/: put it there")
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"notebook {path.name} cannot be read ({error}): expected a Jupyter notebook") from error
    if problem := _problem(text):
        raise InputError(f"notebook {path.name} {problem}")
    return text


def _problem(text: str) -> str:
    if not text.strip():
        return "is empty: expected a Jupyter notebook"
    try:
        notebook = json.loads(text)
    except (ValueError, RecursionError) as error:
        if conflict := CONFLICT.search(text):
            line = text.count("\n", 0, conflict.start()) + 1
            return f"has an unresolved merge conflict (line {line}): resolve it, or check the file out again"
        return f"is no JSON ({error}): expected a Jupyter notebook"
    version = notebook.get("nbformat") if isinstance(notebook, dict) else None
    if version != 4 or not isinstance(notebook.get("cells"), list):
        return f"is of format {version}: expected 4; open it in Jupyter and save it"
    if not all(isinstance(cell, dict) and {"cell_type", "source"} <= cell.keys() for cell in notebook["cells"]):
        return "has a cell without type or source: open it in Jupyter and save it"
    return ""


def declarations(name: str, text: str) -> list[Declaration]:
    """Return what a notebook's parameters cell declares, read from its syntax tree, so exactly as Python executes it.

    Parameters
    ----------
    name
        The notebook's name, for messages.
    text
        The notebook.

    Raises
    ------
    InputError
        A statement of the cell is no declaration, or a name is declared twice.
    """
    tagged = (cell for cell in json.loads(text)["cells"] if PARAMETERS in cell.get("metadata", {}).get("tags", []))
    source = "".join(next(tagged, {"source": ""})["source"])
    try:
        statements = ast.parse(source).body
    except (SyntaxError, ValueError) as error:
        raise InputError(f"{name}: its parameters cell is no Python ({error})") from error
    comments = _comments(source)
    found: dict[str, Declaration] = {}
    for statement in statements:
        declared = _declaration(statement, comments.get(statement.end_lineno or 0, ""))
        if declared is None:
            given = " ".join((ast.get_source_segment(source, statement) or "").split())
            raise InputError(f"{name}: its parameters cell has `{given[:80]}`: {FORM}")
        if declared.name in found:
            raise InputError(f"{name} declares {declared.name!r} twice: declare it once")
        found[declared.name] = declared
    return list(found.values())


def _declaration(statement: ast.stmt, comment: str) -> Declaration | None:
    match statement:
        case ast.AnnAssign(target=ast.Name(id=name), annotation=annotation, value=ast.expr() as value):
            kind = annotation.id if isinstance(annotation, ast.Name) else getattr(annotation, "value", "")
            try:
                default = ast.literal_eval(value)
            except ValueError:
                return None
            if (
                kind not in TYPES
                or not isinstance(default, TYPES[kind])
                or (isinstance(default, bool) != (kind == "bool"))
                or (isinstance(default, int | float) and abs(default) > sys.float_info.max)
            ):
                return None
            return Declaration(name, kind, float(default) if kind == "float" else default, comment)
    return None


def _comments(source: str) -> dict[int, str]:
    """Return the comment at the end of each line that has one, by line number."""
    tokens = tokenize.generate_tokens(io.StringIO(source).readline)
    return {token.start[0]: token.string.lstrip("#").strip() for token in tokens if token.type == tokenize.COMMENT}
