"""Which columns of a table are features, which values are classes, and all problems with them at once."""

import csv
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from iris_lab.data.encoded import Column, Columns
from iris_lab.data.schema import LARGEST, Feature, Kind, are_whole, in_order, missing_words, parse_numbers
from iris_lab.errors import InputError, UnknownNameError

FEW_ROWS = 10  # in fewer rows, numbers may be consecutive and texts unique by chance
MOST_CLASSES = 20  # a target with more values is rather a measurement
SAMPLES_PER_CLASS = 5  # numbers that repeat less often are rather a measurement
MOST_PROBLEMS = 20
MANY_LEVELS = 40  # of which each occurs less than twice on average: rather names or free text than categories
MOST_LEVELS = 10_000
KINDS: tuple[Kind, ...] = ("number", "category", "boolean", "date")


@dataclass
class Findings:
    """What was found in a table.

    Attributes
    ----------
    notes
        For the report.
    problems
        Why the table cannot be used.
    lines, counted
        Number of each row in the file, and what it counts: ``"line"`` or ``"row"``.
    """

    notes: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    lines: Sequence[int] = ()
    counted: str = "line"

    def place(self, row: int) -> str:
        """Say where a row stands in the file: ``"line 3"``."""
        return f"{self.counted} {self.lines[row]}"

    def refuse(self, place: str) -> None:
        """Raise all problems in one message, if there are any."""
        if not self.problems:
            return
        shown = self.problems[:MOST_PROBLEMS]
        if len(self.problems) > len(shown):
            shown.append(f"and {len(self.problems) - len(shown)} more")
        if len(shown) == 1:
            raise InputError(f"{place}: {shown[0]}")
        raise InputError("\n  ".join([f"{place} has {len(self.problems)} problems:", *shown]))


def names_in(option: str, text: str, known: Sequence[str]) -> list[str]:
    """Return the column names in a list separated by commas; a name that has a comma stands in double quotes.

    Raises
    ------
    UnknownNameError
        The table has no such column.
    """
    names = [" ".join(name.split()) for name in next(csv.reader([text], skipinitialspace=True), [])]
    for name in names:
        if name not in known:
            raise UnknownNameError(f"column in {option}", name, known)
    return names


def kinds_in(text: str, known: Sequence[str]) -> dict[str, Kind]:
    """Return the kinds in a list such as ``"zip=category, when=date"``, by column.

    Raises
    ------
    UnknownNameError
        The table has no such column, or there is no such kind.
    InputError
        An entry is not written as ``column=kind``.
    """
    found: dict[str, Kind] = {}
    for entry in next(csv.reader([text], skipinitialspace=True), []):
        name, sign, kind = (part.strip() for part in entry.rpartition("="))
        if not sign:
            raise InputError(f"kinds: {entry!r} is not written as column=kind, such as zip=category")
        (column,) = names_in("kinds", f'"{name}"', known)
        known_kind = next((one for one in KINDS if one == kind), None)
        if known_kind is None:
            raise UnknownNameError(f"kind of column {column!r}", kind, KINDS)
        found[column] = known_kind
    return found


def mark_missing(columns: dict[str, Column], target: str, given: str, found: Findings) -> None:
    """Empty the values that stand for a missing one, in all columns but the target; note how many there were."""
    words = missing_words(given)
    for name, column in columns.items():
        if name == target or not name or not (gaps := column.among(words)):
            continue
        spelled = column.words
        columns[name] = column.emptied(gaps)
        written = ", ".join(sorted({repr(spelled[gap]) if spelled[gap] else "empty" for gap in gaps}))
        found.notes.append(f"{name!r} has {columns[name].missing} missing values, written {written}")


def misleading(columns: Columns, target: str, keep: Collection[str]) -> dict[str, str]:
    """Return the columns that identify a sample or repeat the target, and the reason to leave each out."""
    found = {}
    for name, column in columns.items():
        if name != target and name not in keep and (reason := _reason(column, columns[target])):
            found[name] = reason
    return found


def _reason(column: Column, labels: Column) -> str:
    if column.equals(labels):
        return "it is a copy of the target"
    rows, given, levels = len(column), len(column) - column.missing, len(column.distinct) - (column.empty >= 0)
    if not given:
        return "it has no values"
    if rows < FEW_ROWS or (levels < given and 2 * levels <= max(given, 2 * MANY_LEVELS)):
        return ""
    kind = column.kind()
    if kind == "category":
        return "its text is different in every row" if levels == given else "its text is different in most rows"
    if kind != "number" or levels < rows:
        return ""
    numbers = column.numbers()
    if are_whole(numbers) and numbers.max() - numbers.min() == len(numbers) - 1 and abs(numbers.max()) < 2**53:
        return "it counts the rows"
    return ""


