"""Model files made by someone who means harm: their digest agrees, and still none of their code runs."""

import bz2
import copyreg
import gzip
import hashlib
import json
import lzma
import pickle
import shutil
import struct
import subprocess
import sys
import warnings
import zlib
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pytest
from joblib.numpy_pickle import NumpyUnpickler
from mixed_table import mixed_dataset
from sklearn.tree._tree import Tree

from iris_lab.cli import main
from iris_lab.data.dataset import Dataset
from iris_lab.data.datasets import load_dataset
from iris_lab.errors import ArtifactError
from iris_lab.modeling import MODELS, load_model, make_estimator, make_split, save_model
from iris_lab.modeling.compiled import MAKERS
from iris_lab.modeling.pickles import FLOAT64, PLAIN, ModelUnpickler

TABLES = ("iris", "wine", "breast_cancer", "mixed")
FIVE = struct.Struct("<Q")


def dataset(table: str) -> Dataset:
    """Return a bundled dataset, or one with all kinds of features, each with gaps."""
    return mixed_dataset() if table == "mixed" else load_dataset(table)


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with a model of each kind, fitted on each table."""
    folder = tmp_path_factory.mktemp("models")
    for table in TABLES:
        split = make_split(dataset(table))
        for model in MODELS:
            estimator = make_estimator(model, 0, split.dataset.schema).fit(split.train_features, split.train_target)
            save_model(folder / f"{table}-{model}", estimator, split, model)
    private = make_estimator("logistic", 0, split.dataset.schema, private=True)
    save_model(folder / "private", private.fit(split.train_features, split.train_target), split, "logistic")
    return folder


@pytest.fixture
def folder(tmp_path: Path, runs: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a run that may be changed; what a bomb touches would appear beside it."""
    monkeypatch.chdir(tmp_path)
    return Path(shutil.copytree(runs / "iris-logistic", tmp_path / "run"))


def put(folder: Path, content: bytes) -> None:
    """Write a model file and, as its author would, a digest that agrees."""
    (folder / "model.joblib").write_bytes(content)
    info = json.loads((folder / "model.json").read_text())
    (folder / "model.json").write_text(json.dumps(info | {"sha256": hashlib.sha256(content).hexdigest()}))


def dumped(value: object) -> bytes:
    file = BytesIO()
    joblib.dump(value, file)
    return file.getvalue()


def refused(folder: Path, content: bytes) -> str:
    """Return the line with which a file is refused, after a look at whether any of its code has run."""
    put(folder, content)
    with pytest.raises(
        ArtifactError, match=r"^(model.joblib was not loaded: it |cannot load model.joblib: )"
    ) as raised:
        load_model(folder)
    assert [path.name for path in folder.parent.iterdir()] == ["run"]
    assert len(str(raised.value).splitlines()) == 1
    assert len(str(raised.value)) < 400
    return str(raised.value)


# --- the lists


def used(content: bytes) -> tuple[set[tuple[str, str]], set[int]]:
    """Return the names and the instructions that a file uses, nested pickles not counted among the latter."""
    names: set[tuple[str, str]] = set()
    codes: set[int] = set()

    def noted(code: int) -> Callable[[Any], None]:
        def act(unpickler: Any) -> None:
            codes.add(code)
            NumpyUnpickler.dispatch[code](unpickler)

        return act

    class Noting(NumpyUnpickler):  # type: ignore[misc]  # joblib has no types
        dispatch = {code: noted(code) for code in NumpyUnpickler.dispatch}  # noqa: RUF012  # the base has it, too

        def find_class(self, module: str, name: str) -> Any:
            names.add((module, name))
            return super().find_class(module, name)

    Noting("", BytesIO(content), ensure_native_byte_order=True).load()
    return names, codes


def test_the_lists_are_what_our_models_use_and_no_more(runs: Path) -> None:
    found = [used(path.read_bytes()) for path in runs.glob("*/model.joblib")]
    assert set[tuple[str, str]]().union(*(names for names, _ in found)) == PLAIN | MAKERS.keys() | {FLOAT64}
    allowed = {code for code, act in ModelUnpickler.dispatch.items() if act is not ModelUnpickler.refuse}
    assert set[int]().union(*(codes for _, codes in found)) <= allowed


