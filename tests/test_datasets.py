import gzip
import threading
import time
import zipfile
from collections.abc import Iterator
from contextlib import suppress
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from iris_lab.data import fetch, sources
from iris_lab.data.dataset import Dataset
from iris_lab.data.datasets import load_dataset
from iris_lab.data.given import BUNDLED
from iris_lab.data.schema import Feature
from iris_lab.errors import InputError, UnknownNameError
from iris_lab.modeling import make_estimator

HEADER = "length (cm),width,kind\n"
ROWS = "1,2,x\n3,4,y\n5,6.5,x\n7,8,y\n"


@pytest.fixture
def flowers(tmp_path: Path) -> Path:
    path = tmp_path / "flowers.csv"
    path.write_text(HEADER + ROWS)
    return path


def with_row(dataset: Dataset, sample: int, values: list[float]) -> Dataset:
    features = dataset.features.copy()
    features.iloc[sample - 1] = values
    return Dataset(dataset.name, features, dataset.target, dataset.classes, dataset.target_name, dataset.source)


@pytest.mark.parametrize(
    ("name", "shape", "classes"),
    [
        ("iris", (150, 4), ("setosa", "versicolor", "virginica")),
        ("wine", (178, 13), ("class_0", "class_1", "class_2")),
        ("breast_cancer", (569, 30), ("benign", "malignant")),
    ],
)
def test_the_bundled_datasets_are_whole(name: str, shape: tuple[int, int], classes: tuple[str, ...]) -> None:
    dataset = load_dataset(name)
    assert (dataset.features.shape, dataset.classes) == (shape, classes)
    assert dataset.target_name == BUNDLED[name][0]


def test_iris_is_fishers_and_the_uci_copy_has_another_digest() -> None:
    iris = load_dataset("iris")
    assert iris.features.iloc[[34, 37]].to_numpy().tolist() == [[4.9, 3.1, 1.5, 0.2], [4.9, 3.6, 1.4, 0.1]]
    uci = with_row(with_row(iris, 35, [4.9, 3.1, 1.5, 0.1]), 38, [4.9, 3.1, 1.5, 0.1])
    assert iris.digest == "187571a23f1b1778f148304401d66786667e37848f6e677aba5d3bbace9acb8e"
    assert uci.digest != iris.digest


def test_the_digest_is_that_of_the_content_whatever_the_file_format(flowers: Path) -> None:
    digest, frame = load_dataset(flowers).digest, pd.read_csv(flowers)
    frame.to_csv(flowers.with_suffix(".tsv"), sep="\t", index=False)
    frame.to_parquet(flowers.with_suffix(".parquet"))
    frame.to_csv(flowers.with_name("labelled.csv"))  # as R writes it: row labels under an empty name
    for suffix in ("gz", "bz2", "xz", "zip"):
        frame.to_csv(flowers.with_name(f"flowers.csv.{suffix}"), index=False)
    assert {load_dataset(path).digest for path in flowers.parent.iterdir()} == {digest}


def test_the_digest_changes_with_the_last_bit_of_a_value_and_with_a_name(flowers: Path) -> None:
    dataset = load_dataset(flowers)
    changed = with_row(dataset, 2, [3.0, np.nextafter(4.0, 5)])
    renamed = flowers.with_name("renamed.csv")
    renamed.write_text(HEADER.replace("width", "breadth") + ROWS)
    assert len({dataset.digest, changed.digest, load_dataset(renamed).digest}) == 3


def test_values_are_read_to_the_last_bit(tmp_path: Path) -> None:
    values = np.random.default_rng(0).normal(size=200) * 10.0 ** np.random.default_rng(1).integers(-25, 25, 200)
    frame = pd.DataFrame({"value": values, "kind": ["x", "y"] * 100})
    frame.to_csv(tmp_path / "exact.csv", index=False)
    assert load_dataset(tmp_path / "exact.csv").features["value"].to_numpy().tolist() == values.tolist()


def test_the_target_is_the_last_column_unless_another_is_named(flowers: Path) -> None:
    flowers.write_text("kind,length\nx,1\ny,2\nx,1\n")
    assert load_dataset(flowers, "kind").classes == ("x", "y")
    assert load_dataset(flowers.with_name("flowers.csv"), "kind").features.columns.tolist() == ["length"]


