"""Predictions for a table file: read like training data, in constant memory, without Flask."""

import csv
import io
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from iris_lab.artifacts import open_run
from iris_lab.data.headers import Row
from iris_lab.data.schema import Feature, free_name, missing_words
from iris_lab.data.sources import Source
from iris_lab.data.tables import Reading, TextTable, read_table
from iris_lab.errors import InputError, nearest
from iris_lab.modeling import Model
from iris_lab.prediction.blocks import block_lines, block_values
from iris_lab.prediction.predictor import Predictor


def predict_file(run: Path, table: Path, reading: Reading | None = None, *, trust: bool = False) -> Iterator[str]:
    """Yield a CSV table: the rows of a file, each with its predicted class and the probability of every class.

    Parameters
    ----------
    run
        A run directory.
    table
        Any table that a report accepts, with a column for each feature, in any order. Other columns are copied
        unchanged.
    reading
        How to read the table.
    trust
        Load the run's model whatever its pickle contains. It can run any code.

    Yields
    ------
    str
        One or more lines. The header comes first and ends with ``predicted`` and ``probability of …``. If the table
        has such a column, the new name ends with a number.

    Raises
    ------
    ArtifactError
        The run cannot be used.
    InputError
        The table cannot be read, lacks a feature, or has an invalid value.
    """
    model, _ = open_run(run, trust=trust)
    if not table.is_file():
        raise InputError(f"cannot read {str(table)!r}: it {'is a folder' if table.is_dir() else 'does not exist'}")
    yield from predict_table(model, Predictor(model), table, reading)


def predict_table(
    model: Model, predictor: Predictor, table: Path | Source, reading: Reading | None = None
) -> Iterator[str]:
    """Yield what `predict_file` yields, for a model that is loaded and a file, or bytes with a name."""
    given = read_table(table, reading)
    place = table.place if isinstance(table, Source) else str(table)
    places = _places(given.names, model)
    names = list(given.names)
    for name in ("predicted", *(f"probability of {name}" for name in model.classes)):
        names.append(free_name(name, names))
    schema, rows = model.schema, 0
    gaps = missing_words(model.info.get("missing", ""))
    wanted = [(at, feature.kind == "number") for at, feature in zip(places, schema, strict=True)]
    for block in given.blocks(wanted) if given.blocks else [None]:
        values = block_values(block, schema, gaps) if block else None
        if block is None or values is None:
            break
        yield _written([names] if rows == 0 else []) + block_lines(block, values, predictor, model.classes)
        rows += len(block.lines)
    else:
        given = replace(given, batches=iter([]))  # all rows are answered
    for batch in _after(given.batches, rows):
        values = _values(batch, places, schema, gaps, given, place)
        codes, probabilities = predictor.codes(values), predictor.probabilities(values).tolist()
        answers = [
            [*row, model.classes[code], *map(repr, by_class)]
            for (_, row), code, by_class in zip(batch, codes, probabilities, strict=True)
        ]
        yield _written([names, *answers] if rows == 0 else answers)
        rows += len(batch)
    if rows == 0:
        raise InputError(f"data file {place!r} has no rows: expected at least one sample")


def _after(batches: Iterator[list[Row]], rows: int) -> Iterator[list[Row]]:
    """Yield the batches without the first rows."""
    for batch in batches:
        if rows < len(batch):
            yield batch[rows:]
        rows = max(rows - len(batch), 0)


def _places(names: Sequence[str], model: Model) -> list[int]:
    for name in model.features:
        if name not in names:
            near = nearest(name, names)
            hint = f"it has {', '.join(map(repr, names[:10]))}" if near is None else f"did you mean {near!r}?"
            raise InputError(f"the table has no column {name!r}: {hint}")
    return [names.index(name) for name in model.features]


def _values(
    batch: Sequence[Row],
    places: Sequence[int],
    schema: Sequence[Feature],
    gaps: frozenset[str],
    given: TextTable,
    file: str,
) -> NDArray[np.float64]:
    values = np.empty((len(batch), len(schema)))
    for column, (place, feature) in enumerate(zip(places, schema, strict=True)):
        texts = feature.without_words([row[place].strip() for _, row in batch], gaps)
        values[:, column] = numbers = feature.parse(texts, given.decimal)
        if (wrong := feature.wrong(numbers, texts)).size:
            first = int(wrong[0])
            value = repr(texts[first][:40]) if texts[first] else "missing"
            where = f"data file {file!r}: {given.counted} {batch[first][0]}"
            raise InputError(f"{where}: {feature.name!r} is {value}, expected {feature.expected}")
    return values


def _written(rows: Sequence[Sequence[str]]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue()
