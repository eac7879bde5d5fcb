"""Columns that are no features but say how samples may be divided: which belong together, and which came first."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from iris_lab.data.columns import Findings, parsed, unusable
from iris_lab.data.encoded import Columns
from iris_lab.data.schema import Feature
from iris_lab.errors import InputError, UnknownNameError

REASONS = {"groups": "it says which samples belong together", "time": "it says when a sample was taken"}


def roles_in(given: Mapping[str, str], target: str, known: Sequence[str]) -> dict[str, str]:
    """Return the columns that are given as groups or time, and why they are no features.

    Raises
    ------
    UnknownNameError
        The table has no such column.
    InputError
        It is the target, or given as both.
    """
    found: dict[str, str] = {}
    for role, name in given.items():
        if not name:
            continue
        if name not in known:
            raise UnknownNameError(f"column in {role}", name, known)
        if name == target or name in found:
            raise InputError(f"{role}={name}: it is {'the target' if name == target else 'given as groups'}, too")
        found[name] = REASONS[role]
    return found


def group_numbers(columns: Columns, roles: Mapping[str, str]) -> NDArray[np.int64] | None:
    """Return the number of each sample's group; a sample without one is a group of its own."""
    name = _column(roles, "groups")
    if not name:
        return None
    column = columns[name]
    alone = len(column.distinct) + np.arange(len(column))
    return pd.factorize(np.where(column.codes == column.empty, alone, column.codes))[0].astype(np.int64)


def times(columns: Columns, roles: Mapping[str, str], decimal: str, found: Findings) -> NDArray[np.float64] | None:
    """Return when each sample was taken; add a problem to `found` where that is not known."""
    name = _column(roles, "time")
    if not name:
        return None
    column = columns[name]
    kind = column.kind(decimal)
    feature = Feature(name, kind if kind in ("number", "date") else "date")
    values = parsed(feature, column, decimal)
    if (wrong := unusable(feature, column, values)).size:
        first = int(wrong[0])
        text = column.words[column.codes[first]]
        shown = repr(text[:40]) if text else "missing"
        found.problems.append(
            f"{found.place(first)}, column {name!r}: {shown}, expected {Feature('', 'date').expected} or a number, "
            "as the column is given as time"
        )
    return values[column.codes]


def _column(roles: Mapping[str, str], role: str) -> str:
    return next((name for name, reason in roles.items() if reason == REASONS[role]), "")
