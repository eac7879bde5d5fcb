"""What the tests of the demo page do to it, and expect of it."""

import re
from collections.abc import Callable

import pandas as pd
from playwright.sync_api import Locator, Page, expect

from iris_lab.modeling import Model

Visit = Callable[..., Page]
TIMEOUT_MS = 20_000  # ms: other tests are busy, too
DRAWN = re.compile("Nearest to yours here|Training samples are not shared here")
expect.set_options(timeout=TIMEOUT_MS)


def expect_answer(page: Page) -> None:
    expect(page.locator("#verdict[data-state=answer][aria-busy=false]")).to_be_visible()
    expect(page.locator("#plot-says")).to_contain_text(DRAWN)


def expect_prediction_of(model: Model, page: Page) -> None:
    """Hold what the page shows against what the model says to the numbers in its form."""
    expect_answer(page)
    values = [float(box.input_value()) for box in page.locator(".feature input[type=text]").all()]
    frame = pd.DataFrame([values], columns=list(model.features))
    probabilities = [percent(probability) for probability in model.estimator.predict_proba(frame)[0]]
    name = model.classes[model.estimator.predict(frame)[0]]
    expect(page.locator("#verdict-name")).to_have_text(name)
    expect(page.locator("#bars [data-predicted] .name")).to_have_text(name)
    assert page.locator("#bars .probability").all_text_contents() == probabilities


def percent(probability: float) -> str:
    text = f"{100 * probability:.1f}"
    if 0 < probability < 1:
        text = {"0.0": "< 0.1", "100.0": "> 99.9"}.get(text, text)
    return f"{text}\N{NO-BREAK SPACE}%"


def expect_nothing_predicted(page: Page, reason: str) -> None:
    expect(page.locator("#verdict-note")).to_contain_text(reason)
    expect(page.locator("#verdict")).to_have_attribute("data-state", "none")
    expect(page.locator("#verdict-probability")).to_be_empty()
    assert set(page.locator("#bars .probability").all_text_contents()) == {"–"}


def drag(page: Page, slider: Locator, share: float) -> None:
    box = slider.bounding_box()
    assert box
    middle = box["y"] + box["height"] / 2
    page.mouse.move(box["x"] + box["width"] / 2, middle)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * share, middle, steps=12)
    page.mouse.up()