@pytest.mark.parametrize("table", TABLES)
@pytest.mark.parametrize("model", MODELS)
def test_every_model_is_loaded_bit_for_bit(runs: Path, table: str, model: str) -> None:
    folder, rows = runs / f"{table}-{model}", dataset(table).features
    loaded, trusted = load_model(folder).estimator, load_model(folder, trust=True).estimator
    assert loaded.predict_proba(rows).tobytes() == trusted.predict_proba(rows).tobytes()
    assert loaded.predict(rows).tolist() == trusted.predict(rows).tolist()


# --- programs


def text(words: str) -> bytes:
    return pickle.SHORT_BINUNICODE + bytes([len(words)]) + words.encode()


def name(module: str, name: str) -> bytes:
    return text(module) + text(name) + pickle.STACK_GLOBAL


def program(*parts: bytes) -> bytes:
    return b"".join([pickle.PROTO, b"\x04", *parts, pickle.STOP])


def call(module: str, function: str, *arguments: str) -> bytes:
    return program(name(module, function), pickle.MARK, *map(text, arguments), pickle.TUPLE, pickle.REDUCE)


TOUCH = "touch sprung"
NAMES = [
    ("os", "system"), ("posix", "system"), ("nt", "system"), ("subprocess", "Popen"), ("builtins", "eval"),
    ("builtins", "exec"), ("builtins", "getattr"), ("builtins", "__import__"), ("__builtin__", "eval"),
    ("pickle", "loads"), ("joblib", "load"), ("numpy", "load"), ("pandas", "read_pickle"), ("pandas", "eval"),
    ("functools", "partial"), ("operator", "attrgetter"), ("copyreg", "_reconstructor"), ("types", "CodeType"),
    ("numpy.f2py", "run_main"), ("numpy", "memmap"), ("numpy.core.multiarray", "scalar"), ("sys", "modules"),
    ("joblib.numpy_pickle_compat", "NDArrayWrapper"), ("joblib.numpy_pickle", "pickle"),
    ("sklearn.preprocessing", "FunctionTransformer"), ("sklearn.pipeline", "make_pipeline"), ("sklearn.pipeline", "os"),
    ("sklearn.pipeline", "Pipeline.__init__.__globals__"), ("sklearn.pipeline", "Pipeline.predict"),
    ("numpy", "dtype.type"), ("numpy", "lib"), ("", ""), ("sklearn.pipeline ", "Pipeline"), ("os\nsystem", "a\x1b[2J"),
]  # fmt: skip


@pytest.mark.parametrize(("module", "function"), NAMES, ids=lambda given: ascii(given)[1:-1] or "empty")
def test_a_name_that_no_model_needs_is_refused_and_said(folder: Path, module: str, function: str) -> None:
    line = refused(folder, call(module, function, TOUCH))
    asked = ascii(f"{module}.{function}")[1:-1]
    assert f"it asks for {asked}, expected only the parts of the available models; trust=True (--trust)" in line


def test_the_bomb_works_where_it_is_trusted(folder: Path) -> None:
    put(folder, call("os", "system", TOUCH))
    with pytest.raises(ArtifactError, match=r"it is an int, expected a fitted classifier$"):
        load_model(folder, trust=True)
    assert (folder.parent / "sprung").exists()


@pytest.mark.parametrize("command", [["serve", "run", "--port", "0"], ["predict", "run", "table.csv"]])
def test_serve_and_predict_refuse_a_bomb_and_a_number_in_one_line(folder: Path, command: list[str]) -> None:
    (folder.parent / "table.csv").write_text("a\n1\n")
    for content, words in (
        (call("os", "system", TOUCH), "asks for os.system"),
        (dumped(np.array([1])), "is a ndarray"),
    ):
        put(folder, content)
        ended = subprocess.run([sys.executable, "-m", "iris_lab", *command], capture_output=True, text=True, timeout=60)
        assert (ended.returncode, ended.stdout) == (2, "")
        assert ended.stderr.startswith(f"iris-lab: model.joblib was not loaded: it {words}, expected ")
        assert ended.stderr.count("\n") == 1
    assert not (folder.parent / "sprung").exists()


