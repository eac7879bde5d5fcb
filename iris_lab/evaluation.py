"""What a model predicted for the test set, and what its endpoint answers."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from sklearn import metrics

from iris_lab.data.schema import Feature, free_name
from iris_lab.errors import IrisLabError
from iris_lab.modeling import Split


def confusion_table(target: ArrayLike, predicted: ArrayLike, classes: Sequence[str]) -> pd.DataFrame:
    """Return counts with the true classes in rows and the predicted ones in columns."""
    counts = metrics.confusion_matrix(target, predicted, labels=range(len(classes)))
    rows, columns = pd.Index(classes, name="true"), pd.Index(classes, name="predicted")
    return pd.DataFrame(counts, index=rows, columns=columns)


def classification_report(target: ArrayLike, predicted: ArrayLike, classes: Sequence[str]) -> str:
    """Return precision, recall, F1 and support of each class as text; a class never predicted scores 0."""
    text: str = metrics.classification_report(
        target, predicted, labels=range(len(classes)), target_names=list(classes), digits=3, zero_division=0.0
    )
    return text


def misclassified(split: Split, predicted: NDArray[np.int64]) -> pd.DataFrame:
    """Return the misclassified samples of the test set, numbered from 1 as in the table; of a private run, counts."""
    wrong = split.test_target != predicted
    classes = np.asarray(split.dataset.classes)
    if split.dataset.is_private:
        pairs = pd.DataFrame({"true": classes[split.test_target[wrong]], "predicted": classes[predicted[wrong]]})
        return pairs.value_counts(sort=False).rename("samples").reset_index()
    table = split.dataset.spelled(split.test_features[wrong])
    for name, codes in (("true", split.test_target), ("predicted", predicted)):
        table[free_name(name, list(table.columns))] = classes[codes[wrong]]
    table.index = pd.Index(split.test[wrong] + 1, name="sample")
    return table


def request_bodies(
    features: pd.DataFrame, schema: Sequence[Feature] = (), *, max_bytes: int = 8 * 2**20
) -> Iterator[dict[str, Any]]:
    """Yield the bodies of prediction requests for all samples: one, or several if the table is large.

    Parameters
    ----------
    features
        One row per sample.
    schema
        What each feature is; empty for numbers without gaps.
    max_bytes
        Size that no body exceeds as JSON, unless a single sample does. The endpoint accepts 16 MiB by default.
    """
    columns = [str(name) for name in features.columns]
    longest_number = len("-1.2345678901234567e-300")
    longest_value = max([longest_number, *(len(json.dumps(level)) for one in schema for level in one.levels)])
    row_bytes = sum(len(json.dumps(name)) + longest_value + len(": , ") for name in columns) + len("{}, ")
    frame_bytes = len(json.dumps({"data": [], "columns": columns}))
    rows = max(1, (max_bytes - frame_bytes) // row_bytes)
    values = {feature.name: feature.as_json(features[feature.name]) for feature in schema if not feature.is_plain}
    features = features.assign(**{name: pd.Series(column, features.index, object) for name, column in values.items()})
    for start in range(0, len(features), rows):
        yield {"data": features.iloc[start : start + rows].to_dict("records"), "columns": columns}


def checked_answers(
    replies: Iterable[Mapping[str, Any]], split: Split, predicted: NDArray[np.int64]
) -> NDArray[np.int64]:
    """Return the predictions in an endpoint's replies, if they are the model's own.

    Parameters
    ----------
    replies
        The decoded bodies, in order: ``{"result": [0, 2, ...]}``, together one code for each sample of the test set.
    split, predicted
        The test set, and the model's predictions for it.

    Raises
    ------
    IrisLabError
        A reply holds no result, their number differs, or a code differs: the message names the first such sample.
    """
    codes: list[int] = []
    expected = f"expected {len(predicted)} predictions"
    for reply in replies:
        result = reply.get("result")
        if not isinstance(result, list) or not all(type(code) is int for code in result):
            raise IrisLabError(f"the endpoint replied {str(dict(reply))[:200]}: {expected}")
        codes += result
    if len(codes) != len(predicted):
        raise IrisLabError(f"the endpoint gave {len(codes)} predictions: {expected}")
    answers = np.asarray(codes, dtype=np.int64)
    for place in np.flatnonzero(answers != predicted)[:1]:
        raise IrisLabError(
            f"sample {split.test[place] + 1}: the endpoint answered {answers[place]}, the model {predicted[place]}"
        )
    return answers
