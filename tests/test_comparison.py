"""Two runs compared artifact by artifact: an alteration is named with its place, rounding is not a difference."""

import base64
import json
import shutil
from io import BytesIO
from pathlib import Path

import joblib
import numpy as np
import pytest
from PIL import Image
from tampering import PUBLISHED, edit, edit_json, edit_pixel, edit_pixels, forge

from iris_lab.workflow.comparison.artifacts import Runs, compare
from iris_lab.workflow.comparison.findings import DIFFERENT, EQUIVALENT, IDENTICAL
from iris_lab.workflow.comparison.texts import compare_tables, compare_texts, compare_trees, texts_close
from iris_lab.workflow.layout import CRATE_FILE


@pytest.fixture
def run(tmp_path):
    return Path(shutil.copytree(PUBLISHED, tmp_path / "iris"))


def compared(run, name, **options):
    return compare(name, Runs(run, PUBLISHED, **options))


def test_equal_bytes_are_identical(run):
    assert compared(run, "metrics.json").verdict == IDENTICAL


def test_a_number_altered_by_hand_is_named_with_both_values(run):
    edit_json(run / "metrics.json", lambda metrics: metrics.update({"evaluate.accuracy": 0.98}))
    found = compared(run, "metrics.json")
    recorded = json.loads((PUBLISHED / "metrics.json").read_text())["evaluate.accuracy"]
    assert found.verdict == DIFFERENT
    difference = found.difference
    assert (difference.where, difference.was, difference.now) == ("evaluate.accuracy", "0.98", repr(recorded))


def test_a_rounding_error_is_equivalent(run):
    edit_json(run / "metrics.json", lambda m: m.update({"evaluate.accuracy": m["evaluate.accuracy"] * (1 + 1e-12)}))
    assert compared(run, "metrics.json", rounded=True).verdict == EQUIVALENT


def test_a_rounding_error_is_different_if_no_library_or_processor_changed(run):
    edit_json(run / "metrics.json", lambda m: m.update({"evaluate.accuracy": m["evaluate.accuracy"] * (1 + 1e-12)}))
    assert compared(run, "metrics.json").verdict == DIFFERENT
    assert compared(run, "metrics.json", redrawn=True).verdict == DIFFERENT


@pytest.mark.parametrize(
    ("was", "now", "same"),
    [
        ("mean 0.123456789012345", "mean 0.123456789012346", True),
        ("mean 0.1234567890123", "mean 0.1234567890124", False),  # not all digits of a computed number
        ("class 10000000001", "class 10000000002", False),
        ("class 1.0000000001", "class 1.0000000002", False),
        ("residual 3.1e-13", "residual 9.9e-13", False),
        ("id a1.234567890123456", "id a1.234567890123457", False),
        ("mean 0.123", "mean 0.124", False),
        ("mean 0.0", "mean 1e-17", False),
        ("mean 1", "mean nan", False),
        ("3 of 4", "3 of 5", False),
        ("3 of 4", "4", False),
        ("v1.2.3", "v1.2.4", False),
        ("a1b2", "a1b3", False),
        ("1", "1 ", False),
    ],
)
def test_texts_are_close_when_only_their_numbers_round_differently(was, now, same):
    assert texts_close(was, now, rounded=True) is same
    assert not texts_close(was, now)


def test_a_million_digits_take_one_pass():
    assert compare_texts("1" * 1_000_000 + "a", "1" * 1_000_000 + "b").where == "line 1"


def test_a_sample_in_the_other_subset_is_named(run):
    edit(run / "split.csv", ",train\n", ",test\n")
    found = compared(run, "split.csv")
    assert found.verdict == DIFFERENT
    assert found.difference.where.endswith("column 'subset'")
    assert (found.difference.was, found.difference.now) == ("test", "train")


def test_one_pixel_is_found_and_shown(run):
    edit_pixel(run / "figures" / "pairs.png")
    found = compared(run, "figures/pairs.png")
    assert found.verdict == DIFFERENT
    assert found.difference.where.startswith("1 of ")
    assert "column 300, row 300" in found.difference.where
    old, new, difference = (np.asarray(Image.open(BytesIO(picture))) for picture in found.difference.pictures)
    assert old.shape == (*new.shape[:2], 4) == difference.shape
    assert tuple(difference[300, 300][:3]) == (213, 0, 50)


