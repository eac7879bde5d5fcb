"""Datasets: bundled ones, or from a file or URL."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd

from iris_lab.data.columns import Findings, encode, features_of, kinds_in, mark_missing, misleading, names_in
from iris_lab.data.dataset import Dataset
from iris_lab.data.encoded import Columns, encoded
from iris_lab.data.given import BUNDLED, check_source
from iris_lab.data.parsed import find_parsed
from iris_lab.data.privacy import generalized
from iris_lab.data.roles import group_numbers, roles_in, times
from iris_lab.data.schema import special
from iris_lab.data.sources import Source, fetch, name_of
from iris_lab.data.tables import Reading, TextTable, read_table
from iris_lab.errors import InputError, UnknownNameError, check_type


def load_dataset(
    source: str | Path | Source = "iris",
    target: str | None = None,
    *,
    separator: str = "",
    decimal: str = "",
    encoding: str = "",
    sheet: str = "",
    drop: str = "",
    keep: str = "",
    kinds: str = "",
    missing: str = "",
    groups: str = "",
    time: str = "",
    private: bool = False,
) -> Dataset:
    """Load a bundled dataset, or a text table or Parquet file or URL.

    Every column but the target is a feature, of the kind that `kind_of` infers. Columns that count the rows, hold a
    different text in most rows, or repeat the target are left out; the dataset's notes say so. Iris is Fisher's,
    not the UCI copy, which has errors in samples 35 and 38 (Bezdek et al., IEEE Transactions on Fuzzy Systems 7(3),
    1999, 368-369).

    Parameters
    ----------
    source
        ``iris``, ``wine``, ``breast_cancer``, a path or http(s) URL, or what `fetch` returned of one. A bundled name
        wins over a file.
    target
        Column that holds the class; None or empty for the last column.
    separator, decimal, encoding
        How a text table is written; empty: inferred.
    sheet
        Name of a spreadsheet's sheet; empty for the first.
    drop, keep
        Columns to leave out, and columns never to leave out, separated by commas.
    kinds
        Kinds of columns that are not as inferred: ``"zip=category, when=date"``.
    missing
        Words that stand for a missing value, beside the usual ones, separated by commas: ``"999, unknown"``.
    groups
        Column that says which samples belong together, such as a patient or a site; no feature then.
    time
        Column of dates or numbers that says when a sample was taken; no feature then.
    private
        Return the coarser table of a private run, see `generalized`.

    Raises
    ------
    UnknownNameError
        No bundled dataset and no file has that name, or no column is called `target` or as in `drop` or `keep`.
    InputError
        The table cannot be read or used; the message names column, line and value of all that is wrong.
    """
    reading = {"separator": separator, "decimal": decimal, "encoding": encoding, "sheet": sheet}
    options = {"target": target or "", "drop": drop, "keep": keep, "kinds": kinds, "missing": missing}
    options |= {"groups": groups, "time": time}
    for option, value in (reading | options).items():
        check_type(option, value, str)
    if not isinstance(private, bool):
        raise InputError(f"private={private!r}: expected True or False")
    given = {option: value for option, value in (reading | options).items() if value}
    own = _own(source)
    dataset = find_parsed(own, given) if own else None
    dataset = dataset or replace(_read(own or str(source), reading, options), table=own, reading=given)
    if not private:
        return dataset
    return generalized(dataset, given | {"source": source.place if isinstance(source, Source) else str(source)})


def _read(source: str | Source, reading: Mapping[str, str], options: Mapping[str, str]) -> Dataset:
    """Read a table with the parameters of `load_dataset`, and make a dataset of it that does not say so itself."""
    name, place, origin, table = _opened(source, Reading(**reading))
    lines, columns, trimmed = encoded(table.names, table.batches, table.columns() if table.columns else None)
    if trimmed:
        table.notes.append("white space around values was left out")
    found = Findings(list(table.notes), lines=lines, counted=table.counted)
    known = [name for name in table.names if name]  # a first column without a name holds row labels
    _check_shape(place, known, len(lines))
    chosen = " ".join(options["target"].split()) or known[-1]
    if chosen not in known:
        raise UnknownNameError("target column", chosen, known)
    mark_missing(columns, chosen, options["missing"], found)
    named = kinds_in(options["kinds"], known)
    roles = roles_in({role: options[role] for role in ("groups", "time")}, chosen, known)
    kept = [*names_in("keep", options["keep"], known), *named]
    left_out = _left_out(columns, chosen, options["drop"], kept, known) | roles
    found.notes += [f"column {name!r} was left out: {reason}" for name, reason in left_out.items() if name]
    labels = columns.pop(chosen)
    features, values = features_of(
        {name: column for name, column in columns.items() if name not in left_out}, table.decimal, found, named
    )
    codes, classes = encode(labels, chosen, found)
    together, order = group_numbers(columns, roles), times(columns, roles, table.decimal, found)
    found.refuse(place)
    if not features:
        reasons = "; ".join(f"{left!r}: {reason}" for left, reason in left_out.items())
        raise InputError(f"{place} leaves no feature ({reasons}): name columns with keep")
    # Row by row in memory, as scikit-learn's bundled tables are: the order of a sum decides a model's last digits.
    frame = pd.DataFrame(np.column_stack(list(values.values())), columns=list(values), copy=False)
    return Dataset(
        name, frame, codes, classes, chosen, origin, special(features), options["missing"], together, order,
        tuple(found.notes),
    )  # fmt: skip


def _own(source: str | Path | Source) -> Source | None:
    """Return the user's table, None for a bundled dataset."""
    if isinstance(source, Source):
        return source
    check_type("data", str(source) if isinstance(source, Path) else source, str)
    check_source(name := str(source))
    return None if name in BUNDLED else fetch(name)


