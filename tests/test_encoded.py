"""Large tables: what Arrow reads is what the strict reader reads, digit by digit, note by note, refusal by refusal."""

import random
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from iris_lab.data import datasets, load_dataset
from iris_lab.data.arrow import FROM_BYTES
from iris_lab.data.sources import fetch
from iris_lab.data.tables import read_table
from iris_lab.errors import IrisLabError

ROWS = 10_000


def _rows(**changes: Callable[[int], str]) -> list[list[str]]:
    chance = random.Random(0)
    makers: dict[str, Callable[[int], str]] = {
        "row": str,
        "number": lambda row: repr(chance.gauss(0, 1000)),
        "gaps": lambda row: chance.choice(["", "1.5", "-0.0", "0.0", "1e-7", "2", "2.0"]),
        "words": lambda row: chance.choice(["NA", "3", "?", "4.25"]),
        "level": lambda row: chance.choice(["rot", "grün", "blue sky", "null"]),
        "yes": lambda row: chance.choice(["true", "False"]),
        "day": lambda row: f"2024-{chance.randint(1, 12):02}-{chance.randint(1, 28):02}",
        "name": lambda row: f"name {row}",
        "class": lambda row: chance.choice(["a", "b", "c"]),
    }
    makers |= changes
    return [[*makers]] + [[make(row) for make in makers.values()] for row in range(ROWS)]


def _text(rows: list[list[str]], separator: str = ",", end: str = "\n") -> str:
    return "".join(separator.join(row) + end for row in rows)


def _quoted(rows: list[list[str]]) -> list[list[str]]:
    return [[field if field[:1].isdigit() else f'"{field}"' for field in row] for row in rows]


PLAIN = {
    "as it comes": lambda: _text(_rows()),
    "semicolons": lambda: _text(_rows(), ";"),
    "tabs": lambda: _text(_rows(), "\t"),
    "line ends of Windows": lambda: _text(_rows(), end="\r\n"),
    "a byte order mark": lambda: "\ufeff" + _text(_rows()),
    "no line end at the end": lambda: _text(_rows()).rstrip("\n"),
    "texts in quotation marks": lambda: _text(_quoted(_rows())),
    "separators within quotation marks": lambda: _text(_rows(level=lambda row: '"a, b"' if row % 3 else '"c"')),
    "white space around values": lambda: _text(_rows(level=lambda row: [" x", "x", "x ", "\u00a0x"][row % 4])),
    "decimal commas": lambda: _text(_rows(number=lambda row: f"{row % 977},25", gaps=lambda row: "0,5"), ";"),
    "numbers with a plus": lambda: _text(_rows(number=lambda row: f"+{row}.5")),
    "row labels without a name": lambda: _text([row[row[0] == "row" :] for row in _rows(row=lambda row: f'"r{row}"')]),
    "lines above the header": lambda: "\n\n" + _text(_rows()),
    "a row at the end that is cut off between two quotation marks": lambda: _text(_rows(level=lambda row: '""')),
}
STRICT = {
    "blank lines": lambda: _text(_rows()).replace("\n17,", "\n\n17,"),
    "rows of nothing but separators": lambda: _text(_rows()).replace("\n17,", "\n,, ,,,,,,\n17,"),
    "doubled quotation marks": lambda: _text(_rows(level=lambda row: '"say ""a"""')),
    "line ends within quotation marks": lambda: _text(_rows(level=lambda row: '"two\nlines"' if row == 7 else '"x"')),
    "quotation marks within texts": lambda: _text(_rows(level=lambda row: '5" disk' if row % 2 else "x")),
    "white space between the columns": lambda: _text([[*row[:2], row[-3], row[-1]] for row in _rows()], "  "),
}
REFUSED = {
    "a row that is too short": lambda: _text(_rows()).replace("\n5000,", "\n", 1),
    "a row that is too long": lambda: _text(_rows()).replace("\n5000,", "\n5000,1,", 1),
    "a quotation mark that is never closed": lambda: _text(_rows(level=lambda row: '"x' if row == 9000 else "y")),
    "text behind a closing quotation mark": lambda: _text(_rows(level=lambda row: '"x"y' if row == 9000 else '"y"')),
    "a mistaken number": lambda: _text(_rows(number=lambda row: "12,5".replace(",", "O") if row == 9 else f"{row}.5")),
    "infinity": lambda: _text(_rows(number=lambda row: "inf" if row == 9 else f"{row}.5")),
    "a number that is too large": lambda: _text(_rows(number=lambda row: "1e400" if row == 9 else f"{row}.5")),
    "a sample without a class": lambda: _text([*_rows()[:-1], [*_rows()[-1][:-1], ""]]),
    "a field longer than any": lambda: _text(_rows(level=lambda row: "x" * 200_000 if row == 9 else "y")),
    "digits apart": lambda: _text(_rows(number=lambda row: "1_000" if row == 9 else f"{row}.5")),
}


