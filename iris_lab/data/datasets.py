"""Tables to learn from: bundled ones, or a file or address of one's own."""

import hashlib
import json
import os.path
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from iris_lab.data.sources import KINDS, Source, fetch, kind_of, read_table
from iris_lab.data.sources import is_url as is_url
from iris_lab.errors import InputError, UnknownNameError

# Target column, and one line on where the data come from.
BUNDLED: Mapping[str, tuple[str, str]] = {
    "iris": ("species", "Fisher (1936), Annals of Eugenics 7(2), 179-188; the copy in scikit-learn, as in R"),
    "wine": ("cultivar", "Forina et al. (1988), PARVUS; the copy in scikit-learn"),
    "breast_cancer": ("diagnosis", "Wolberg, Street & Mangasarian (1995), WDBC; the copy in scikit-learn"),
}
MOST_CLASSES = 20  # more values than that, and the target is rather a measurement


@dataclass(frozen=True)
class Dataset:
    """A table of samples with numeric features and one class each.

    Attributes
    ----------
    name
        Short name, for titles and file names.
    features
        Data frame of float64, shape (samples, features).
    target
        Integer code of each sample's class, shape (samples,).
    classes
        Class names; ``classes[code]`` is the name of a code.
    target_name
        Name of the column that holds the class.
    source
        Where the data come from, in one line.
    """

    name: str
    features: pd.DataFrame
    target: NDArray[np.int64]
    classes: tuple[str, ...]
    target_name: str
    source: str

    @property
    def labels(self) -> "pd.Series[str]":
        """Class name of each sample, named after the target column; samples count from 1, as in published tables."""
        names = [self.classes[code] for code in self.target]
        return pd.Series(names, pd.RangeIndex(1, len(names) + 1, name="sample"), name=self.target_name)

    @property
    def frame(self) -> pd.DataFrame:
        """Features and class names in one table, its samples counted from 1."""
        return self.features.set_axis(self.labels.index).assign(**{self.target_name: self.labels})

    @property
    def units(self) -> dict[str, str]:
        """Unit of each feature, read from a name such as ``sepal length (cm)``; empty where none is given."""
        return {name: unit_of(name) for name in self.features.columns}

    @property
    def digest(self) -> str:
        """SHA-256 of the content: names, classes, values. File format and row labels don't count."""
        header = [list(self.features.columns), self.target_name, list(self.classes)]
        content = hashlib.sha256(json.dumps(header).encode())
        content.update(self.features.to_numpy(dtype="<f8", copy=True).tobytes("C"))
        content.update(self.target.astype("<i8").tobytes())
        return content.hexdigest()


def unit_of(name: str) -> str:
    """Return the unit in a feature's name: ``"cm"`` of ``"sepal length (cm)"``, else an empty string."""
    found = re.search(r"[(\[]([^()\[\]]+)[)\]]\s*$", name)
    return found[1] if found else ""


def load_dataset(source: str | Path | Source = "iris", target: str | None = None) -> Dataset:
    """Load a bundled dataset, or a CSV, TSV or Parquet file or URL.

    Every column but the target is a feature and must hold finite numbers. An unnamed first column is read as row
    labels (R writes one). Iris is Fisher's, not the UCI copy, which has errors in samples 35 and 38 (Bezdek et al.,
    IEEE Transactions on Fuzzy Systems 7(3), 1999, 368-369).

    Parameters
    ----------
    source
        ``iris``, ``wine``, ``breast_cancer``, a path or http(s) address, or what `fetch` returned of one. A bundled
        name wins over a file.
    target
        Column that holds the class; None or empty for the last column.

    Raises
    ------
    UnknownNameError
        No bundled dataset and no file has that name, or no column is called `target`.
    InputError
        The table cannot be read or used; the message names the column and the row.
    """
    if not isinstance(source, Source) and str(source) in BUNDLED:
        name = str(source)
        frame, origin = _bundled(name), BUNDLED[name][1]
    else:
        if not isinstance(source, Source):
            check_source(str(source))
            source = fetch(str(source))
        frame, name, origin = read_table(source), name_of(source.place), source.file_name
    if target and target not in frame.columns:
        raise UnknownNameError("target column", target, map(str, frame.columns))
    target = target or str(frame.columns[-1])
    codes, classes = _encode(frame[target], target)
    features = _numeric(frame.drop(columns=target))
    return Dataset(name, features, codes, classes, target, origin)


