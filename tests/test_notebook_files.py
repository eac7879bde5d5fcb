"""A notebook's file: what is read from it, and one line for what is no notebook."""

from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook

from iris_lab.errors import InputError
from iris_lab.workflow.notebooks import Declaration, declarations, read_notebook


def text_of(*parameters: str) -> str:
    cells = [new_code_cell("\n".join(parameters), metadata={"tags": ["parameters"]})]
    return nbformat.writes(new_notebook(cells=cells))


def test_a_declaration_is_read_as_python_reads_it() -> None:
    text = text_of(
        'colour: str = "#1f77b4"  # of the line',
        'page: str = "https://example.org/a#b"',
        "first: int = 3; second: int = -4  # two on a line",
        'story: str = ("one "',
        '    "two\\n")  # over two lines',
        "share: float = 1  # a whole number",
        'quoted: "bool" = True',
    )
    assert declarations("any", text) == [
        Declaration("colour", "str", "#1f77b4", "of the line"),
        Declaration("page", "str", "https://example.org/a#b", ""),
        Declaration("first", "int", 3, "two on a line"),
        Declaration("second", "int", -4, "two on a line"),
        Declaration("story", "str", "one two\n", "over two lines"),
        Declaration("share", "float", 1.0, "a whole number"),
        Declaration("quoted", "bool", True, ""),
    ]


@pytest.mark.parametrize(
    "statement",
    ["seed = 0", "seed: int", "seed: int = 1.5", "seed: int = True", "flag: bool = 1", "seed: int = 1 + 1",
     "seed: int = None", "seed: list = []", "import os", "seed: int = 3\nseed += 1", "a.b: int = 3"],
)  # fmt: skip
def test_what_is_no_declaration_is_refused_so_that_the_record_says_what_the_cell_used(statement: str) -> None:
    with pytest.raises(InputError, match=r"mine: its parameters cell has `.*`: expected `name: type = literal"):
        declarations("mine", text_of(statement))


def test_a_name_that_is_declared_twice_is_refused() -> None:
    with pytest.raises(InputError, match="mine declares 'seed' twice"):
        declarations("mine", text_of("seed: int = 1", "seed: int = 2"))


def test_a_cell_that_is_no_python_is_refused() -> None:
    with pytest.raises(InputError, match="mine: its parameters cell is no Python"):
        declarations("mine", text_of("seed: int = = 1"))


def test_a_byte_order_mark_is_no_part_of_a_notebook(tmp_path: Path) -> None:
    (tmp_path / "mine.ipynb").write_text(text_of("seed: int = 1"), encoding="utf-8-sig")
    assert declarations("mine", read_notebook(tmp_path / "mine.ipynb"))[0].name == "seed"


CONFLICT = '{\n<<<<<<< HEAD\n "cells": [],\n=======\n "cells": [1],\n>>>>>>> other\n "nbformat": 4}'


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"", "is empty"),
        (b" \n", "is empty"),
        (CONFLICT.encode(), r"has an unresolved merge conflict \(line 2\): resolve it"),
        (b"print(1)", "is no JSON"),
        (b"[1]", "is of format None: expected 4"),
        (b'{"nbformat": 3, "worksheets": []}', "is of format 3: expected 4"),
        (b'{"nbformat": 4, "cells": [{}]}', "has a cell without type or source"),
        (b"\xff\xfe\x00", "cannot be read"),
        (b"[" * 100_000, "is no JSON"),
    ],
)
def test_what_is_no_notebook_is_refused_in_one_line(tmp_path: Path, content: bytes, problem: str) -> None:
    (tmp_path / "mine.ipynb").write_bytes(content)
    with pytest.raises(InputError, match=f"notebook mine.ipynb {problem}") as caught:
        read_notebook(tmp_path / "mine.ipynb")
    assert "\n" not in str(caught.value)
