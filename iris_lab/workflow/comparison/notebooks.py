"""Comparison of executed notebooks, cell by cell and output by output."""

from collections.abc import Mapping
from itertools import zip_longest
from typing import Any

from iris_lab.workflow.comparison.findings import PARAMETERS_PLACE, SOURCE_PLACE, Difference, excerpts
from iris_lab.workflow.comparison.pictures import Pictures, compare_markup, unpacked
from iris_lab.workflow.comparison.texts import NOTHING, compare_strings, compare_texts, compare_trees, texts_close
from iris_lab.workflow.notebooks import INJECTED
from iris_lab.workflow.untrusted import strict_json

BANNER = "papermill-error-cell-tag"  # of the cells that papermill adds to a notebook that failed
Cell = Mapping[str, Any]


def compare_notebooks(was: str, now: str, pictures: Pictures, *, rounded: bool = False) -> Difference | None:
    """Return the first difference of two notebooks.

    Parameters
    ----------
    was, now
        The files' texts.
    pictures
        How to compare the pictures among their outputs.
    rounded
        Numbers may differ by rounding.

    Raises
    ------
    ValueError, LookupError, TypeError, AttributeError
        The first text is no notebook.
    """
    old, new = strict_json(was), strict_json(now)
    new["cells"] = [cell for cell in new["cells"] if BANNER not in cell["metadata"].get("tags", [])]
    for number, (a, b) in enumerate(zip_longest(old["cells"], new["cells"]), 1):
        if a is None or b is None:
            excerpt = excerpts(*(_source(cell) if cell else NOTHING for cell in (a, b)))
            return Difference(SOURCE_PLACE, *excerpt).within(f"cell {number}")
        if found := _compare_cells(a, b, pictures, rounded=rounded):
            return found.within(f"cell {number}")
    return compare_trees({**old, "cells": ()}, {**new, "cells": ()})


def _compare_cells(was: Cell, now: Cell, pictures: Pictures, *, rounded: bool) -> Difference | None:
    if _source(was) != _source(now):
        injected = any(INJECTED in cell["metadata"].get("tags", []) for cell in (was, now))
        return Difference(PARAMETERS_PLACE if injected else SOURCE_PLACE, *excerpts(_source(was), _source(now)))
    outputs = zip_longest(was.get("outputs", []), now.get("outputs", []))
    for number, (a, b) in enumerate(outputs, 1):
        if a is None or b is None:
            return Difference(f"output {number}", *excerpts(*(_kind(output) for output in (a, b))))
        if found := _compare_outputs(a, b, pictures, rounded=rounded):
            return found.within(f"output {number}")
    return compare_trees({**was, "outputs": ()}, {**now, "outputs": ()})


def _compare_outputs(was: Cell, now: Cell, pictures: Pictures, *, rounded: bool) -> Difference | None:
    if _kind(was) != _kind(now):
        return Difference("", *excerpts(_kind(was), _kind(now)))
    if "text" in now and (found := compare_texts(_text(was["text"]), _text(now["text"]), rounded=rounded)):
        return found
    for kind in now.get("data", {}):
        old, new = was["data"].get(kind), now["data"][kind]
        if old != new and (found := _compare_data(kind, old, new, pictures, rounded=rounded)):
            return found.within(kind)
    return compare_trees(_rest(was), _rest(now), strings=_rounded if rounded else compare_strings)


def _rest(output: Cell) -> dict[str, Any]:
    """Return an output with only the kinds and types of its content, which was compared for itself."""
    data = [[kind, type(content).__name__] for kind, content in output.get("data", {}).items()]
    return {**output, **({"data": data} if "data" in output else {})}


def _rounded(_key: str, was: str, now: str) -> Difference | None:
    return None if texts_close(was, now, rounded=True) else Difference("", *excerpts(was, now))


def _compare_data(kind: str, was: Any, now: Any, pictures: Pictures, *, rounded: bool) -> Difference | None:
    if was is None:
        return Difference("", NOTHING, "shown")
    if kind == "image/png":
        return pictures(unpacked(_text(was)), unpacked(_text(now)))
    if kind.startswith("text/"):
        return compare_markup(_text(was), _text(now), pictures, rounded=rounded)
    return compare_trees(was, now, rounded=rounded)


def _kind(output: Cell | None) -> str:
    """Return the kind of an output, or the last line of an error."""
    if output is None:
        return NOTHING
    if output["output_type"] == "error":
        return f"{output['ename']}: {output['evalue']}"
    return " ".join(str(output[key]) for key in ("output_type", "name") if key in output)


def _source(cell: Cell) -> str:
    return f"{cell['cell_type']}: {_text(cell['source'])}"


def _text(value: Any) -> str:
    """Return a text that the notebook format keeps as one string or as a list of lines."""
    return value if isinstance(value, str) else "".join(value)
