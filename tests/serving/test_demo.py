"""The demo page in a real browser: what one does to it, and what it then shows."""

import json
import subprocess
from pathlib import Path

import pytest
from conftest import save_run
from demo_page import Visit, drag, expect_answer, expect_nothing_predicted, expect_prediction_of
from playwright.sync_api import Page, expect

from iris_lab.data.datasets import load_dataset
from iris_lab.modeling import load_model
from iris_lab.serving import Server, launch

pytestmark = pytest.mark.slow


def test_the_page_begins_with_the_sample_in_the_middle_and_its_prediction(page: Page, iris_run: Path) -> None:
    expect_prediction_of(load_model(iris_run), page)
    assert page.input_value("#number-2") == "4.3"
    assert page.locator("#plot > g > use").count() == 112
    expect(page.locator("#plot circle.here")).to_be_visible()


@pytest.mark.parametrize("share", [0.02, 0.35, 0.98])
def test_dragging_a_slider_changes_number_and_prediction(page: Page, iris_run: Path, share: float) -> None:
    before = page.input_value("#number-2")
    drag(page, page.locator("#slider-2"), share)
    assert page.input_value("#number-2") != before
    expect_prediction_of(load_model(iris_run), page)


def test_a_slider_moves_by_keyboard_to_the_very_ends_of_the_training_range(page: Page, iris_run: Path) -> None:
    slider = page.locator("#slider-3")
    slider.focus()
    slider.press("ArrowRight")
    assert page.input_value("#number-3") == "1.4"
    slider.press("End")
    assert page.input_value("#number-3") == "2.5"
    expect(slider).to_have_attribute("aria-valuetext", "2.5 cm")
    expect_prediction_of(load_model(iris_run), page)
    expect(page.locator("#verdict-note")).to_be_empty()


def test_a_typed_number_moves_the_slider(page: Page, iris_run: Path) -> None:
    page.fill("#number-2", "+1.45e0")
    assert page.input_value("#slider-2") in ("1.4", "1.5")
    page.fill("#number-3", ".2")
    expect_prediction_of(load_model(iris_run), page)
    expect(page.locator("#verdict-name")).to_have_text("setosa")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("nonsense", "“nonsense” is not a number; expected a number, such as 5.8"),
        ("", "Nothing entered; expected a number, such as 5.8"),
        ("   ", "Nothing entered"),
        ("5,1", "“5,1” is not a number; expected 5.1, with a decimal point"),
        ("1e400", "“1e400” is too large; expected a finite number"),
        ("Infinity", "“Infinity” is not a number"),
        ("0x10", "“0x10” is not a number"),
        ("<b>5</b>", "“<b>5</b>” is not a number"),
    ],
)
def test_what_is_no_number_is_said_and_the_old_answer_is_gone(
    page: Page, iris_run: Path, text: str, reason: str
) -> None:
    page.fill("#number-0", text)
    expect_nothing_predicted(page, reason)
    page.fill("#number-0", "5.1")
    expect_prediction_of(load_model(iris_run), page)
    expect(page.locator("#verdict-note")).to_be_empty()


def test_a_minus_as_it_is_printed_is_a_minus(page: Page) -> None:
    page.fill("#number-0", "\N{MINUS SIGN}5.1")
    expect(page.locator("#curl")).to_contain_text('"sepal length (cm)":-5.1')


def test_what_the_endpoint_refuses_is_said_in_its_own_words(iris_server: Server, visit: Visit, iris_run: Path) -> None:
    page = visit(f"{iris_server.url}/", outages=True)
    page.fill("#number-0", "1e31")
    expect_nothing_predicted(page, "1e+31, expected a finite number, at most 1e+30 in size")
    page.fill("#number-0", "5.1")
    expect_prediction_of(load_model(iris_run), page)


def test_there_is_no_curl_line_for_what_cannot_be_asked(page: Page) -> None:
    page.fill("#number-1", "wide")
    expect(page.locator("#curl")).to_be_empty()
    expect(page.locator("#copy")).to_be_disabled()
    expect(page.locator("#number-1")).to_have_attribute("aria-invalid", "true")
    assert page.locator("#plot .cross").count() == 2, "sepal width is on no axis"
    page.fill("#number-2", "long")
    assert page.locator("#plot .cross").count() == 0