def features_of(
    columns: Columns, decimal: str, found: Findings, kinds: Mapping[str, Kind]
) -> tuple[list[Feature], dict[str, NDArray[np.float64]]]:
    """Return the features of a table and their values; add the problems with them to `found`.

    Parameters
    ----------
    columns
        An empty text is a missing value.
    decimal
        The decimal separator.
    found
        Takes notes and problems.
    kinds
        Kinds that are given, by name; the others are inferred.
    """
    features, values = [], {}
    for name, column in columns.items():
        kind = kinds.get(name) or column.kind(decimal)
        levels = tuple(in_order(set(column.words) - {""})) if kind == "category" else ()
        feature = Feature(name, kind, levels, missing=column.missing > 0)
        numbers = parsed(feature, column, decimal)
        features.append(feature)
        values[name] = numbers[column.codes]
        if len(levels) > MOST_LEVELS:
            found.problems.append(f"column {name!r} has {len(levels)} levels, expected {MOST_LEVELS} or fewer: drop it")
        elif (wrong := unusable(feature, column, numbers)).size:
            found.problems.append(_problem(feature, column, numbers, wrong, found))
        elif kind == "number" and len(numbers) == len(column) >= FEW_ROWS and are_whole(numbers):
            found.notes.append(f"{name!r} is a whole number unique to each row: is it an identifier? then drop it")
    return features, values


def parsed(feature: Feature, column: Column, decimal: str) -> NDArray[np.float64]:
    """Return the value of each distinct text of a column, NaN where it spells none."""
    return column.numbers(decimal) if feature.kind == "number" else feature.parse(column.words, decimal)


def unusable(feature: Feature, column: Column, values: NDArray[np.float64]) -> NDArray[np.intp]:
    """Return the rows whose values, given for each distinct text, cannot be used."""
    wrong = ~(np.abs(values) <= LARGEST)
    if feature.missing and column.empty >= 0:
        wrong[column.empty] = False
    return np.flatnonzero(wrong[column.codes]) if wrong.any() else np.flatnonzero(wrong)


def _problem(
    feature: Feature, column: Column, values: NDArray[np.float64], wrong: NDArray[np.intp], found: Findings
) -> str:
    first = int(wrong[0])
    more = f" ({wrong.size} such values)" if wrong.size > 1 else ""
    where = f"{found.place(first)}, column {feature.name!r}: "
    shown = repr(column.words[column.codes[first]][:40])
    if np.isnan(values[column.codes[first]]):
        what = {"number": "a number", "date": "a date such as 2024-01-31", "boolean": "true or false"}[feature.kind]
        return (
            f"{where}{shown} is not {what}{more}; correct it, name the word for a missing value with missing, or "
            "the kind of the column with kinds"
        )
    return f"{where}{shown} is beyond {LARGEST:g}{more}; use a larger unit"


def encode(labels: Column, target: str, found: Findings) -> tuple[NDArray[np.int64], tuple[str, ...]]:
    """Return the codes and the names of the classes: text exactly as written, numbers in order of their value."""
    words = labels.words
    if labels.missing:
        more = f" ({labels.missing} such rows)" if labels.missing > 1 else ""
        first = int(np.argmax(labels.codes == labels.empty))
        found.problems.append(f"{found.place(first)}: target {target!r} is missing{more}; give every sample a class")
    classes = in_order(set(words) - {""})
    if len(classes) < 2:
        found.problems.append(f"target {target!r} has one class only ({''.join(classes)}): expected at least two")
    elif reason := _measured(classes, len(labels)):
        found.problems.append(
            f"target {target!r} {reason}: a measurement, not classes; name another column with target, or group its "
            "values into classes"
        )
    spellings: dict[str, list[str]] = {}
    for name in classes:
        spellings.setdefault(name.casefold(), []).append(name)
    for same in spellings.values():
        if len(same) > 1:
            found.notes.append(f"classes {', '.join(map(repr, same))} differ by case only: are they one class?")
    code_of = {name: code for code, name in enumerate(classes)} | {"": 0}
    return np.array([code_of[word] for word in words], np.int64)[labels.codes], tuple(classes)


def _measured(classes: Sequence[str], samples: int) -> str:
    numbers, count = parse_numbers(classes), len(classes)
    values = f"has {count} distinct values in {samples} rows"
    if np.isnan(numbers).any():
        return values if count > max(MOST_CLASSES, samples // 4) else ""
    rare = count > SAMPLES_PER_CLASS and samples / count < SAMPLES_PER_CLASS
    return values if rare or (not are_whole(numbers) and count > MOST_CLASSES) else ""