def _opened(source: str | Source, reading: Reading) -> tuple[str, str, str, TextTable]:
    """Return the name of a dataset, what messages call it, where it is from, and its table."""
    if isinstance(source, str):
        return source, f"dataset {source!r}", BUNDLED[source][1], _bundled(source)
    return name_of(source.place), f"data file {source.place!r}", source.file_name, read_table(source, reading)


def _bundled(name: str) -> TextTable:
    from sklearn import datasets  # a second of import that own tables don't need

    bunch = getattr(datasets, f"load_{name}")(as_frame=True)
    columns = [map(repr, column.tolist()) for _, column in bunch.data.astype("float64").items()]
    labels = [str(bunch.target_names[code]) for code in bunch.target]
    rows = [(sample, list(row)) for sample, row in enumerate(zip(*columns, labels, strict=True), 1)]
    return TextTable([*bunch.data.columns, BUNDLED[name][0]], iter([rows]), ".", counted="sample")


def _check_shape(place: str, names: Sequence[str], rows: int) -> None:
    if len(names) < 2:
        found = f"one column, {names[0][:60]!r}" if names else "no column"
        raise InputError(
            f"{place} has {found}: expected features and a target, separated by commas, semicolons, tabs, "
            "| or white space; name another separator with separator"
        )
    if not rows:
        raise InputError(f"{place} has no rows: expected at least two samples of each class")


def _left_out(columns: Columns, target: str, drop: str, keep: Sequence[str], known: Sequence[str]) -> dict[str, str]:
    """Return the columns that are no features, and the reason for each."""
    dropped = dict.fromkeys(names_in("drop", drop, known), "as drop asks for")
    if target in dropped:
        raise InputError(f"drop names the target {target!r}: drop another column, or name another target")
    unnamed = {"": "it has no name, as row labels have"} if "" in columns else {}
    rest = {name: column for name, column in columns.items() if name and name not in dropped}
    return unnamed | misleading(rest, target, keep) | dropped
