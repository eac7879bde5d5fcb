"""Predictions for whole blocks of a large table, in the same words as row by row."""

from collections.abc import Iterator, Sequence

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from iris_lab.data.blocks import Block, probability_texts, quoted
from iris_lab.data.schema import LARGEST, Feature
from iris_lab.data.typed import written
from iris_lab.prediction.predictor import Predictor


def block_values(block: Block, schema: Sequence[Feature], gaps: frozenset[str]) -> NDArray[np.float64] | None:
    """Return the features' values, or None if one of them is wrong: who reads row by row can say which.

    Parameters
    ----------
    block
        Its columns are the features, in order.
    schema, gaps
        The features, and the words for a missing value.
    """
    values = np.empty((len(block.lines), len(schema)))
    for at, (feature, column) in enumerate(zip(schema, block.columns, strict=True)):
        numeric = pa.types.is_integer(column.type) or pa.types.is_floating(column.type)
        parse = _numbers if numeric and feature.kind == "number" else _parsed
        found = parse(column, feature, gaps)
        if found is None:
            return None
        values[:, at] = found
    return values


def _numbers(column: pa.Array, feature: Feature, gaps: frozenset[str]) -> NDArray[np.float64] | None:
    numbers: NDArray[np.float64] = column.cast(pa.float64(), safe=False).fill_null(np.nan).to_numpy()
    usable = np.abs(numbers) <= LARGEST
    if feature.missing:
        usable |= np.isnan(numbers)
    return numbers if usable.all() else None


def _parsed(column: pa.Array, feature: Feature, gaps: frozenset[str]) -> NDArray[np.float64] | None:
    """Parse each distinct value once."""
    coded = column.dictionary_encode()
    texts = [written(value).strip() for value in coded.dictionary.to_pylist()]
    if column.null_count:
        texts.append("")
    texts = feature.without_words(texts, gaps)
    parsed = feature.parse(texts)
    if feature.wrong(parsed, texts).size:
        return None
    values: NDArray[np.float64] = parsed[coded.indices.fill_null(len(texts) - 1).to_numpy()]
    return values


def block_lines(block: Block, values: NDArray[np.float64], predictor: Predictor, classes: Sequence[str]) -> str:
    """Return the rows of a block as comma-separated text, each with its class and probabilities."""
    names = [quoted(name) for name in classes]
    labels: Iterator[str] = (names[code] for code in predictor.codes(values).tolist())
    answers = probability_texts(predictor.probabilities(values))
    rows = zip(block.lines, labels, answers, strict=True)
    return "".join([f"{line},{label},{answer}\n" for line, label, answer in rows])