def test_the_same_pixels_in_another_file_are_equivalent_only_where_another_library_packed_them(run):
    edit_pixels(run / "figures" / "pairs.png", lambda pixels: None, optimize=False, compress_level=1)
    assert compared(run, "figures/pairs.png").verdict == DIFFERENT
    assert compared(run, "figures/pairs.png", redrawn=True).verdict == EQUIVALENT


def test_a_figure_painted_over_is_different_under_any_drawing_library(run):
    path = run / "figures" / "pairs.png"
    picture = Image.open(path).convert("RGBA")
    picture.paste((0, 0, 0, 255), (0, 0, picture.width // 2, picture.height // 2))
    picture.save(path)
    assert compared(run, "figures/pairs.png", redrawn=True).verdict == DIFFERENT


@pytest.mark.parametrize("content", [b"", b"\x89PNG\r\n\x1a\n", b"GIF89a", b"x" * 1000])
def test_what_is_no_picture_is_different(run, content):
    (run / "figures" / "pairs.png").write_bytes(content)
    assert "no readable PNG" in compared(run, "figures/pairs.png").difference.was


def test_a_figure_of_another_size_is_different(run):
    Image.new("RGB", (20, 10)).save(run / "figures" / "pairs.png")
    found = compared(run, "figures/pairs.png")
    assert (found.difference.where, found.difference.was) == ("size in pixels", "20 × 10")


def test_a_drawing_with_another_shape_is_different(run):
    edit(run / "figures" / "pairs.svg", "<path", "<script/><path")
    assert "<script/>" in compared(run, "figures/pairs.svg").difference.was


def test_a_drawing_with_another_text_is_different_under_any_drawing_library(run):
    edit(run / "figures" / "pairs.svg", "<!-- setosa -->", "<!-- virginica -->")
    assert compared(run, "figures/pairs.svg", redrawn=True).verdict == DIFFERENT


def test_an_output_altered_in_a_notebook_is_named_by_cell_and_output(run):
    def change(notebook):
        cells = enumerate(notebook["cells"], 1)
        for number, cell in cells:
            for output in cell.get("outputs", []):
                if output.get("name") == "stdout":
                    output["text"] = "all is well\n"
                    return number
        pytest.skip("no notebook prints")

    edit_json(run / "03_evaluate.ipynb", change)
    found = compared(run, "03_evaluate.ipynb").difference
    assert "output 1" in found.where
    assert found.was == "all is well"


def test_a_picture_altered_in_a_notebook_is_shown(run, tmp_path):
    def change(notebook):
        outputs = [output for cell in notebook["cells"] for output in cell.get("outputs", [])]
        data = next(output["data"] for output in outputs if "image/png" in output.get("data", {}))
        (tmp_path / "one.png").write_bytes(base64.b64decode("".join(data["image/png"])))
        edit_pixel(tmp_path / "one.png")
        data["image/png"] = base64.b64encode((tmp_path / "one.png").read_bytes()).decode()

    edit_json(run / "01_eda.ipynb", change)
    found = compared(run, "01_eda.ipynb").difference
    assert "image/png, 1 of " in found.where
    assert len(found.pictures) == 3


def test_edited_code_is_named_by_its_cell(run):
    def change(notebook):
        cell = next(cell for cell in notebook["cells"] if cell["cell_type"] == "code")
        cell["source"] = ["import os\n", "os.system('true')"]

    edit_json(run / "02_train.ipynb", change)
    found = compared(run, "02_train.ipynb").difference
    assert found.where.startswith("cell ")
    assert "os.system" in found.was


def test_an_added_cell_is_named(run):
    edit_json(run / "01_eda.ipynb", lambda notebook: notebook["cells"].append(notebook["cells"][0]))
    assert compared(run, "01_eda.ipynb").difference.now == "(nothing)"


@pytest.mark.parametrize("text", ["", "{}", '{"cells": 3}', '{"cells": [null]}', '{"cells": [{}]}', "[" * 100_000])
def test_what_is_no_notebook_is_different_without_a_traceback(run, text):
    (run / "01_eda.ipynb").write_text(text)
    assert compared(run, "01_eda.ipynb").verdict == DIFFERENT


def test_a_number_altered_in_the_page_is_named(run):
    edit(run / "index.html", "97.4%", "99.4%")
    assert "99.4%" in compared(run, "index.html").difference.was


# --- the model


def redump(run):
    joblib.dump(joblib.load(run / "model.joblib"), run / "model.joblib", compress=1)


def test_a_model_of_other_bytes_is_not_loaded_unasked(run):
    (run / "model.joblib").write_bytes(b"\x80\x04cos\nsystem\n(S'touch /tmp/iris_lab_was_here'\ntR.")
    assert compared(run, "model.joblib", trust=True).verdict == DIFFERENT  # nothing explains it
    found = compared(run, "model.joblib", rebuilt=True)
    assert found.verdict == DIFFERENT
    assert "not loaded" in found.difference.was
    assert not Path("/tmp/iris_lab_was_here").exists()


def test_a_trusted_model_that_predicts_the_same_is_equivalent(run):
    redump(run)
    assert compared(run, "model.joblib", trust=True, rebuilt=True).verdict == EQUIVALENT


def test_a_trusted_model_with_another_prediction_is_different_and_the_sample_is_named(run):
    model = joblib.load(run / "model.joblib")
    model[-1].intercept_ = model[-1].intercept_[::-1].copy()
    joblib.dump(model, run / "model.joblib")
    assert "sample" in compared(run, "model.joblib", trust=True, rebuilt=True).difference.where


def test_a_trusted_file_that_is_no_model_is_different(run):
    joblib.dump({"a": 1}, run / "model.joblib")
    assert "predicts nothing" in compared(run, "model.joblib", trust=True, rebuilt=True).difference.was


def test_a_description_that_names_another_model_is_different(run):
    edit_json(run / "model.json", lambda info: info.update({"sha256": "0" * 64}))
    assert compared(run, "model.json").difference.where == "sha256"


def test_versions_in_the_description_may_differ_only_where_the_environment_does(run):
    forge(run, python="CPython 3.99")
    assert compared(run, "model.json").difference.where == "versions.python"
    assert compared(run, "model.json", rebuilt=True).verdict == EQUIVALENT
    edit(run / "model.json", "3.99", "3.98")
    assert compared(run, "model.json", rebuilt=True).difference.where == "versions.python"


# --- the record itself


def test_a_record_with_other_digests_is_different_where_nothing_changed(run):
    edit(run / "metrics.json", "0.9", "0.8")
    forge(run)
    assert compared(run, CRATE_FILE).difference.where == "@graph.metrics.json.sha256"


def test_a_record_that_differs_only_by_digests_and_versions_is_equivalent(run):
    edit(run / "metrics.json", "0.9", "0.8")
    forge(run, matplotlib="3.10.8")
    assert compared(run, CRATE_FILE).verdict == EQUIVALENT


@pytest.mark.parametrize(
    ("identifier", "properties"),
    [("./", {"license": {"@id": "https://example.org"}}), ("#02_train-seed", {"value": 1}), ("#run", {"name": "x"})],
)
def test_any_other_claim_in_the_record_is_compared(run, identifier, properties):
    def change(document):
        next(entity for entity in document["@graph"] if entity["@id"] == identifier).update(properties)

    edit_json(run / CRATE_FILE, change)
    assert compared(run, CRATE_FILE).difference.where.startswith(f"@graph.{identifier}")


# --- numbers


@pytest.mark.parametrize(
    ("was", "now", "same"),
    [
        (0.1, 0.1 + 1e-17, True),
        (1.0, 1.0 + 1e-8, False),
        (3.1e-13, 9.9e-13, False),
        (1, 2, False),
        (1, 1.0, False),
        (True, 1, False),
        ([1.0, 0.0], [1.0, 1e-17], True),  # against the column's scale
        ([1.0, 3.1e-13], [1.0, 9.9e-13], False),
        (10000000001, 10000000002, False),
        ("1.5", "1.50", False),
    ],
)
def test_numbers_may_be_rounded_and_nothing_else(was, now, same):
    assert (compare_trees(was, now, rounded=True) is None) is same


@pytest.mark.parametrize(
    ("was", "now", "same"),
    [
        ("0.1234567890123456", "0.1234567890123457", True),
        ("0.0", "1.1102230246251565e-16", False),  # alone, it has no scale
        ("10000000001", "10000000002", False),
        ("1.1234567890123456x", "1.1234567890123457x", False),
        ('"0.1234567890123456"', "0.1234567890123456", False),
        ("0.12345678901234560", "0.1234567890123456", False),
    ],
)
def test_only_columns_of_computed_numbers_may_be_rounded(was, now, same):
    tables = [f"name,value\na,{value}\n" for value in (was, now)]
    assert (compare_tables(*tables, ",", rounded=True) is None) is same