def name_of(source: str) -> str:
    """Return the short name of a source: ``"flowers"`` of ``"data/flowers.csv.gz"``."""
    return Path(urlsplit(source).path).name.split(".")[0] or "data"


def check_source(source: str) -> None:
    """Refuse a source that is neither a bundled name nor a readable kind of file, without reading it.

    Raises
    ------
    UnknownNameError
        Neither a bundled dataset nor a file.
    InputError
        A folder, or a file of another kind.
    """
    if source in BUNDLED:
        return
    try:
        file, folder, kind = os.path.isfile(source), os.path.isdir(source), kind_of(source)
    except ValueError as error:
        raise InputError(f"data {source!r} is neither a path nor an address: {error}") from error
    if not is_url(source) and not file:
        if not Path(source).suffix and not folder:
            raise UnknownNameError("dataset", source, BUNDLED)
        what = "is a folder" if folder else "does not exist"
        raise InputError(f"data file {source!r} {what}: give a CSV, TSV or Parquet file, or {', '.join(BUNDLED)}")
    if kind not in KINDS:
        raise InputError(f"data file {source!r} is of an unknown kind: expected .csv, .tsv or .parquet")


def _bundled(name: str) -> pd.DataFrame:
    from sklearn import datasets  # a second of import that own tables don't need

    bunch = getattr(datasets, f"load_{name}")(as_frame=True)
    labels = [str(bunch.target_names[code]) for code in bunch.target]
    frame: pd.DataFrame = bunch.data.assign(**{BUNDLED[name][0]: labels})
    return frame


def _encode(column: "pd.Series[str]", name: str) -> tuple[NDArray[np.int64], tuple[str, ...]]:
    """Return the codes and the names of the classes, numbers in order of value, text in order of the alphabet."""
    missing = np.flatnonzero(column.isna())
    if missing.size:
        row = missing[0] + 1
        raise InputError(
            f"target {name!r} is missing in row {row} (or is called NA or None): give every sample a class"
        )
    numeric = pd.api.types.is_numeric_dtype(column)
    values, codes = np.unique(column.to_numpy() if numeric else column.astype(str).to_numpy(), return_inverse=True)
    if len(values) < 2:
        raise InputError(f"target {name!r} has one class only ({values[0]}): expected at least two")
    integral = bool(np.issubdtype(values.dtype, np.floating) and np.all(values == np.round(values)))
    if len(values) > (
        MOST_CLASSES if values.dtype.kind == "f" and not integral else max(MOST_CLASSES, len(column) // 4)
    ):
        raise InputError(
            f"target {name!r} has {len(values)} distinct values in {len(column)} rows: expected classes; "
            "name another column with target"
        )
    return codes.astype(np.int64), tuple(str(int(value) if integral else value) for value in values)


def _numeric(frame: pd.DataFrame) -> pd.DataFrame:
    for name in frame.columns:
        if not (pd.api.types.is_numeric_dtype(frame[name]) and not pd.api.types.is_complex_dtype(frame[name])):
            row, value = _first_text(frame[name])
            raise InputError(
                f"feature {name!r} is not a number in row {row}: {value!r}; encode the column, remove it, "
                "or name it as the target"
            )
    features = frame.astype("float64")
    rows, columns = np.nonzero(~np.isfinite(features.to_numpy()))
    if rows.size:
        name = features.columns[columns[0]]
        raise InputError(
            f"feature {name!r} is missing or infinite in row {rows[0] + 1} ({rows.size} such values in all): "
            "fill them in or remove the rows"
        )
    return features


def _first_text(column: "pd.Series[str]") -> tuple[int, str]:
    text = np.flatnonzero(pd.to_numeric(column, errors="coerce").isna() & column.notna())
    row = int(text[0]) if text.size else 0
    return row + 1, str(column.iloc[row])
