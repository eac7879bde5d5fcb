"""Large tables are predicted in blocks of columns, and the answer is that of the strict reader to the byte."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from conftest import save_run

from iris_lab.data.blocks import number_texts, probability_texts
from iris_lab.data.datasets import load_dataset
from iris_lab.errors import InputError
from iris_lab.prediction import tables
from iris_lab.prediction.tables import predict_file


def answer(run: Path, table: Path) -> str:
    try:
        return "".join(predict_file(run, table))
    except InputError as error:
        return str(error)


def both(run: Path, table: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[str, str]:
    """Predict in blocks, and row by row."""
    quick, read = answer(run, table), tables.read_table
    with monkeypatch.context() as strict:
        strict.setattr(tables, "read_table", lambda *given: replace(read(*given), blocks=None))
        return quick, answer(run, table)


@pytest.fixture(scope="module")
def mixed_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("mixed")
    rows = [
        f"{'' if n % 9 == 4 else n % 7 / 4},{'rgb'[n % 3] if n % 8 else ''},{n % 5 > 2},"
        f"2024-01-{n % 28 + 1:02},{'xy'[n % 7 > 3]}\n"
        for n in range(120)
    ]
    (folder / "train.csv").write_text("size,colour,flat,day,kind\n" + "".join(rows))
    save_run(folder / "run", load_dataset(folder / "train.csv"))
    return folder / "run"


HEADER = "size,colour,flat,day,note\n"
PLAIN = "".join(f"{n / 8},{'rgb'[n % 3]},true,2024-02-{n % 28 + 1:02},note {n}\n" for n in range(3000))
ROWS = {
    "plain": "",
    "gaps": ",r,true,2024-01-01,n\n1.5,,false,2024-01-02,n\n",
    "words for gaps": "NA,r,true,2024-01-01,n\n?,null,false,2024-01-02,n\n",
    "spellings": "+1.5,r,TRUE,2024-01-01,n\n .5 , g ,False,2024/01/02,\n"
    "1e-3,b,true,2024-01-01T12:00,\n5.,r,true,2024-01-04,n\n",
    "unknown level": "1,purple,true,2024-01-01,n\n",
    "quotes": '1,"r",true,2024-01-01,"a, ""b""\nc"\n2,g,true,2024-01-01,n\n',
    "blank lines": "\n1,r,true,2024-01-01,n\n,,,,\n  \n2,g,true,2024-01-01,n\n",
    "all features empty": ",,true,2024-01-01,n\n",
    "other characters": "1,r,true,2024-01-01,Blüte\u2028\x0b\u00a0 é\n",
    "ragged": "1,r,true,2024-01-01\n",
    "long row": "1,r,true,2024-01-01,n,n\n",
    "no number": "1.5,r,true,2024-01-01,n\nbig,r,true,2024-01-01,n\n",
    "infinite": "inf,r,true,2024-01-01,n\n",
    "nan": "nan,r,true,2024-01-01,n\n",
    "too large": "1e31,r,true,2024-01-01,n\n",
    "hexadecimal": "0x1p3,r,true,2024-01-01,n\n",
    "no boolean": "1,r,maybe,2024-01-01,n\n",
    "no date": "1,r,true,2024-02-30,n\n",
    "lone carriage return": "1,r,true,2024-01-01,n\r2,g,true,2024-01-01,n\n",
    "open quote": '1,r,true,2024-01-01,"n\n',
    "long field": f"1,r,true,2024-01-01,{'n' * 140_000}\n",
}


@pytest.mark.parametrize("end", ["\n", "\r\n", ""])
@pytest.mark.parametrize("rows", ROWS.values(), ids=ROWS)
def test_blocks_and_rows_give_the_same_bytes_and_messages(
    mixed_run: Path, tmp_path: Path, rows: str, end: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = HEADER + PLAIN + rows + PLAIN
    text = text.removesuffix("\n") if not end else text.replace("\n", end)
    (tmp_path / "a.csv").write_bytes(text.encode())
    quick, strict = both(mixed_run, tmp_path / "a.csv", monkeypatch)
    assert quick == strict


@pytest.mark.parametrize("separator", [";", "\t", "|"])
@pytest.mark.parametrize("note", ["note", "a, b"])
def test_other_separators_give_the_same_bytes(
    mixed_run: Path, tmp_path: Path, separator: str, note: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = (HEADER + PLAIN).replace(",", separator).replace("note 2999", note)
    (tmp_path / "a.csv").write_text(text)
    quick, strict = both(mixed_run, tmp_path / "a.csv", monkeypatch)
    assert quick == strict and quick.count("\n") == 3001


def test_an_undecodable_byte_is_named_by_its_line(
    mixed_run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a.csv").write_bytes((HEADER + PLAIN).encode() + b"1,r,true,2024-01-01,\xfc\n")
    quick, strict = both(mixed_run, tmp_path / "a.csv", monkeypatch)
    assert quick == strict and "line 3002" in quick


@pytest.mark.parametrize("kind", ["parquet", "feather"])
def test_typed_tables_give_the_same_bytes(
    mixed_run: Path, tmp_path: Path, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    count = 12_000
    frame = pd.DataFrame(
        {
            "size": np.where(np.arange(count) % 5 == 0, np.nan, np.arange(count) / 7),
            "colour": pd.Categorical.from_codes(np.arange(count) % 4 - 1, ["r", "g", "purple"]),
            "flat": np.arange(count) % 2 == 0,
            "day": pd.date_range("2024-01-01", periods=count, freq="6h"),
            "note": [None, "plain", 'a, "b"', "two\nlines", "\rx"] * (count // 5),
            "tiny": 10.0 ** -(np.arange(count) % 30),
            "large": np.arange(count) + 2**60,
            "small": np.float32(0.1) * np.arange(count, dtype=np.float32),
        }
    )
    getattr(frame, f"to_{kind}")(tmp_path / f"a.{kind}")
    quick, strict = both(mixed_run, tmp_path / f"a.{kind}", monkeypatch)
    assert quick == strict and quick.count("\n") > count
    frame.loc[11_000, "size"] = 1e31
    getattr(frame, f"to_{kind}")(tmp_path / f"a.{kind}")
    quick, strict = both(mixed_run, tmp_path / f"a.{kind}", monkeypatch)
    assert quick == strict and "row 11001: 'size' is '1e+31'" in quick


def test_large_tables_go_in_blocks(mixed_run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a.csv").write_text(HEADER + PLAIN + ROWS["gaps"] + ROWS["words for gaps"] + ROWS["spellings"])
    monkeypatch.setattr(tables, "_values", None)  # what reads row by row
    assert answer(mixed_run, tmp_path / "a.csv").count("\n") > 3000


def test_numbers_are_written_as_python_writes_them() -> None:
    random = np.random.default_rng(0)
    sizes = 10.0 ** random.uniform(-320, 300, 20_000)
    edges = [0.0, 1.0, 1e-4, 9.999e-5, 1e-5, 9.99e-6, 1e-9, 9.99e-10, 1e15, 1e16, 1e22, 5e-324]
    numbers = np.concatenate([sizes, -sizes, random.random(20_000), 10.0 ** random.uniform(-12, 0, 20_000), edges])
    assert number_texts(numbers) == list(map(repr, numbers.tolist()))
    probabilities = np.clip(np.abs(numbers[: len(numbers) // 3 * 3]), 0, 1).reshape(-1, 3)
    assert probability_texts(probabilities) == [",".join(map(repr, row)) for row in probabilities.tolist()]