@pytest.mark.parametrize(
    ("written", "classes"),
    [
        (["10", "9", "10", "9"], ("9", "10")),
        (["1.0", "0.0", "1.0", "0.0"], ("0.0", "1.0")),
        (["0.5", "1.5", "0.5", "1.5"], ("0.5", "1.5")),
        (["True", "False", "True", "False"], ("False", "True")),
        (["b", "1", "a", "b"], ("1", "a", "b")),
    ],
)
def test_classes_are_named_as_written_and_numbers_stand_in_order(
    tmp_path: Path, written: list[str], classes: tuple[str, ...]
) -> None:
    path = tmp_path / "classes.csv"
    path.write_text("width,kind\n" + "".join(f"{row},{name}\n" for row, name in enumerate(written)))
    assert load_dataset(path).classes == classes


def test_samples_count_from_one_as_in_published_tables(flowers: Path) -> None:
    dataset = load_dataset(flowers)
    assert dataset.frame.loc[3].to_dict() == {"length (cm)": 5.0, "width": 6.5, "kind": "x"}
    assert dataset.labels.loc[4] == "y"


def test_units_are_read_from_the_names() -> None:
    assert [Feature(name).unit for name in ("petal width (cm)", "mass [kg] ", "age", "f(x) of y")] == [
        "cm",
        "kg",
        "",
        "",
    ]
    assert {feature.unit for feature in load_dataset("iris").schema} == {"cm"}


def test_surplus_white_space_in_names_is_dropped(flowers: Path) -> None:
    flowers.write_text('" length ","petal\n width",kind\n' + ROWS)
    assert load_dataset(flowers).features.columns.tolist() == ["length", "petal width"]


BAD_TABLES = {
    "nothing": ("", "the table is empty"),
    "header only": (HEADER, "no rows"),
    "one class": (HEADER + "1,2,x\n3,4,x\n", r"one class only \(x\)"),
    "text among numbers": (HEADER + "1,2,x\n" * 12 + "3,red,y\n", "line 14, column 'width': 'red' is not a number"),
    "no such day": (HEADER + "2020-02-28,2,x\n" * 12 + "2020-02-30,4,y\n", "'2020-02-30' is not a date such as"),
    "infinity": (HEADER + "1,2,x\n" * 12 + "inf,4,y\n", "line 14, .*'inf' is not a number"),
    "underscore": (HEADER + "1,2,x\n" * 12 + "1_000,2,y\n", "'1_000' is not a number"),
    "foreign digits": (HEADER + "1,2,x\n" * 12 + "\u0661,2,y\n", "is not a number"),
    "only gaps": ("a,kind\n,x\n?,y\n", "leaves no feature .'a': it has no values."),
    "too large": (HEADER + "1e400,2,x\n3,4,y\n", "'1e400' is beyond 1e.30"),
    "beyond what is served": (HEADER + "1e31,2,x\n3,4,y\n", "'1e31' is beyond 1e.30"),
    "no class": (HEADER + "1,2,\n3,4,y\n5,6,x\n", "line 2: target 'kind' is missing"),
    "same name twice": ("width,width,kind\n" + ROWS, "two columns 'width'"),
    "same name but for a space": ("width, width,kind\n" + ROWS, "two columns 'width'"),
    "no name": ("width,,kind\n" + ROWS, "a column without a name"),
    "a measurement": ("a,b\n" + "".join(f"{i % 7},{i * 1.37}\n" for i in range(99)), "a measurement, not classes"),
    "rough measurement": ("a,b\n" + "".join(f"{i % 7},{i % 30 + 0.5}\n" for i in range(990)), "30 distinct values"),
    "whole measurement": ("a,b\n" + "".join(f"{i % 7},{i % 15}\n" for i in range(60)), "15 distinct values in 60"),
    "ragged": (HEADER + "1,2,x\n3,4,y,9,9\n", "line 3 has 5 fields, the header 3"),
    "too short a row": (HEADER + "1,2,x\n3,4\n", "line 3 has 2 fields, the header 3"),
    "unquoted decimal commas": (HEADER + "1,5,2,5,x\n3,5,4,5,y\n", "line 2 has 5 fields, .*decimal comma"),
    "header lost a name": ("width,kind\n" + ROWS, "line 2 has 3 fields, .*lost a name"),
    "title": (
        "My flowers\n" + HEADER + ROWS,
        r"line 2 \('length \(cm\),width,kind'\) has text where .* stands above it",
    ),
    "title with a comma": ("My flowers, 2024\n\n" + HEADER + ROWS, r"line 3 \('length \(cm\),width,kind'\) has text"),
    "title in a row of its own": ("My flowers,,\n" + HEADER + ROWS, r"line 2 \('length \(cm\),width,kind'\) has text"),
    "comment": ("# of 2024\n" + ROWS, r"line 2 has 3 fields, the header 1 \(line 1, '# of 2024'\); is that a title\?"),
    "units above": ("cm,mm,\n" + HEADER + ROWS, r"line 2 .* has text where all later lines have numbers"),
    "units below": (HEADER + "cm,mm,\n" + ROWS, r"line 2 \('cm,mm,'\) has text .* remove it if it is a line of units"),
    "units below, decimal commas": (
        HEADER.replace(",", ";") + "cm;mm;\n" + ROWS.replace(",", ";").replace("6.5", "6,5"),
        r"line 2 \('cm;mm;'\) has text",
    ),
    "open quote": (HEADER + '1,"2,x\n3,4,y\n', "line 2: .*quotation mark"),
    "no header": ("5.1,3.5,setosa\n4.9,3.1,virginica\n", "line 1 looks like data"),
    "no header, whole numbers": ("5,3,yes\n4,3,no\n5,1,yes\n", "line 1 looks like data"),
    "web page": ("<html><body>not found</body></html>", "a web page, not a table"),
    "only identifiers": ("id,kind\n" + "".join(f"{i},{i % 2}\n" for i in range(20)), "leaves no feature"),
}