def test_predict_runs_a_bomb_only_where_it_is_trusted(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    put(folder, call("os", "system", TOUCH))
    assert main(["predict", "run", "run/model.json"]) == 2
    assert not (folder.parent / "sprung").exists()
    assert main(["predict", "run", "run/model.json", "--trust"]) == 2
    assert (folder.parent / "sprung").exists()
    assert capsys.readouterr().err.endswith("it is an int, expected a fitted classifier\n")


INSTRUCTIONS = {
    "GLOBAL": b"\x80\x02cos\nsystem\n(S'touch sprung'\ntR.",
    "INST": b"\x80\x02(S'touch sprung'\nios\nsystem\n.",
    "OBJ": b"\x80\x02(cos\nsystem\nS'touch sprung'\no.",
    "EXT1": program(pickle.EXT1, b"\xf0", text(TOUCH), pickle.TUPLE1, pickle.REDUCE),
    "EXT2": program(pickle.EXT2, b"\xf0\0", text(TOUCH), pickle.TUPLE1, pickle.REDUCE),
    "EXT4": program(pickle.EXT4, b"\xf0\0\0\0", text(TOUCH), pickle.TUPLE1, pickle.REDUCE),
    "PERSID": program(pickle.PERSID, b"1\n"),
    "BINPERSID": program(text("1"), pickle.BINPERSID),
    "NEWOBJ_EX": program(name("sklearn.pipeline", "Pipeline"), pickle.EMPTY_TUPLE, pickle.EMPTY_DICT, pickle.NEWOBJ_EX),
    "NEXT_BUFFER": program(pickle.NEXT_BUFFER),
    "BYTEARRAY8": program(pickle.BYTEARRAY8, FIVE.pack(2**40)),
    "BINBYTES8": program(pickle.BINBYTES8, FIVE.pack(2**60)),
    "FROZENSET": program(pickle.MARK, pickle.FROZENSET),
    "INT": program(pickle.INT, b"9" * 100_000, b"\n"),
    "LONG_BINPUT": program(pickle.NONE, pickle.LONG_BINPUT, b"\xff\xff\xff\xff"),
    "unknown": program(b"\xff"),
}


@pytest.mark.parametrize("content", INSTRUCTIONS.values(), ids=INSTRUCTIONS)
def test_an_instruction_that_no_model_needs_is_refused(folder: Path, content: bytes) -> None:
    copyreg.add_extension("os", "system", 0xF0)
    try:
        assert "it uses a pickle instruction that our model files don't need" in refused(folder, content)
    finally:
        copyreg.remove_extension("os", "system", 0xF0)


BOMB = call("os", "system", TOUCH)
SQUEEZED = {
    "zlib": zlib.compress(BOMB),
    "gzip": gzip.compress(BOMB),
    "bz2": bz2.compress(BOMB),
    "xz": lzma.compress(BOMB),
    "lzma": lzma.compress(BOMB, lzma.FORMAT_ALONE),
    "joblib before 0.10": b"ZF0x13               " + zlib.compress(BOMB),
    "a gigabyte": zlib.compress(bytes(2**26), 9),
    "protocol 0": b"cos\nsystem\n(S'touch sprung'\ntR.",
    "empty": b"",
    "text": b"PK\x03\x04",
}


@pytest.mark.parametrize("content", SQUEEZED.values(), ids=SQUEEZED)
def test_what_is_compressed_or_no_pickle_is_not_unpacked(folder: Path, content: bytes) -> None:
    assert "it is not an uncompressed pickle" in refused(folder, content)


PIPELINE = name("sklearn.pipeline", "Pipeline")
WRAPPER = name("joblib.numpy_pickle", "NumpyArrayWrapper")


def number_of(count: int) -> bytes:
    return pickle.BININT + struct.pack("<i", count)


PLAIN_STATE = number_of(3) + text("<") + pickle.NONE * 3 + number_of(-1) * 2 + number_of(0)
POINTERS = number_of(3) + text("|") + pickle.NONE * 3 + number_of(-1) * 2 + number_of(63) + pickle.TUPLE


def dtype_of(spec: str) -> bytes:
    return name("numpy", "dtype") + text(spec) + pickle.NEWFALSE + pickle.NEWTRUE + pickle.TUPLE3 + pickle.REDUCE


def array_of(*lengths: int, dtype: bytes = b"") -> bytes:
    """Return the head of an array; its numbers are missing."""
    items = [
        (text("shape"), pickle.MARK + b"".join(map(number_of, lengths)) + pickle.TUPLE),
        (text("dtype"), dtype or dtype_of("f8") + pickle.MARK + PLAIN_STATE + pickle.TUPLE + pickle.BUILD),
        (text("order"), text("C")),
    ]
    state = pickle.EMPTY_DICT + b"".join(key + value + pickle.SETITEM for key, value in items)
    return WRAPPER + pickle.EMPTY_TUPLE + pickle.NEWOBJ + state + pickle.BUILD


def empty_texts(count: int) -> bytes:
    made = name("numpy._core.multiarray", "_reconstruct") + pickle.EMPTY_TUPLE + pickle.REDUCE
    kind = dtype_of("O8") + pickle.MARK + POINTERS + pickle.BUILD
    state = number_of(1) + number_of(count) + pickle.TUPLE1 + kind + pickle.NEWFALSE + pickle.EMPTY_LIST
    return made + pickle.MARK + state + pickle.TUPLE + pickle.BUILD


ODD = {
    "a call of a class": (PIPELINE + pickle.EMPTY_TUPLE + pickle.REDUCE, "something that is not a function"),
    "a call of a text": (text("os.system") + text(TOUCH) + pickle.TUPLE1 + pickle.REDUCE, "something that is not"),
    "an object with arguments": (PIPELINE + text("x") + pickle.TUPLE1 + pickle.NEWOBJ, "made with arguments"),
    "an object of a text": (text("x") + pickle.EMPTY_TUPLE + pickle.NEWOBJ, "made with arguments"),
    "an object of a maker": (name("numpy", "ndarray") + pickle.EMPTY_TUPLE + pickle.NEWOBJ, "made with arguments"),
    "attributes of a class": (
        WRAPPER + pickle.NONE + pickle.EMPTY_DICT + text("read") + PIPELINE + pickle.SETITEM + pickle.TUPLE2
        + pickle.BUILD,
        "attributes of an object that has none",
    ),
    "attributes of a maker": (name("numpy", "dtype") + pickle.EMPTY_DICT + pickle.BUILD, "an object that has none"),
    "slots": (
        PIPELINE + pickle.EMPTY_TUPLE + pickle.NEWOBJ + pickle.NONE + pickle.EMPTY_DICT + pickle.TUPLE2 + pickle.BUILD,
        "attributes of an object that has none",
    ),
    "a version with a thousand values": (
        PIPELINE + pickle.EMPTY_TUPLE + pickle.NEWOBJ + pickle.EMPTY_DICT + text("_sklearn_version")
        + pickle.EMPTY_LIST + pickle.SETITEM + pickle.BUILD,
        "an invalid version",
    ),
    "a key that is a tuple in a tuple": (
        pickle.EMPTY_DICT + pickle.EMPTY_TUPLE + pickle.TUPLE1 * 300_000 + pickle.NONE + pickle.SETITEM,
        "attributes that are not a dictionary of names",
    ),
    "an item of a class": (PIPELINE + text("x") + pickle.NONE + pickle.SETITEM, "attributes that are not a dictionary"),
    "a list that is a class": (PIPELINE + text("x") + pickle.APPEND, "something that is not a list"),
    "an array of terabytes": (array_of(2**30, 2**30), "an array larger than the file"),
    "an array of less than nothing": (array_of(-1), "an array without a shape"),
    "an array of pointers": (dtype_of("O8") + text("x") + pickle.BUILD, "an array of another type"),
    "an array of structures": (dtype_of("i8,O"), "an array of another type"),
    "pointers that pass for numbers": (
        array_of(2, dtype=dtype_of("O8") + pickle.MARK + PLAIN_STATE + pickle.TUPLE + pickle.BUILD) + bytes(32),
        "an array of another type",
    ),
    "numbers that pass for pointers": (dtype_of("f8") + pickle.MARK + POINTERS + pickle.BUILD, "of another type"),
    "a version that writes on the terminal": (
        PIPELINE + pickle.EMPTY_TUPLE + pickle.NEWOBJ + pickle.EMPTY_DICT + text("_sklearn_version")
        + text("1\n\x1b[2J") + pickle.SETITEM + pickle.BUILD,
        "an invalid version",
    ),
    "a scalar that is an object": (
        name("numpy._core.multiarray", "scalar") + dtype_of("O8") + PIPELINE + pickle.TUPLE2 + pickle.REDUCE,
        "an invalid number",
    ),
    "a list of texts too short": (empty_texts(1000), "an array of objects other than texts"),
    "a nested pickle": (array_of(1, dtype=dtype_of("O8")) + BOMB, "asks for os.system"),
    "a nested integer": (array_of(1, dtype=dtype_of("O8")) + program(pickle.NONE), "an invalid array"),
}  # fmt: skip


@pytest.mark.parametrize(("body", "words"), ODD.values(), ids=ODD)
def test_an_allowed_name_used_oddly_is_refused(folder: Path, body: bytes, words: str) -> None:
    assert words in refused(folder, program(body))


def test_a_class_is_as_it_was_after_a_refused_file(folder: Path) -> None:
    before = dict(vars(joblib.numpy_pickle.NumpyArrayWrapper))
    refused(folder, program(ODD["attributes of a class"][0]))
    assert dict(vars(joblib.numpy_pickle.NumpyArrayWrapper)) == before


# --- objects that are no model, or a treacherous one


class Trap:
    def __reduce__(self) -> tuple[object, tuple[str]]:
        return __import__("os").system, (TOUCH,)  # type: ignore[return-value]


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("wrap", [lambda trap: trap, lambda trap: np.array([trap], object), lambda trap: [{"a": trap}]])
def test_a_trap_among_the_attributes_of_a_model_is_not_sprung(
    folder: Path, runs: Path, model: str, wrap: Callable[[object], object]
) -> None:
    estimator = joblib.load(runs / f"iris-{model}" / "model.joblib")
    estimator[-1].note = wrap(Trap())
    assert "asks for posix.system" in refused(folder, dumped(estimator))


@pytest.mark.parametrize("value", [1, None, "model", {"a": 1}, [], b"model", make_estimator()[-1], np.arange(3)])
def test_what_is_no_pipeline_is_one_clear_line(folder: Path, value: object) -> None:
    line = refused(folder, dumped(value))
    assert "expected a Pipeline" in line or "instruction" in line


def test_an_unfitted_pipeline_and_one_of_another_table_are_refused(folder: Path, runs: Path) -> None:
    assert "has 0 features, expected the 4 described" in refused(folder, dumped(make_estimator()))
    wine = (runs / "wine-lda" / "model.joblib").read_bytes()
    assert "of another shape" in refused(folder, wine)


def test_features_in_another_order_and_other_classes_are_refused(folder: Path) -> None:
    estimator = joblib.load(folder / "model.joblib")
    estimator[-1].classes_ = np.array([0, 1, 3])
    other = joblib.load(folder / "model.joblib")
    other[0].feature_names_in_ = other[0].feature_names_in_[::-1].copy()
    assert "expected the 4 described, by name and in that order" in refused(folder, dumped(other))
    assert "has 3 classes, expected the codes of the 3 described" in refused(folder, dumped(estimator))


def laughs() -> object:
    value: object = 1.0
    for _ in range(60):
        value = [value, value]
    return value


def cycle() -> object:
    value: list[object] = []
    value.append(value)
    return value


@pytest.mark.parametrize("make", [laughs, cycle])
def test_values_without_end_are_refused(folder: Path, make: Callable[[], object]) -> None:
    estimator = joblib.load(folder / "model.joblib")
    estimator[0].mean_ = make()
    assert "holds more values than its file has bytes" in refused(folder, dumped(estimator))


def change(folder: Path, runs: Path, model: str, act: Callable[[Any], object]) -> str:
    """Return what a model of iris is refused with after a change to its classifier, or to its standardization."""
    estimator = joblib.load(runs / f"iris-{model}" / "model.joblib")
    act(estimator)
    return refused(folder, dumped(estimator))


def svc(estimator: Any) -> Any:
    return estimator[-1].calibrated_classifiers_[0].estimator


CHANGES: dict[str, tuple[str, Callable[[Any], object], str]] = {
    "NaN in a weight": ("logistic", lambda it: it[-1].coef_.fill(np.nan), "coef_ of another shape, or not finite"),
    "a weight too few": ("lda", lambda it: setattr(it[-1], "coef_", it[-1].coef_[:, :3]), "coef_ of another shape"),
    "weights in a list": ("lda", lambda it: setattr(it[-1], "coef_", it[-1].coef_.tolist()), "coef_ of another shape"),
    "infinite means": ("knn", lambda it: it[0].mean_.fill(np.inf), "mean_ of another shape, or not finite"),
    "a scale of one number": ("knn", lambda it: setattr(it[0], "scale_", np.ones(1)), "scale_ of another shape"),
    "a scale of zero": ("logistic", lambda it: it[0].scale_.fill(0), "ValueError: Input X contains infinity"),
    "a method that is a text": ("logistic", lambda it: setattr(it[-1], "predict_proba", "x"), "TypeError"),
    "an attribute that is a class": ("lda", lambda it: setattr(it[-1], "x", type(it)), "among its attributes"),
    "a million threads": ("forest", lambda it: it[-1].set_params(n_jobs=10**6), "more than 64 threads"),
    "support vectors too few": (
        "svm", lambda it: setattr(svc(it), "support_vectors_", np.ones((2, 4))), "another shape",
    ),
    "counts too high": ("svm", lambda it: svc(it)._n_support.fill(10**6), "support vectors of no class"),
    "counts below zero": (
        "svm", lambda it: setattr(svc(it), "_n_support", np.array([-9, 9, len(svc(it).support_)], np.int32)),
        "support vectors of no class",
    ),
    "weights of vectors missing": ("svm", lambda it: setattr(svc(it), "_dual_coef_", np.ones((1, 9))), "another shape"),
    "no weights at all": ("svm", lambda it: setattr(svc(it), "_dual_coef_", None), "another shape"),
    "a kernel by index": ("svm", lambda it: setattr(svc(it), "kernel", "precomputed"), "of another kind"),
    "another machine": ("svm", lambda it: setattr(svc(it), "_impl", "one_class"), "of another kind"),
    "a calibration of NaN": (
        "svm", lambda it: setattr(it[-1].calibrated_classifiers_[0].calibrators[0], "a_", float("nan")),
        "not predict a distribution",
    ),
    "a calibration for three rows": (
        "svm", lambda it: setattr(it[-1].calibrated_classifiers_[0].calibrators[0], "a_", np.ones(3)), "ValueError",
    ),
    "a neighbour that is NaN": ("knn", lambda it: it[-1]._fit_X.fill(np.nan), "ValueError: Input X contains NaN"),
    "a neighbour of no class": ("knn", lambda it: it[-1]._y.fill(10**9), "IndexError"),
    "neighbours of one class": ("knn", lambda it: it[-1]._y.fill(0), "has 1 classes"),
    "too many neighbours": ("knn", lambda it: it[-1].set_params(n_neighbors=10**9), "ValueError"),
    "fewer columns for a tree": (
        "forest", lambda it: it.steps.insert(1, ("lda", it.steps[0][1])), "does not have two steps",
    ),
    "no standardization": ("forest", lambda it: it.steps.__setitem__(0, it.steps[1]), "does not standardize first"),
    "a pipeline in a pipeline": ("svm", lambda it: setattr(it[-1], "estimator", make_estimator()), "in a pipeline"),
    "a forest without trees": ("forest", lambda it: it[-1].estimators_.clear(), "cannot load"),
}  # fmt: skip


@pytest.mark.parametrize(("model", "act", "words"), CHANGES.values(), ids=CHANGES)
def test_numbers_that_cannot_be_a_models_are_refused(
    folder: Path, runs: Path, model: str, act: Callable[[Any], object], words: str
) -> None:
    assert words in change(folder, runs, model, act)


def felled(features: int = 4, classes: int = 3, **columns: tuple[int, float]) -> Callable[[Any], object]:
    """Return an act that gives a forest a tree with other nodes: the column, which node, the value."""

    def act(estimator: Any) -> None:
        last = estimator[-1].estimators_[7]
        state = last.tree_.__getstate__()
        for column, (node, value) in columns.items():
            if column == "values":
                state["values"][node] = value
            else:
                state["nodes"][column][node] = value
        if classes != 3:
            state["values"] = np.ones((state["node_count"], 1, classes)) / classes
        last.tree_ = Tree(features, np.array([classes]), 1)
        last.tree_.__setstate__(state)

    return act


FELLED = {
    "a circle": (felled(left_child=(0, 0)), "a tree with invalid links"),
    "out of its arrays": (felled(right_child=(0, 10**6)), "a tree with invalid links"),
    "before its arrays": (felled(left_child=(0, -7)), "a tree with invalid links"),
    "half a fork": (felled(left_child=(0, -1)), "half a fork"),
    "a feature that is not there": (felled(feature=(0, 4)), "an unknown feature"),
    "a feature before the first": (felled(feature=(0, -1000)), "an unknown feature"),
    "a feature of a wider table": (felled(features=9, feature=(0, 8)), "for other features or classes"),
    "a threshold of NaN": (felled(threshold=(0, np.nan)), "an invalid threshold"),
    "a leaf of NaN": (felled(values=(-1, np.nan)), "without numbers"),
    "a leaf of too much": (felled(values=(-1, 1e9)), "without probabilities"),
    "a leaf below zero": (felled(values=(-1, -1 / 3)), "without probabilities"),
    "another class": (felled(classes=4), "for other features or classes"),
    "no nodes": (lambda it: setattr(it[-1].estimators_[7], "tree_", Tree(4, np.array([3]), 1)), "an empty tree"),
}


@pytest.mark.parametrize(("act", "words"), FELLED.values(), ids=FELLED)
def test_a_tree_that_scikit_learn_would_follow_blindly_is_refused(
    folder: Path, runs: Path, act: Callable[[Any], object], words: str
) -> None:
    assert words in change(folder, runs, "forest", act)


def test_a_search_tree_is_made_anew_from_its_samples(folder: Path, runs: Path) -> None:
    estimator = joblib.load(runs / "iris-knn" / "model.joblib")
    rows, last = load_dataset("iris").features, estimator[-1]
    expected = estimator.predict_proba(rows).tolist()
    state = list(last._tree.__getstate__())
    state[1] = state[1] + 10**9  # the index of each sample
    last._tree.__setstate__(tuple(state))
    put(folder, dumped(estimator))
    assert load_model(folder).estimator.predict_proba(rows).tolist() == expected


@pytest.mark.parametrize("model", MODELS)
def test_a_file_cut_short_or_changed_in_any_byte_is_a_model_or_one_line(folder: Path, runs: Path, model: str) -> None:
    content = (runs / f"iris-{model}" / "model.joblib").read_bytes()
    rng = np.random.default_rng(0)
    for place in rng.integers(0, min(len(content), 8000), 60):
        refused(folder, content[:place])
        put(folder, content[:place] + bytes([content[place] ^ int(rng.integers(1, 256))]) + content[place + 1 :])
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # a version, changed
            try:
                load_model(folder)
            except ArtifactError as error:
                assert len(str(error).splitlines()) == 1
