import gzip
import threading
from collections.abc import Iterator
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from iris_lab.data.datasets import BUNDLED, Dataset, load_dataset, unit_of
from iris_lab.errors import InputError, UnknownNameError

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
    values = np.random.default_rng(0).normal(size=200) * 10.0 ** np.random.default_rng(1).integers(-200, 200, 200)
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
        (["1.0", "0.0", "1.0", "0.0"], ("0", "1")),
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
    assert [unit_of(name) for name in ("petal width (cm)", "mass [kg] ", "age", "f(x) of y")] == ["cm", "kg", "", ""]
    assert set(load_dataset("iris").units.values()) == {"cm"}


def test_surplus_white_space_in_names_is_dropped(flowers: Path) -> None:
    flowers.write_text('" length ","petal\n width",kind\n' + ROWS)
    assert load_dataset(flowers).features.columns.tolist() == ["length", "petal width"]


BAD_TABLES = {
    "semicolons": (HEADER.replace(",", ";") + ROWS.replace(",", ";"), "one column, .*separated by ','"),
    "nothing": ("", "No columns"),
    "header only": (HEADER, "no rows"),
    "one class": (HEADER + "1,2,x\n3,4,x\n", r"one class only \(x\)"),
    "text": (HEADER + "1,2,x\n3,red,y\n", "feature 'width' is not a number in row 2: 'red'"),
    "decimal commas": (HEADER + '1,"2,5",x\n3,"4,5",y\n', "feature 'width' is not a number in row 1: '2,5'"),
    "date": (HEADER + "2020-01-01,2,x\n2020-01-02,4,y\n", "not a number in row 1: '2020-01-01'"),
    "hole": (HEADER + "1,2,x\n3,,y\n", "'width' is missing or infinite in row 2"),
    "infinity": (HEADER + "1,2,x\ninf,4,y\n", "is missing or infinite in row 2"),
    "too large": (HEADER + "1e400,2,x\n3,4,y\n", "is missing or infinite in row 1"),
    "no class": (HEADER + "1,2,\n3,4,y\n5,6,x\n", "target 'kind' is missing in row 1"),
    "class called None": (HEADER + "1,2,None\n3,4,y\n5,6,x\n", "or is called NA or None"),
    "same name twice": ("width,width,kind\n" + ROWS, "two columns 'width'"),
    "same name but for a space": ("width, width,kind\n" + ROWS, "two columns 'width'"),
    "no name": ("width,,kind\n" + ROWS, "a column without a name"),
    "a measurement": ("a,b\n" + "".join(f"{i},{i * 1.37}\n" for i in range(99)), "99 distinct values in 99 rows"),
    "rough measurement": ("a,b\n" + "".join(f"{i},{i % 30 + 0.5}\n" for i in range(990)), "30 distinct values"),
    "ragged": (HEADER + "1,2,x\n3,4,y,9,9\n", "Expected 3 fields in line 3"),
    "open quote": (HEADER + '1,"2,x\n3,4,y\n', "EOF inside string"),
    "web page": ("<html><body>not found</body></html>", "one column"),
}


@pytest.mark.parametrize(("content", "message"), BAD_TABLES.values(), ids=BAD_TABLES)
def test_a_table_that_cannot_be_used_is_one_clear_line(flowers: Path, content: str, message: str) -> None:
    flowers.write_text(content)
    with pytest.raises(InputError, match=message) as raised:
        load_dataset(flowers)
    assert len(str(raised.value).splitlines()) == 1


BAD_FILES = {
    "Latin-1": ("a.csv", (HEADER + ROWS).replace("x", "é").encode("latin-1"), "not UTF-8 text"),
    "UTF-16": ("a.csv", (HEADER + ROWS).encode("utf-16"), "not UTF-8 text"),
    "Excel": ("a.xlsx", b"PK\3\4", "unknown kind: expected .csv, .tsv or .parquet"),
    "Excel by another name": ("a.csv", b"PK\3\4\x14\0\6\0\xff\xfe", "not UTF-8 text"),
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
        ("s3://bucket/table.csv", "does not exist"),
        ("http://[::1/table.csv", "neither a path nor an address"),
        ("http://127.0.0.1:9/table.csv", "cannot read data file .*refused"),
        ("https://example.invalid/download?id=3", "unknown kind"),
    ],
)
def test_a_source_that_is_not_there_is_one_clear_line(source: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        load_dataset(source)


def test_an_unknown_target_names_the_nearest_column() -> None:
    with pytest.raises(UnknownNameError, match="unknown target column 'specie': did you mean species"):
        load_dataset("iris", "specie")


def test_a_target_named_by_mistake_leaves_the_right_one_as_a_bad_feature() -> None:
    with pytest.raises(InputError, match="23 distinct values in 150 rows: expected classes"):
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
    with pytest.raises(InputError, match=r"cannot read data file .*404"):
        load_dataset(f"{address}/other.csv")