@pytest.mark.parametrize(("content", "message"), BAD_TABLES.values(), ids=BAD_TABLES)
def test_a_table_that_cannot_be_used_is_one_clear_line(flowers: Path, content: str, message: str) -> None:
    flowers.write_text(content)
    with pytest.raises(InputError, match=message) as raised:
        load_dataset(flowers)
    assert len(str(raised.value).splitlines()) == 1


@pytest.mark.parametrize(
    ("encoding", "asked", "message"),
    [
        ("latin-1", "", r"line 9002 is not utf-8 text \(byte 0xFC\): give encoding, such as cp1252"),
        ("latin-1", "utf-8", r"line 9002 is not utf-8 text \(byte 0xFC\)"),
        ("utf-8", "ascii", r"line 9002 is not ascii text \(byte 0xC3\)"),
    ],
)
def test_the_line_that_is_not_in_the_encoding_is_named_wherever_it_stands(
    tmp_path: Path, encoding: str, asked: str, message: str
) -> None:
    rows = "".join(f"{row % 7}.25,{row % 5}.5,{'ash' if row % 2 else 'oak'}\n" for row in range(9000))
    content = f"a,b,kind\n{rows}1.5,2.5,Blüte\n{rows}".encode(encoding)
    assert content.index("ü".encode(encoding)) > 100_000
    (tmp_path / "late.csv").write_bytes(content)
    with pytest.raises(InputError, match=message) as raised:
        load_dataset(tmp_path / "late.csv", encoding=asked)
    assert len(str(raised.value).splitlines()) == 1
    assert load_dataset(tmp_path / "late.csv", encoding=encoding).classes == ("Blüte", "ash", "oak")


def test_what_is_wrong_with_a_parquet_file_is_named_by_row(tmp_path: Path) -> None:
    texts, numbers = ["1", "2", "red", *"4567890123"], [1.0, 2, 3, 1e99, *range(9)]
    pd.DataFrame({"a": texts, "b": numbers, "kind": ["x", "y", "x", None, *"xxxxxxxxx"]}).to_parquet(
        tmp_path / "a.parquet"
    )
    with pytest.raises(InputError, match="3 problems") as raised:
        load_dataset(tmp_path / "a.parquet")
    places = [line.strip().split(":")[0] for line in str(raised.value).splitlines()[1:]]
    assert places == ["row 3, column 'a'", "row 4, column 'b'", "row 4"]


BAD_FILES = {
    "old Excel": ("a.xls", b"\xd0\xcf\x11\xe0", "unknown kind: expected .arrow, .csv"),
    "Excel by another name": ("a.csv", b"PK\3\4\x14\0\6\0\xff\xfe", "zero bytes"),
    "no Parquet": ("a.parquet", b"PAR1 it is not", "cannot read data file .*Parquet"),
    "empty Parquet": ("a.parquet", b"", "cannot read data file .*size is 0"),
    "not compressed": ("a.csv.gz", b"a,b\n1,x\n", "cannot read data file .*gzip"),
    "cut short": ("a.csv.gz", gzip.compress(b"a,b\n1,x\n" * 99)[:-9], "cannot read data file"),
    "no zip": ("a.csv.zip", b"a,b\n1,x\n", "cannot read data file .*zip"),
    "no suffix": ("table", b"a,b\n1,x\n", "unknown kind"),
}


