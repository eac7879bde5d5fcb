"""The demo page of a table with numbers and names that are hard to show."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from conftest import save_run
from demo_page import Visit, expect_answer
from playwright.sync_api import expect

from iris_lab.data.datasets import load_dataset
from iris_lab.serving import Server, launch

pytestmark = pytest.mark.slow


@pytest.fixture(scope="session")
def odd_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Tiny, huge, skewed and exact numbers, and class names short and long, one from right to left."""
    folder = tmp_path_factory.mktemp("odd")
    random, codes = np.random.default_rng(0), np.repeat([0, 1, 2], 40)
    numbers = {
        "tiny (m)": (1 + codes + random.normal(scale=0.2, size=120)) * 1e-9,
        "huge (Hz)": (1 + codes + random.random(120)) * 1e12,
        "skewed": np.exp(3 * random.normal(size=120)),
        "exact": -100 - random.random(120) / 1000,
    }
    classes = np.array(["a name as long as people write in a table when nobody stops them", "\u05d5\u05e8\u05d3", "z"])
    pd.DataFrame(numbers).assign(kind=classes[codes]).to_csv(folder / "odd.csv", index=False)
    save_run(folder, load_dataset(folder / "odd.csv"))
    return folder


@pytest.fixture
def odd_server(odd_run: Path) -> Iterator[Server]:
    with launch(odd_run, share_samples=True) as server:
        yield server


def test_a_field_shows_the_whole_of_its_number(odd_server: Server, visit: Visit) -> None:
    page = visit(f"{odd_server.url}/")
    expect_answer(page)
    boxes = page.locator(".feature input[type=text]")
    cut_off = "boxes => boxes.filter(one => one.scrollWidth > one.clientWidth).map(one => one.value)"
    assert boxes.evaluate_all(cut_off) == []
    expect(page.locator(".problem:not(:empty)")).to_have_count(0)
    for button in page.locator("[data-example]").all():
        button.click()
        assert boxes.evaluate_all(cut_off) == []
        expect(page.locator(".problem:not(:empty)")).to_have_count(0)
    for key in ("ArrowRight", "PageUp", "Home", "End"):
        for slider in page.locator("input[type=range]").all():
            slider.press(key)
        assert boxes.evaluate_all(cut_off) == []
        expect(page.locator(".problem:not(:empty)")).to_have_count(0)
    lowest = page.locator(".feature input[type=range]").evaluate_all("all => all.map(one => [one.id, one.min])")
    for name, low in lowest:
        page.locator(f"#{name}").press("Home")
        assert float(page.input_value(f"#{name.replace('slider', 'number')}")) == pytest.approx(float(low), rel=1e-5)


@pytest.mark.parametrize("width", [320, 600, 1000])
def test_the_form_stays_where_it_is_whatever_is_predicted(odd_server: Server, visit: Visit, width: int) -> None:
    page = visit(f"{odd_server.url}/", viewport={"width": width, "height": 800})
    tops = set()
    for button in page.locator("[data-example]").all():
        button.click()
        expect_answer(page)
        tops.add(page.locator("#slider-0").evaluate("one => one.getBoundingClientRect().top + scrollY"))
    page.locator("#slider-1").press("Home")
    page.locator("#slider-0").press("End")
    expect(page.locator("#verdict-note")).to_have_text("Far from all training samples.")
    tops.add(page.locator("#slider-0").evaluate("one => one.getBoundingClientRect().top + scrollY"))
    assert len(tops) == 1


def test_a_name_from_right_to_left_leaves_the_numbers_beside_it_in_place(odd_server: Server, visit: Visit) -> None:
    page = visit(f"{odd_server.url}/")
    expect_answer(page)
    page.locator("[data-example]").nth(2).click()
    expect(page.locator("#plot-says")).to_contain_text(" \u2068\u05d5\u05e8\u05d3\u2069")
