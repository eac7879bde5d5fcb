"""Comparison of executed notebooks, cell by cell and output by output."""

import json
from base64 import b64decode
from collections.abc import Mapping
from itertools import zip_longest
from typing import Any

from iris_lab.workflow.comparison.findings import Difference, excerpts
from iris_lab.workflow.comparison.pictures import Pictures, compare_markup
from iris_lab.workflow.comparison.texts import NOTHING, compare_texts, compare_trees

BANNER = "papermill-error-cell-tag"  # of the cells that papermill adds to a notebook that failed
Cell = Mapping[str, Any]


def compare_notebooks(was: str, now: str, pictures: Pictures) -> Difference | None:
    """Return the first difference of two notebooks.

    Parameters
    ----------
    was, now
        The files' texts.
    pictures
        How to compare the pictures among their outputs.

    Raises
    ------
    ValueError, LookupError, TypeError, AttributeError
        The first is no notebook.
    """
    old, new = json.loads(was), json.loads(now)
    new["cells"] = [cell for cell in new["cells"] if BANNER not in cell["metadata"].get("tags", [])]
    for number, (a, b) in enumerate(zip_longest(old["cells"], new["cells"]), 1):
        if a is None or b is None:
            return Difference(f"cell {number}", *excerpts(*(_source(cell) if cell else NOTHING for cell in (a, b))))
        if found := _compare_cells(a, b, pictures):
            return found.within(f"cell {number}")
    return compare_trees({**old, "cells": ()}, {**new, "cells": ()})


def _compare_cells(was: Cell, now: Cell, pictures: Pictures) -> Difference | None:
    if _source(was) != _source(now):
        return Difference("its source", *excerpts(_source(was), _source(now)))
    outputs = zip_longest(was.get("outputs", []), now.get("outputs", []))
    for number, (a, b) in enumerate(outputs, 1):
        if a is None or b is None:
            return Difference(f"output {number}", *excerpts(*(_kind(output) for output in (a, b))))
        if found := _compare_outputs(a, b, pictures):
            return found.within(f"output {number}")
    return compare_trees({**was, "outputs": ()}, {**now, "outputs": ()})


def _compare_outputs(was: Cell, now: Cell, pictures: Pictures) -> Difference | None:
    if _kind(was) != _kind(now):
        return Difference("", *excerpts(_kind(was), _kind(now)))
    if "text" in now:
        return compare_texts(_text(was["text"]), _text(now["text"]))
    for kind in now.get("data", {}):
        old, new = was["data"].get(kind), now["data"][kind]
        if old != new and (found := _compare_data(kind, old, new, pictures)):
            return found.within(kind)
    return compare_trees({**was, "data": sorted(was.get("data", ()))}, {**now, "data": sorted(now.get("data", ()))})


def _compare_data(kind: str, was: Any, now: Any, pictures: Pictures) -> Difference | None:
    if was is None:
        return Difference("", NOTHING, "shown")
    if kind == "image/png":
        return pictures(b64decode(_text(was)), b64decode(_text(now)))
    if kind.startswith("text/") or kind == "image/svg+xml":
        return compare_markup(_text(was), _text(now), pictures)
    return compare_trees(was, now)


def _kind(output: Cell | None) -> str:
    """Return what an output is, and for an error its one line."""
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