@pytest.mark.parametrize(("name", "content", "message"), BAD_FILES.values(), ids=BAD_FILES)
def test_a_file_that_is_no_table_is_one_clear_line(tmp_path: Path, name: str, content: bytes, message: str) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(InputError, match=message) as raised:
        load_dataset(tmp_path / name)
    assert len(str(raised.value).splitlines()) == 1


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("irsi", "unknown dataset 'irsi': did you mean iris"),
        ("", "unknown dataset ''"),
        ("nowhere.csv", "does not exist"),
        (".", "is a folder"),
        ("x" * 5000 + ".csv", "does not exist"),
        ("nul\0.csv", "does not exist"),
        ("ftp://bucket/table.csv", "does not exist"),
        ("http://[::1/table.csv", "neither a path nor a URL"),
        ("http://127.0.0.1:9/table.csv", "cannot read data .*refused"),
        ("https://example.invalid/download?id=3", "unknown kind"),
    ],
)
def test_a_source_that_is_not_there_is_one_clear_line(source: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        load_dataset(source)


def test_an_unknown_target_names_the_nearest_column() -> None:
    with pytest.raises(UnknownNameError, match="unknown target column 'specie': did you mean species"):
        load_dataset("iris", "specie")


def test_a_target_named_by_mistake_is_a_measurement() -> None:
    with pytest.raises(InputError, match=r"target 'sepal width .cm.' has .* a measurement, not classes"):
        load_dataset("iris", "sepal width (cm)")


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def address(flowers: Path) -> Iterator[str]:
    with ThreadingHTTPServer(
        ("127.0.0.1", 0),
        lambda *args: Quiet(*args, directory=str(flowers.parent)),  # type: ignore[arg-type]
    ) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def test_a_table_is_read_from_an_address(address: str, flowers: Path) -> None:
    dataset = load_dataset(f"{address}/flowers.csv?version=1")
    assert (dataset.digest, dataset.name) == (load_dataset(flowers).digest, "flowers")
    assert dataset.source == "flowers.csv"


def test_an_address_without_a_table_says_what_the_server_said(address: str) -> None:
    with pytest.raises(InputError, match=r"cannot read data .*404"):
        load_dataset(f"{address}/other.csv")


def test_a_url_is_asked_once_and_its_secrets_stay_out(address: str, flowers: Path) -> None:
    secret = address.replace("http://", "http://ann:s3cret@")
    source = fetch(f"{secret}/flowers.csv?token=t0ken")
    assert source.place == f"{address}/flowers.csv"
    flowers.unlink()
    assert load_dataset(source).name == "flowers"
    with pytest.raises(InputError, match="404") as raised:
        fetch(f"{secret}/flowers.csv?token=t0ken")
    assert "s3cret" not in str(raised.value) and "t0ken" not in str(raised.value)


def test_an_endless_answer_is_given_up(address: str, flowers: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sources, "MAX_DOWNLOAD_BYTES", 2**20)
    flowers.write_bytes(b"1,2,x\n" * 2**18)
    with pytest.raises(InputError, match="over 1 MiB"):
        fetch(f"{address}/flowers.csv")


def test_a_dripping_answer_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    class Dripping(Quiet):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            with suppress(OSError):
                for _ in range(600):
                    self.wfile.write(b"1" * 2**16)
                    time.sleep(0.05)

    monkeypatch.setattr(sources, "DOWNLOAD_SECONDS", 0.3)
    with ThreadingHTTPServer(("127.0.0.1", 0), Dripping) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        with pytest.raises(InputError, match="did not arrive within"):
            fetch(f"http://127.0.0.1:{server.server_port}/flowers.csv")
        server.shutdown()


WRITTEN_OTHERWISE = {
    "semicolons": (lambda text: text.replace(",", ";"), "semicolons"),
    "bars": (lambda text: text.replace(",", "|"), "vertical bars"),
    "tabs": (lambda text: text.replace(",", "\t"), "tabs"),
    "white space": (lambda text: text.replace("length (cm)", '"length (cm)"').replace(",", "   "), "white space"),
    "sep= line": (lambda text: "sep=;\n" + text.replace(",", ";"), "semicolons"),
    "decimal commas": (lambda text: text.replace(",", ";").replace("6.5", "6,5"), "decimal commas"),
    "trailing separators": (lambda text: text.replace("\n", ",\n"), "empty field"),
    "trailing separators of rows": (lambda text: HEADER + text[len(HEADER) :].replace("\n", ",\n"), "empty field"),
    "blank lines above": (lambda text: "\n\n" + text, "blank lines"),
    "blank rows": (lambda text: text.replace("x\n", "x\n\n,,\n"), ""),
    "Windows line ends": (lambda text: text.replace("\n", "\r\n"), ""),
    "old Mac line ends": (lambda text: text.replace("\n", "\r"), ""),
    "R's row names": (
        lambda text: HEADER + "".join(f'"{n}",{r}\n' for n, r in enumerate(ROWS.split(), 1)),
        "row names",
    ),
    "white space around": (lambda text: text.replace(",x", ", x ").replace("3,", " 3,"), "white space around"),
}


@pytest.mark.parametrize(("rewrite", "note"), WRITTEN_OTHERWISE.values(), ids=WRITTEN_OTHERWISE)
def test_the_same_table_written_otherwise_is_the_same_dataset(flowers: Path, rewrite, note: str) -> None:  # type: ignore[no-untyped-def]  # a lambda
    expected = load_dataset(flowers).digest
    flowers.write_bytes(rewrite(HEADER + ROWS).encode())
    dataset = load_dataset(flowers)
    assert dataset.digest == expected
    assert note in "; ".join(dataset.notes)


@pytest.mark.parametrize("suffix", [".csv", ".txt", ".dat", ".data", ".tsv", ".csv.gz"])
def test_a_text_table_is_read_whatever_its_suffix(flowers: Path, suffix: str) -> None:
    content = flowers.read_bytes()
    other = flowers.with_name(f"other{suffix}")
    other.write_bytes(gzip.compress(content) if suffix.endswith("gz") else content)
    assert load_dataset(other).digest == load_dataset(flowers).digest


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "cp1252"])
def test_other_encodings_are_read_and_told(tmp_path: Path, encoding: str) -> None:
    text = "Länge,Breite,Blüte\n" + "".join(f"{row},{row % 3},{'Märzenbecher' if row % 2 else 'Schlüsselblume'}\n"
                                           for row in (3, 1, 4, 1, 5, 9, 2, 6, 5, 3, 5, 8))  # fmt: skip
    (tmp_path / "a.csv").write_bytes(text.encode(encoding))
    dataset = load_dataset(tmp_path / "a.csv", encoding="" if encoding != "cp1252" else "cp1252")
    assert dataset.classes == ("Märzenbecher", "Schlüsselblume")
    assert list(dataset.features.columns) == ["Länge", "Breite"]
    if encoding == "cp1252":
        assert "give encoding" in load_dataset(tmp_path / "a.csv").notes[0]


