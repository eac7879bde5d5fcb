"""Predictions for a table in a file, with the endpoint's checks."""

from difflib import get_close_matches
from pathlib import Path

import numpy as np
import pandas as pd

from iris_lab.artifacts import open_run
from iris_lab.data.schema import LARGEST
from iris_lab.errors import InputError
from iris_lab.modeling import Model
from iris_lab.prediction.predictor import Predictor


def predict_file(run: Path, table: Path, *, trust: bool = False) -> pd.DataFrame:
    """Predict the class of each row of a CSV file.

    Parameters
    ----------
    run
        A run directory.
    table
        A CSV file with a column for each feature, in any order; other columns are passed on as they are.
    trust
        Load the model even where its digest does not agree with its ``model.json``.

    Returns
    -------
    pandas.DataFrame
        The table, then ``predicted`` (class names) and ``probability of …`` for each class.

    Raises
    ------
    ArtifactError
        The run cannot be used.
    InputError
        The table cannot be read, lacks a feature, or holds something that is not a finite number.
    """
    model, _ = open_run(run, trust=trust)
    try:
        frame = pd.read_csv(table)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error).splitlines()[0]
        raise InputError(f"cannot read {str(table)!r}: {reason}; expected a CSV file") from error
    values = _values(frame, model)
    predictor = Predictor(model)
    likely = pd.DataFrame(
        predictor.probabilities(values), columns=[f"probability of {name}" for name in model.classes], index=frame.index
    )
    predicted = [model.classes[code] for code in predictor.codes(values)]
    return pd.concat([frame, pd.Series(predicted, frame.index, name="predicted"), likely], axis=1)


def _values(frame: pd.DataFrame, model: Model) -> np.ndarray[tuple[int, int], np.dtype[np.float64]]:
    for name in model.features:
        if name not in frame.columns:
            near = get_close_matches(name, map(str, frame.columns), n=1)
            hint = f"did you mean {near[0]!r}?" if near else f"it has {', '.join(map(repr, frame.columns[:10]))}"
            raise InputError(f"the table has no column {name!r}: {hint}")
        column = frame[name]
        numbers = pd.to_numeric(column, errors="coerce") if column.dtype != bool else column * np.nan
        wrong = np.flatnonzero(~(numbers.abs() <= LARGEST))
        if wrong.size:
            row, given = wrong[0], column.iloc[wrong[0]]
            raise InputError(
                f"row {row + 1}: {name!r} is {given!s}, expected a finite number, at most {LARGEST:g} in size"
            )
    if frame.empty:
        raise InputError("the table has no rows: expected at least one sample")
    return frame[list(model.features)].to_numpy(np.float64)