def _read(path: Path, monkeypatch: pytest.MonkeyPatch, *, strictly: bool = False) -> object:
    """Return all that is known of the dataset, or the refusal."""
    with monkeypatch.context() as patch:
        if strictly:
            patch.setattr("iris_lab.data.arrow.FROM_BYTES", 2**40)
            patch.setattr("iris_lab.data.arrow.FROM_ROWS", 2**40)
        try:
            data = load_dataset(str(path), missing="unknown")
        except IrisLabError as error:
            return str(error)
    return (data.digest, data.notes, data.schema, data.classes, data.features.to_numpy().tobytes())


def _is_quick(path: Path) -> bool:
    columns = read_table(fetch(str(path))).columns
    return columns is not None and columns() is not None


@pytest.mark.parametrize("kind", PLAIN)
def test_a_large_table_is_read_quickly_as_strictly(kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "table.csv"
    path.write_text(PLAIN[kind](), encoding="utf-8", newline="")
    assert path.stat().st_size > FROM_BYTES
    assert _is_quick(path)
    found = _read(path, monkeypatch)
    assert not isinstance(found, str), found
    assert found == _read(path, monkeypatch, strictly=True)


@pytest.mark.parametrize("kind", STRICT)
def test_what_only_the_strict_reader_knows_is_left_to_it(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "table.csv"
    path.write_text(STRICT[kind](), encoding="utf-8", newline="")
    assert not _is_quick(path)
    found = _read(path, monkeypatch)
    assert not isinstance(found, str), found
    assert found == _read(path, monkeypatch, strictly=True)


@pytest.mark.parametrize("kind", REFUSED)
def test_a_large_table_is_refused_in_the_same_words(kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "table.csv"
    path.write_text(REFUSED[kind](), encoding="utf-8", newline="")
    found = _read(path, monkeypatch)
    assert isinstance(found, str)
    assert found == _read(path, monkeypatch, strictly=True)


@pytest.mark.parametrize("encoding", ["cp1252", "utf-16"])
def test_a_large_table_in_another_encoding_is_read_as_strictly(
    encoding: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "table.csv"
    path.write_text(_text(_rows()), encoding=encoding, newline="")
    assert _is_quick(path)
    found = _read(path, monkeypatch)
    assert not isinstance(found, str), found
    assert found == _read(path, monkeypatch, strictly=True)


@pytest.mark.parametrize("suffix", ["parquet", "feather"])
def test_a_large_typed_table_is_read_as_strictly(suffix: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    random = np.random.default_rng(0)
    frame = pd.DataFrame(
        {
            "number": random.normal(size=ROWS),
            "zero": random.choice([0.0, -0.0, 1.0], ROWS),
            "gaps": random.choice([np.nan, 1e-7, 1e22, 0.1], ROWS),
            "whole": random.integers(-(2**40), 2**40, ROWS),
            "narrow": random.integers(0, 7, ROWS).astype("int8"),
            "single": random.normal(size=ROWS).astype("float32"),
            "yes": random.choice([True, False], ROWS),
            "level": random.choice(["x ", "x", "NA", "grün"], ROWS),
            "day": pd.Timestamp("2024-01-01") + pd.to_timedelta(random.integers(0, 365, ROWS), "D"),
            "class": random.choice(["a", "b"], ROWS),
        }
    )
    path = tmp_path / f"table.{suffix}"
    getattr(frame, f"to_{suffix}")(path)
    assert _is_quick(path)
    found = _read(path, monkeypatch)
    assert not isinstance(found, str), found
    assert found == _read(path, monkeypatch, strictly=True)


def test_groups_and_times_of_a_large_table_are_those_of_a_strict_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "table.csv"
    path.write_text(_text(_rows(name=lambda row: "" if row % 11 == 0 else f"p{row % 501}")), encoding="utf-8")
    quick = load_dataset(str(path), groups="name", time="day")
    monkeypatch.setattr("iris_lab.data.arrow.FROM_BYTES", 2**40)
    strict = datasets.load_dataset(str(path), groups="name", time="day")
    for one, other in ((quick.groups, strict.groups), (quick.time, strict.time)):
        assert one is not None
        assert other is not None
        assert np.array_equal(one, other)
