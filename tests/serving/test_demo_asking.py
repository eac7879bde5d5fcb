"""What the demo page asks and when, and which answer counts."""

import os
import re
from pathlib import Path

import pytest
from conftest import save_run
from demo_page import TIMEOUT_MS, Visit, drag, expect_answer, expect_nothing_predicted, expect_prediction_of
from playwright.sync_api import Page, Route, expect

from iris_lab.data.datasets import load_dataset
from iris_lab.modeling import load_model
from iris_lab.serving import Server, launch

pytestmark = pytest.mark.slow
PORT = 10_000 + os.getpid() % 20_000  # two runs of the tests do not take it from each other


@pytest.fixture
def attended(monkeypatch: pytest.MonkeyPatch) -> None:
    """A port can be asked for, as in a notebook."""
    monkeypatch.delenv("PYTEST_VERSION")


def hold(page: Page) -> list[Route]:
    """Hold requests back until the test releases them."""
    held: list[Route] = []
    page.route("**/predict_species", lambda route: held.append(route))
    return held


def wait_for(page: Page, held: list[Route], number: int) -> None:
    for _ in range(TIMEOUT_MS // 50):
        if len(held) >= number:
            break
        page.wait_for_timeout(50)
    assert len(held) == number


def test_only_the_newest_question_waits_and_its_answer_is_the_last(page: Page, iris_run: Path) -> None:
    held = hold(page)
    page.fill("#number-2", "1.0")
    wait_for(page, held, 1)
    for value in ("2", "3", "4", "5", "6.9"):
        page.fill("#number-2", value)
    page.wait_for_timeout(300)
    assert len(held) == 1
    expect(page.locator("#verdict")).to_have_attribute("aria-busy", "true")
    held[0].continue_()
    wait_for(page, held, 2)
    assert '"petal length (cm)":6.9' in (held[1].request.post_data or "")
    held[1].continue_()
    expect_prediction_of(load_model(iris_run), page)
    assert len(held) == 2


def test_an_answer_that_comes_after_the_input_went_wrong_is_dropped(page: Page, iris_run: Path) -> None:
    held = hold(page)
    page.fill("#number-2", "1.0")
    wait_for(page, held, 1)
    page.fill("#number-2", "one")
    with page.expect_response("**/predict_species"):
        held[0].continue_()
    page.wait_for_timeout(300)
    expect_nothing_predicted(page, "“one” is not a number")
    page.fill("#number-2", "1.1")
    wait_for(page, held, 2)
    held[1].continue_()
    expect_prediction_of(load_model(iris_run), page)


@pytest.mark.usefixtures("attended")
def test_a_stopped_endpoint_is_said_and_its_return_is_noticed(iris_run: Path, visit: Visit) -> None:
    with launch(iris_run, port=PORT) as first:
        page = visit(f"{first.url}/", outages=True)
        expect_answer(page)
    page.fill("#number-2", "6.1")
    expect_nothing_predicted(page, "The endpoint has stopped answering")
    with launch(iris_run, port=first.port) as second:
        assert second.port == first.port
        expect_prediction_of(load_model(iris_run), page)
        expect(page.locator("#verdict-note")).to_be_empty()
        assert page.input_value("#number-2") == "6.1"


@pytest.mark.usefixtures("attended")
@pytest.mark.parametrize("noticed", [True, False])
def test_another_model_at_the_same_address_gets_its_own_page(
    iris_run: Path, visit: Visit, tmp_path: Path, noticed: bool
) -> None:
    save_run(tmp_path, load_dataset("wine"))
    with launch(iris_run, port=PORT) as first:
        page = visit(f"{first.url}/", outages=True)
        expect_answer(page)
    if noticed:
        page.fill("#number-2", "6.1")
        expect_nothing_predicted(page, "The endpoint has stopped answering")
    with launch(tmp_path, port=first.port):
        if not noticed:
            page.fill("#number-2", "6.1")
        expect(page.locator("h1")).to_have_text("Which cultivar?")
        expect_prediction_of(load_model(tmp_path), page)


def test_an_endpoint_that_is_not_well_is_said_to_be_so(iris_server: Server, visit: Visit, iris_run: Path) -> None:
    page = visit(f"{iris_server.url}/", outages=True)
    expect_answer(page)
    page.route("**/predict_species", lambda route: route.fulfill(status=429, body="Not so fast"))
    page.fill("#number-2", "6.1")
    expect_nothing_predicted(page, "The endpoint answers with status 429. This page keeps trying.")
    page.unroute("**/predict_species")
    expect_prediction_of(load_model(iris_run), page)


def test_training_samples_are_on_offer_once_they_have_come(page: Page) -> None:
    held: list[Route] = []
    page.route("**/model/samples", lambda route: held.append(route))
    page.reload()
    wait_for(page, held, 1)
    first = page.locator("[data-example]").first
    expect(first).to_be_disabled()
    held[0].continue_()
    expect(first).to_be_enabled()


def test_a_screen_reader_hears_the_answer_once_the_slider_rests(page: Page) -> None:
    page.clock.install()
    page.reload()
    spoken = page.locator("#spoken")
    expect_answer(page)
    page.clock.run_for(1_000)
    expect(spoken).to_have_text(re.compile(r"^versicolor, 86\.0"))
    page.evaluate("""() => {
        window.heard = [];
        new MutationObserver(() => heard.push(document.getElementById("spoken").textContent))
            .observe(document.getElementById("spoken"), { childList: true });
    }""")
    page.clock.pause_at(page.evaluate("Date.now()") + 1_000)  # a slow machine's pauses are none of the user's
    drag(page, page.locator("#slider-2"), 0.02)
    drag(page, page.locator("#slider-3"), 0.02)
    expect_answer(page)
    assert page.evaluate("heard") == []
    page.clock.run_for(1_000)
    expect(spoken).to_have_text(re.compile("^setosa"))
    assert page.evaluate("heard.length") == 1