def test_labels_are_text_as_written(tmp_path: Path) -> None:
    labels = ["007", "7", "1.10", "1.1", "TRUE", "None", "NA", "nan", "-"]
    rows = "".join(f"{i * 7 % 5},{label}\n" for i in range(4) for label in labels)
    (tmp_path / "a.csv").write_text("width,kind\n" + rows)
    assert load_dataset(tmp_path / "a.csv").classes == tuple(sorted(labels))


def table_with(tmp_path: Path, name: str, values: list[object]) -> Path:
    path = tmp_path / "a.csv"
    frame = pd.DataFrame({name: values, "width": [n * 37 % 11 / 2 for n in range(len(values))]})
    frame.assign(kind=["xy"[n * 7 % 3 % 2] for n in range(len(values))]).to_csv(path, index=False)
    return path


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        (list(range(1, 31)), "it counts the rows"),
        ([n * 7 % 30 + 500 for n in range(30)], "it counts the rows"),
        ([f"Ann {n}" for n in range(30)], "different in every row"),
        (["xy"[n * 7 % 3 % 2] for n in range(30)], "copy of the target"),
    ],
)
def test_a_column_that_names_the_sample_or_the_answer_is_left_out(
    tmp_path: Path, values: list[object], reason: str
) -> None:
    path = table_with(tmp_path, "Id", values)
    dataset = load_dataset(path)
    assert list(dataset.features.columns) == ["width"]
    assert reason in dataset.notes[0]
    if isinstance(values[0], int):
        assert list(load_dataset(path, keep="Id").features.columns) == ["Id", "width"]


