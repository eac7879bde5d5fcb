"""Where tables come from: compressed, from spreadsheets and typed files, from servers and stores."""

import gzip
import io
import struct
import sys
import threading
import zipfile
from collections.abc import Iterator
from datetime import date, datetime
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pyarrow as pa
import pytest
from pyarrow import feather, parquet

from iris_lab.data import fetch, sources
from iris_lab.data.datasets import load_dataset
from iris_lab.data.sources import Source
from iris_lab.data.tables import Reading, read_table
from iris_lab.errors import InputError

TEXT = "length,width,kind\n" + "".join(f"{n % 7}.5,{n % 5},{'xy'[n % 2]}\n" for n in range(40))
COMPRESSIONS = {".gz": "gzip", ".bz2": "bz2", ".zst": "zstd"}


def fields(source: Source | Path, reading: Reading | None = None) -> list[list[str]]:
    table = read_table(source, reading)
    return [table.names, *(row for batch in table.batches for _, row in batch)]


@pytest.mark.parametrize(("suffix", "codec"), COMPRESSIONS.items())
def test_a_compressed_table_is_read_from_a_file_and_from_memory(tmp_path: Path, suffix: str, codec: str) -> None:
    (tmp_path / "a.csv").write_text(TEXT)
    packed = tmp_path / f"a.csv{suffix}"
    packed.write_bytes(pa.compress(TEXT.encode(), codec=codec, asbytes=True) if codec == "zstd" else squeezed(codec))
    assert fields(packed) == fields(fetch(str(packed))) == fields(tmp_path / "a.csv")
    assert load_dataset(packed).digest == load_dataset(tmp_path / "a.csv").digest


def squeezed(codec: str) -> bytes:
    import bz2

    return {"gzip": gzip.compress, "bz2": bz2.compress}[codec](TEXT.encode())


@pytest.mark.parametrize("suffix", [".gz", ".zst"])
@pytest.mark.parametrize("name", ["a.parquet", "a.feather"])
def test_a_typed_table_may_be_compressed_too(tmp_path: Path, name: str, suffix: str) -> None:
    table = pa.table({"length": [1.5, 2.5], "kind": ["x", "y"]})
    (feather.write_feather if name == "a.feather" else lambda t, p: parquet.write_table(t, p))(table, tmp_path / name)
    content = (tmp_path / name).read_bytes()
    packed = tmp_path / (name + suffix)
    packed.write_bytes(gzip.compress(content) if suffix == ".gz" else pa.compress(content, codec="zstd", asbytes=True))
    assert fields(packed) == [["length", "kind"], ["1.5", "x"], ["2.5", "y"]]


@pytest.mark.parametrize("cut", [b"no frame at all", pa.compress(TEXT.encode(), codec="zstd", asbytes=True)[:-4]])
def test_a_broken_zstd_file_is_one_line(tmp_path: Path, cut: bytes) -> None:
    (tmp_path / "a.csv.zst").write_bytes(cut)
    with pytest.raises(InputError, match=r"cannot read data file .*(ZSTD|Truncated)") as raised:
        fields(tmp_path / "a.csv.zst")
    assert len(str(raised.value).splitlines()) == 1


def test_a_line_in_another_encoding_is_named_in_a_compressed_file(tmp_path: Path) -> None:
    content = b"a,kind\n" + b"1,x\n" * 30_000 + "2,ü\n".encode("cp1252")
    (tmp_path / "a.csv.zst").write_bytes(pa.compress(content, codec="zstd", asbytes=True))
    with pytest.raises(InputError, match="line 30002 is not utf-8"):
        fields(tmp_path / "a.csv.zst")