def test_input_outside_the_training_range_is_answered_with_a_warning(page: Page, iris_run: Path) -> None:
    page.fill("#number-2", "12.5")
    expect(page.locator("#problem-2")).to_have_text("Above the training range, 1.0 to 6.9; the model extrapolates.")
    expect(page.locator("#verdict-note")).to_have_text(
        "Outside the training range: petal length (cm) (1.0 to 6.9). The model extrapolates."
    )
    expect_prediction_of(load_model(iris_run), page)
    expect(page.locator("#plot .arrow")).to_be_visible()
    expect(page.locator("#plot-says")).to_contain_text("Yours lies beyond the plot (petal length (cm))")
    page.fill("#number-2", "6.9")
    expect(page.locator("#problem-2")).to_be_empty()
    expect(page.locator("#plot circle.here")).to_be_visible()


def test_a_sample_unlike_any_in_training_is_answered_with_a_warning(page: Page, iris_run: Path) -> None:
    page.fill("#number-0", "4.3")
    page.fill("#number-2", "6.9")  # each has been seen, but never in one flower
    expect(page.locator("#verdict-note")).to_have_text("Far from all training samples.")
    expect_prediction_of(load_model(iris_run), page)
    page.get_by_role("button", name="virginica", exact=True).click()
    expect(page.locator("#verdict-note")).to_be_empty()


def test_a_training_sample_of_each_class_can_be_taken(page: Page, iris_run: Path) -> None:
    model = load_model(iris_run)
    rows, codes = model.info["samples"]["rows"], model.info["samples"]["classes"]
    for code, name in enumerate(model.classes):
        page.get_by_role("button", name=name, exact=True).click()
        values = [float(box.input_value()) for box in page.locator(".feature input[type=text]").all()]
        assert values == rows[codes.index(code)]
        expect_prediction_of(model, page)


def test_other_axes_show_other_features(page: Page) -> None:
    page.select_option("#axis-x", label="sepal width (cm)")
    expect(page.locator("#plot .title").first).to_have_text("sepal width (cm) →")
    page.get_by_text("The plot as a table").click()
    expect(page.locator("#plot-table tr").nth(1)).to_contain_text("2.3 to 4.4")


def test_a_single_feature_is_drawn_with_the_classes_in_rows(visit: Visit, tmp_path: Path) -> None:
    table = load_dataset("iris").frame[["petal width (cm)", "species"]]
    table["petal width (cm)"] -= 1.3
    table.to_csv(tmp_path / "one.csv", index=False)
    model, _ = save_run(tmp_path, load_dataset(tmp_path / "one.csv"), "forest")
    with launch(tmp_path, share_samples=True) as server:
        page = visit(f"{server.url}/")
        expect_prediction_of(model, page)
        expect(page.locator(".axes")).to_be_hidden()
        assert page.locator("#plot > g > use").count() == len(model.info["samples"]["rows"])
        assert page.locator("#plot .cross").count() == 1
        page.fill("#number-0", "-1.1")
        expect_prediction_of(model, page)
        expect(page.locator("#plot-says")).to_contain_text("Nearest to yours here: 5 setosa")


@pytest.mark.parametrize("run", ["iris_run", "nasty_run"])
def test_the_copied_curl_line_answers_in_a_shell(
    run: str, visit: Visit, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    folder: Path = request.getfixturevalue(run)
    with launch(folder) as server:
        page = visit(f"{server.url}/", permissions=["clipboard-read", "clipboard-write"])
        expect_answer(page)
        page.click("#copy")
        expect(page.locator("#copied")).to_have_text("Copied.")
        line = page.evaluate("navigator.clipboard.readText()")
        ran = subprocess.run(["sh", "-c", line], cwd=tmp_path, capture_output=True, check=True, timeout=30)
        answer = json.loads(ran.stdout)
        assert answer["classes"][answer["result"][0]] == page.text_content("#verdict-name")