def test_other_unique_whole_numbers_are_kept_with_a_warning(tmp_path: Path) -> None:
    dataset = load_dataset(table_with(tmp_path, "serial", [n * n + 5 for n in range(30)]))
    assert "serial" in dataset.features and "is it an identifier" in dataset.notes[0]


def test_columns_are_dropped_by_name_and_a_wrong_name_is_refused(tmp_path: Path) -> None:
    path = table_with(tmp_path, "a,b", [n * n for n in range(30)])
    assert list(load_dataset(path, drop='"a,b"').features.columns) == ["width"]
    with pytest.raises(UnknownNameError, match="unknown column in drop 'widht': did you mean width"):
        load_dataset(path, drop="widht")
    with pytest.raises(InputError, match="drop names the target"):
        load_dataset(path, drop="kind")


def test_all_that_is_wrong_is_said_at_once(flowers: Path) -> None:
    flowers.write_text(HEADER + "red,2,x\n3,1e99,y\n5,7,\n" + "1,2,x\n" * 12)
    with pytest.raises(InputError, match="has 3 problems") as raised:
        load_dataset(flowers)
    assert [line.strip().split(":")[0] for line in str(raised.value).splitlines()[1:]] == [
        "line 2, column 'length (cm)'", "line 3, column 'width'", "line 4"
    ]  # fmt: skip


def test_classes_that_differ_by_case_only_are_named(flowers: Path) -> None:
    flowers.write_text(HEADER + ROWS.replace("5,6.5,x", "5,6.5,X"))
    assert "'X', 'x' differ by case only" in load_dataset(flowers).notes[0]


def test_true_and_false_are_a_feature_of_their_own_kind(flowers: Path) -> None:
    flowers.write_text(HEADER + "True,2,x\nfalse,4,y\nTRUE,6,x\n")
    dataset = load_dataset(flowers)
    assert dataset.features["length (cm)"].tolist() == [1, 0, 1]
    assert [feature.kind for feature in dataset.schema] == ["boolean", "number"]


@pytest.mark.parametrize("junk", ["__MACOSX/._flowers.csv", ".DS_Store", "read me.md"])
def test_the_one_table_in_an_archive_is_read(flowers: Path, junk: str) -> None:
    archive = flowers.with_name("download.zip")
    with zipfile.ZipFile(archive, "w") as file:
        file.write(flowers, "flowers.csv")
        file.writestr(junk, b"\0\1")
    assert load_dataset(archive).digest == load_dataset(flowers).digest
    with zipfile.ZipFile(archive, "a") as file:
        file.write(flowers, "other.csv")
    with pytest.raises(InputError, match="2 tables"):
        load_dataset(archive)


def test_a_large_table_may_have_line_breaks_in_its_fields_anywhere(tmp_path: Path) -> None:
    path = tmp_path / "notes.csv"
    for spaces in range(0, 40, 3):  # so that the sample from which the separator is found ends anywhere in a row
        rows = (f'{n % 9}.5,"one\ntwo, {n % 3}",{"xy"[n * 7 % 3 % 2]}\n' for n in range(4000))
        path.write_text(f"width,note,kind{' ' * spaces}\n" + "".join(rows))
        assert load_dataset(path, drop="note").features.shape == (4000, 1)
    path.write_text(path.read_text().replace('two, 2"', "two, 2", 1))
    with pytest.raises(InputError, match="quotation mark"):
        load_dataset(path, drop="note")


def test_what_may_be_dropped_of_a_bundled_table_is_as_with_any_other() -> None:
    names = load_dataset("iris").features.columns
    assert list(load_dataset("iris", drop=names[0]).features.columns) == list(names[1:])
    with pytest.raises(InputError, match="drop names the target 'species'"):
        load_dataset("iris", drop="species")
    with pytest.raises(InputError, match="leaves no feature"):
        load_dataset("iris", drop=",".join(names))


def test_a_table_gives_the_same_model_whether_it_is_bundled_or_a_file(tmp_path):
    bundled = load_dataset("iris")
    bundled.frame.to_csv(tmp_path / "mine.csv", index=False)
    own = load_dataset(tmp_path / "mine.csv")
    weights = [
        make_estimator("logistic").fit(dataset.features, dataset.target)[-1].coef_.tobytes()
        for dataset in (bundled, own)
    ]
    assert weights[0] == weights[1]
    assert bundled.features.to_numpy().flags.c_contiguous