def test_an_archive_as_macos_and_kaggle_write_it_is_one_table(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "archive.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.mkdir("data")
        archive.writestr("data/train set.CSV", TEXT)
        archive.writestr("__MACOSX/data/._train set.CSV", b"\0\5\x16\7")
        archive.writestr("data/.DS_Store", b"\0")
        archive.writestr("data/README.md", "about")
    assert fields(tmp_path / "archive.zip")[0] == ["length", "width", "kind"]


def test_an_archive_written_as_a_stream_is_read(tmp_path: Path) -> None:
    class Pipe(io.RawIOBase):  # cannot go back, so that sizes stand behind each entry
        def __init__(self) -> None:
            self.content = b""

        def writable(self) -> bool:
            return True

        def write(self, piece: object) -> int:
            self.content += bytes(piece)  # type: ignore[call-overload]
            return len(bytes(piece))  # type: ignore[call-overload]

    pipe = Pipe()
    with zipfile.ZipFile(pipe, "w") as archive:
        archive.writestr("a.csv", TEXT)
    (tmp_path / "a.zip").write_bytes(pipe.content)
    assert len(fields(tmp_path / "a.zip")) == 41


def test_an_encrypted_archive_is_refused_in_one_line(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("a.csv", TEXT)
    content = bytearray((tmp_path / "a.zip").read_bytes())
    entry = content.index(b"PK\1\2")
    struct.pack_into("<H", content, entry + 8, 1)
    struct.pack_into("<H", content, 6, 1)
    (tmp_path / "a.zip").write_bytes(content)
    with pytest.raises(InputError, match=r"'a.zip' is encrypted: unpack it") as raised:
        fields(tmp_path / "a.zip")
    assert len(str(raised.value).splitlines()) == 1


@pytest.mark.parametrize("suffix", [".gz", ".zst", ".zip"])
def test_a_bomb_is_refused_before_it_fills_the_memory(
    tmp_path: Path, suffix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sources, "ROOM", 2**16)
    monkeypatch.setattr(sources, "EXPANSION", 10)
    content, path = b"a,b\n" + b"0,0\n" * 2**18, tmp_path / f"a.csv{suffix}"
    if suffix == ".zip":
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
            archive.writestr("a.csv", content)
    else:
        path.write_bytes(
            gzip.compress(content) if suffix == ".gz" else pa.compress(content, codec="zstd", asbytes=True)
        )
    with pytest.raises(InputError, match=r"unpacks to over \d+ MiB, too much for its size") as raised:
        load_dataset(path)
    assert len(str(raised.value).splitlines()) == 1


VALUES = pa.table(
    {
        "whole": pa.array([1, None, 3]),
        "number": pa.array([1.0, 0.1, None]),
        "yes": pa.array([True, False, None]),
        "day": pa.array([date(2024, 1, 31), None, date(2024, 2, 1)]),
        "moment": pa.array([datetime(2024, 1, 31), datetime(2024, 1, 31, 12), None], pa.timestamp("ns")),
        "price": pa.array([Decimal("1.50"), None, Decimal("100.00")]),
        "level": pa.array(["a", None, "a"]).dictionary_encode(),
        "kind": ["x", "y", "x"],
    }
)
WRITTEN = [
    VALUES.column_names,
    ["1", "1.0", "true", "2024-01-31", "2024-01-31", "1.50", "a", "x"],
    ["", "0.1", "false", "", "2024-01-31T12:00:00", "", "", "y"],
    ["3", "", "", "2024-02-01", "", "100.00", "a", "x"],
]


def test_typed_values_become_the_texts_of_a_text_table(tmp_path: Path) -> None:
    parquet.write_table(VALUES, tmp_path / "a.parquet")
    feather.write_feather(VALUES, tmp_path / "a.feather")
    assert fields(tmp_path / "a.parquet") == fields(tmp_path / "a.feather") == WRITTEN


ROOT = "http://schemas.openxmlformats.org/"
MAIN, DOCUMENT, PARTS = (
    f"{ROOT}spreadsheetml/2006/main",
    f"{ROOT}officeDocument/2006/relationships",
    f"{ROOT}package/2006/",
)


def spreadsheet(sheets: dict[str, list[str]]) -> bytes:
    """Write a spreadsheet of sheets of rows of cells, as XML."""
    names = "".join(f'<sheet name="{name}" sheetId="{n}" r:id="r{n}"/>' for n, name in enumerate(sheets, 1))
    links = "".join(
        f'<Relationship Id="r{n}" Type="{DOCUMENT}/worksheet" Target="worksheets/sheet{n}.xml"/>'
        for n in range(1, len(sheets) + 1)
    )
    files = {
        "[Content_Types].xml": f'<Types xmlns="{PARTS}content-types"/>',
        "_rels/.rels": f'<Relationships xmlns="{PARTS}relationships"><Relationship Id="r1" '
        f'Type="{DOCUMENT}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
        "xl/workbook.xml": f'<workbook xmlns="{MAIN}" xmlns:r="{DOCUMENT}"><sheets>{names}</sheets></workbook>',
        "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{PARTS}relationships">{links}<Relationship Id="s" '
        f'Type="{DOCUMENT}/styles" Target="styles.xml"/></Relationships>',
        "xl/styles.xml": f'<styleSheet xmlns="{MAIN}"><cellXfs><xf numFmtId="0"/><xf numFmtId="14"/>'
        '<xf numFmtId="22"/></cellXfs></styleSheet>',
    }
    for n, rows in enumerate(sheets.values(), 1):
        body = "".join(f'<row r="{row}">{cells}</row>' for row, cells in enumerate(rows, 1) if cells)
        files[f"xl/worksheets/sheet{n}.xml"] = f'<worksheet xmlns="{MAIN}"><sheetData>{body}</sheetData></worksheet>'
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in files.items():
            archive.writestr(name, text)
    return content.getvalue()


def text_cell(text: str) -> str:
    return f'<c t="inlineStr"><is><t>{text}</t></is></c>'


HEADER = "".join(map(text_cell, ("whole", "number", "yes", "day", "moment", "kind")))
FIRST = (
    "<c><v>3</v></c><c><v>2.5</v></c>"
    '<c t="b"><v>1</v></c><c s="1"><v>45322</v></c><c s="2"><v>45322.5</v></c>' + text_cell("007")
)
SECOND = '<c><v>1</v></c><c/><c t="b"><v>0</v></c><c s="1"><v>45323</v></c><c s="2"/>' + text_cell("x")


def test_a_sheet_is_read_as_it_would_be_saved_as_text(tmp_path: Path) -> None:
    pytest.importorskip("python_calamine")
    path = tmp_path / "a.xlsx"
    path.write_bytes(spreadsheet({"Data": [HEADER, FIRST, "", SECOND], "Other": [text_cell("only")]}))
    assert fields(path) == [
        ["whole", "number", "yes", "day", "moment", "kind"],
        ["3", "2.5", "true", "2024-01-31", "2024-01-31T12:00:00", "007"],
        ["1", "", "false", "2024-02-01", "", "x"],
    ]
    assert [number for batch in read_table(path).batches for number, _ in batch] == [2, 4]
    assert fields(path, Reading(sheet="Other")) == [["only"]]
    with pytest.raises(InputError, match="no sheet 'Othr': expected 'Data', 'Other'"):
        fields(path, Reading(sheet="Othr"))


def test_a_file_that_is_no_spreadsheet_is_one_line(tmp_path: Path) -> None:
    pytest.importorskip("python_calamine")
    (tmp_path / "a.xlsx").write_bytes(b"PK\3\4")
    with pytest.raises(InputError, match=r"cannot read data file .*a.xlsx.*zip") as raised:
        fields(tmp_path / "a.xlsx")
    assert len(str(raised.value).splitlines()) == 1


@pytest.mark.parametrize(
    ("package", "source", "install"),
    [
        ("python_calamine", "a.xlsx", r"pip install 'iris-lab\[excel\]'"),
        ("fsspec", "s3://bucket/a.csv", r"pip install 'iris-lab\[remote\]'"),
        ("gcsfs", "gs://bucket/a.csv", "pip install gcsfs"),
        ("adlfs", "az://bucket/a.csv", "pip install adlfs"),
    ],
)
def test_a_package_that_is_not_installed_is_named_with_the_line_that_installs_it(
    tmp_path: Path, package: str, source: str, install: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, package, None)
    (tmp_path / "a.xlsx").write_bytes(spreadsheet({"Data": [HEADER, FIRST]}))
    with pytest.raises(InputError, match=install):
        load_dataset(source if "://" in source else tmp_path / source)


class Store(BaseHTTPRequestHandler):
    """Answers as a store of objects does."""

    def log_message(self, format: str, *args: object) -> None:
        pass

    def do_HEAD(self) -> None:
        self.answer(body=False)

    def do_GET(self) -> None:
        self.answer(body=True)

    def answer(self, *, body: bool) -> None:
        found = self.path.split("?")[0] == "/bucket/flowers.csv"
        content = TEXT.encode() if found else b""
        self.send_response(200 if found else 404)
        self.send_header("Content-Length", str(len(content)))
        self.send_header("ETag", '"1"')
        self.send_header("Last-Modified", "Thu, 01 Jan 2026 00:00:00 GMT")
        self.end_headers()
        if body:
            self.wfile.write(content)


@pytest.fixture
def store(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    s3fs = pytest.importorskip("s3fs")
    with ThreadingHTTPServer(("127.0.0.1", 0), Store) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        for name, value in {
            "AWS_ENDPOINT_URL": f"http://127.0.0.1:{server.server_port}",
            "AWS_ACCESS_KEY_ID": "known",
            "AWS_SECRET_ACCESS_KEY": "s3cret",
            "AWS_DEFAULT_REGION": "us-east-1",
        }.items():
            monkeypatch.setenv(name, value)
        s3fs.S3FileSystem.clear_instance_cache()
        yield
        s3fs.S3FileSystem.clear_instance_cache()
        server.shutdown()


def test_a_table_is_read_from_a_store(store: None, tmp_path: Path) -> None:
    (tmp_path / "flowers.csv").write_text(TEXT)
    source = fetch("s3://bucket/flowers.csv")
    assert (source.place, source.content) == ("s3://bucket/flowers.csv", TEXT.encode())
    assert load_dataset("s3://bucket/flowers.csv").digest == load_dataset(tmp_path / "flowers.csv").digest


def test_an_object_that_is_not_there_or_too_large_is_one_line_without_secrets(
    store: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(InputError, match=r"cannot read data .s3://bucket/other.csv.") as raised:
        fetch("s3://known:s3cret@bucket/other.csv?token=t0ken")
    assert not {"s3cret", "t0ken"} & set(str(raised.value).replace("=", " ").split())
    assert len(str(raised.value).splitlines()) == 1
    monkeypatch.setattr(sources, "MAX_DOWNLOAD_BYTES", 100)
    with pytest.raises(InputError, match="are over 0 MiB"):
        fetch("s3://bucket/flowers.csv")
