"""Normalized notebooks: equal for equal runs. What can't be removed from a notebook is found and named."""

import re
from collections.abc import Iterator
from copy import deepcopy

from nbformat import NotebookNode

from iris_lab.workflow.notebooks import INJECTED

NOTEBOOK_METADATA = {"kernelspec", "language_info", "title", "authors"}
CELL_METADATA = {"tags", "name", "editable", "deletable", "slideshow"}
RANDOM_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){0,3}(-?[0-9a-f]{12})?")
KERNELSPEC = {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"}

# Text that an output must not contain, because it differs in the next run or on another machine.
VOLATILE = {
    "a memory address": re.compile(r"\bat 0x[0-9a-fA-F]{6,}"),
    "a time": re.compile(r"\b20\d\d-[01]\d-[0-3]\d[T ][0-2]\d:[0-5]\d|\b[0-2]\d:[0-5]\d:[0-5]\d\b"),
    "an absolute path": re.compile(r"(?<![\w.:/<])/(?:home|root|tmp|Users|usr|var|opt|private|work)/\w|\b[A-Z]:\\\w"),
    "a local address": re.compile(r"(?:localhost|127\.0\.0\.1):\d+"),
    "a rate": re.compile(r"\d(?:it/s|s/it)\b"),
    "a random id": re.compile(r"\b[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}\b"),
}


def normalize(notebook: NotebookNode) -> NotebookNode:
    """Remove from a notebook, in place, what differs between equal runs, and return it.

    Metadata that the author set stay. Ids, execution counts and the description of the kernel become the same on every
    machine. Counts stay integers, because nbval fails a cell that has outputs and no count.
    """
    metadata = notebook.metadata
    for key in metadata.keys() - NOTEBOOK_METADATA:
        del metadata[key]
    if metadata.get("kernelspec", {}).get("name", "python3") == "python3":
        metadata["kernelspec"] = NotebookNode(KERNELSPEC)
    metadata.get("language_info", {}).pop("version", None)
    count = 0
    for number, cell in enumerate(notebook.cells, 1):
        for key in cell.metadata.keys() - CELL_METADATA:
            del cell.metadata[key]
        if "tags" in cell.metadata and not cell.metadata["tags"]:
            del cell.metadata["tags"]
        cell["id"] = _cell_id(cell, number)
        if cell.cell_type == "code" and cell.get("execution_count") is not None:
            count += 1
            _renumber(cell, count)
    notebook.nbformat, notebook.nbformat_minor = 4, 5
    return notebook


def _cell_id(cell: NotebookNode, number: int) -> str:
    if INJECTED in cell.metadata.get("tags", []):
        return INJECTED  # in place of a random one
    # An id that the author chose stays. A random one is replaced: nbformat draws new ones for a notebook of format 4.4.
    given = str(cell.get("id", ""))
    return f"cell-{number}" if not given or RANDOM_ID.fullmatch(given) else given


def _renumber(cell: NotebookNode, count: int) -> None:
    cell.execution_count = count
    for output in cell.outputs:
        if output.output_type == "execute_result":
            output.execution_count = count


def problems(notebook: NotebookNode) -> list[str]:
    """Return a line for each reason why a notebook is not normalized."""
    found = [f"cell {number}: {what}: {shown}" for number, what, shown in volatile_outputs(notebook)]
    counts = [cell.execution_count for cell in notebook.cells if cell.cell_type == "code" and cell.source.strip()]
    if counts != list(range(1, len(counts) + 1)):
        found.append(f"execution counts are {counts}: expected 1 to {len(counts)} in order")
    if normalize(deepcopy(notebook)) != notebook:
        found.append("metadata, ids or counts are not normalized")
    return found


def volatile_outputs(notebook: NotebookNode) -> Iterator[tuple[int, str, str]]:
    """Yield the number of a cell, not counting the one that papermill injects, and what is volatile in its outputs."""
    cells = [cell for cell in notebook.cells if INJECTED not in cell.metadata.get("tags", [])]
    for number, cell in enumerate(cells, 1):
        for output in cell.get("outputs", []):
            for text in _texts(output):
                for what, pattern in VOLATILE.items():
                    if found := pattern.search(text):
                        line = text.count("\n", 0, found.start()) + 1
                        yield number, f"{what} in an output, line {line}", found[0]


def _texts(output: NotebookNode) -> Iterator[str]:
    if "text" in output:
        yield output.text
    yield from (value for kind, value in output.get("data", {}).items() if kind.startswith("text/"))
