"""The demo page on small and large screens, in light and dark, by keyboard."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from conftest import NASTY, save_run
from demo_page import Visit, expect_answer
from playwright.sync_api import Browser, Page, expect

from iris_lab.data.datasets import load_dataset
from iris_lab.serving import Server, launch

pytestmark = pytest.mark.slow
WIDE, PHONE, SMALL = ({"width": width, "height": height} for width, height in ((1280, 800), (375, 740), (320, 640)))
RUNS = ["iris_run", "cancer_run", "nasty_run"]


@pytest.fixture(scope="session")
def cancer_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Thirty features, two classes."""
    folder = tmp_path_factory.mktemp("cancer")
    save_run(folder, load_dataset("breast_cancer"))
    return folder


@pytest.fixture
def server(request: pytest.FixtureRequest) -> Iterator[Server]:
    with launch(request.getfixturevalue(request.param), share_samples=True) as running:
        yield running


@pytest.mark.parametrize("size", [WIDE, PHONE, SMALL], ids=["wide", "phone", "small"])
@pytest.mark.parametrize("server", RUNS, indirect=True)
def test_nothing_is_wider_than_the_screen(server: Server, visit: Visit, size: dict[str, int]) -> None:
    page = visit(f"{server.url}/", viewport=size)
    expect_answer(page)
    page.fill("#number-0", "1e9")
    page.fill("#number-1", "no number " * 20)
    page.locator("summary").click()
    expect(page.locator("#verdict")).to_have_attribute("data-state", "none")
    assert page.evaluate("document.documentElement.scrollWidth") == size["width"]
    # Nor does anything stand out that is cut off at the edge; what scrolls in itself may be wider.
    outside = """width => [...document.querySelectorAll("body *:not(.scroll *, .unseen, .unseen *, .skip, svg *)")]
        .filter(one => one.getBoundingClientRect().right > width + .5).map(one => one.outerHTML.slice(0, 80))"""
    assert page.evaluate(outside, size["width"]) == []


@pytest.mark.parametrize("server", ["nasty_run"], indirect=True)
def test_names_are_shown_as_they_are_and_run_nothing(server: Server, visit: Visit) -> None:
    page = visit(f"{server.url}/")
    expect_answer(page)
    title = page.title()
    assert page.locator(".feature label").all_text_contents() == NASTY
    assert page.locator("#axis-x option").all_text_contents() == NASTY
    for button in page.locator("[data-example]").all():
        button.click()
    for name in NASTY:
        page.select_option("#axis-x", label=name)
    expect_answer(page)
    page.locator("#number-4").fill("4")
    expect(page.locator("#problem-4")).to_have_text("Above 3, the only value in training; the model extrapolates.")
    assert page.title() == title
    assert page.locator("img").count() == 0


def test_bars_are_seen_in_forced_colours_too(iris_server: Server, visit: Visit) -> None:
    page = visit(f"{iris_server.url}/", forced_colors="active")
    expect_answer(page)
    bar, track = (luminance(page, f"#bars .{name}", "backgroundColor") for name in ("fill", "track"))
    assert (max(bar, track) + 0.05) / (min(bar, track) + 0.05) >= 3


def test_paper_is_white_and_has_the_bars(iris_server: Server, visit: Visit) -> None:
    page = visit(f"{iris_server.url}/", color_scheme="dark")
    expect_answer(page)
    page.emulate_media(media="print")
    assert luminance(page, "body", "backgroundColor") == pytest.approx(1)
    assert luminance(page, "body", "color") < 0.05
    assert page.locator("#bars .fill").first.evaluate("one => getComputedStyle(one).printColorAdjust") == "exact"


@pytest.mark.parametrize("server", ["nasty_run"], indirect=True)
def test_twenty_classes_have_twenty_markers(server: Server, visit: Visit) -> None:
    page = visit(f"{server.url}/")
    looks = page.locator(".legend li .marker use").evaluate_all(
        "uses => uses.map(use => [use.getAttribute('href'), getComputedStyle(use).fill, getComputedStyle(use).stroke])"
    )
    assert len({tuple(look) for look in looks}) == 20
    # Without colours, too: ten shapes, filled or hollow.
    white = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert len({(shape, fill == white) for shape, fill, _ in looks}) == 20


@pytest.mark.parametrize("server", RUNS, indirect=True)
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [WIDE, SMALL], ids=["wide", "small"])
def test_axe_finds_nothing(server: Server, browser: Browser, scheme: str, size: dict[str, int]) -> None:
    # The page's own policy would keep axe out.
    context = browser.new_context(bypass_csp=True, color_scheme=scheme, viewport=size)  # type: ignore[arg-type]  # a literal in Playwright's eyes
    with contextlib.closing(context):
        page = context.new_page()
        page.goto(f"{server.url}/")
        expect_answer(page)
        page.locator("summary").click()
        assert violations(page) == []
        page.fill("#number-0", "1e9")
        expect(page.locator("#verdict")).to_have_attribute("data-note", "warn")
        assert violations(page) == []
        page.fill("#number-1", "nonsense")
        expect(page.locator("#verdict")).to_have_attribute("data-note", "wrong")
        assert violations(page) == []


def violations(page: Page) -> list[str]:
    found = Axe().run(page).response["violations"]
    return [f"{one['impact']}: {one['help']}: {[node['html'][:120] for node in one['nodes']]}" for one in found]


def luminance(page: Page, selector: str, what: str) -> float:
    colour = page.locator(selector).first.evaluate(f"one => getComputedStyle(one).{what}")
    channels = [int(part) / 255 for part in colour.partition("(")[2].rstrip(")").split(",")[:3]]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return sum(weight * c for weight, c in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("server", ["nasty_run"], indirect=True)
def test_markers_and_bars_stand_out_from_the_page(server: Server, visit: Visit, scheme: str) -> None:
    page = visit(f"{server.url}/", color_scheme=scheme)
    expect_answer(page)
    ground = luminance(page, "body", "backgroundColor")
    assert (ground < 0.05) == (scheme == "dark")
    drawn = [luminance(page, f"#plot use.c{code}:not(.hollow)", "fill") for code in range(8)]
    drawn += [luminance(page, "#bars .fill", "backgroundColor"), luminance(page, ".feature input", "borderTopColor")]
    contrasts = [(max(ground, one) + 0.05) / (min(ground, one) + 0.05) for one in drawn]
    assert min(contrasts) >= 3, contrasts


def test_each_stop_of_the_tab_key_can_be_seen(iris_server: Server, visit: Visit) -> None:
    page = visit(f"{iris_server.url}/")
    expect_answer(page)
    stops = []
    for _ in range(40):
        page.keyboard.press("Tab")
        stop = page.evaluate("""() => {
            const one = document.activeElement, box = one.getBoundingClientRect(), style = getComputedStyle(one);
            const name = one === document.body ? "" : one.id || one.textContent.trim();
            return [name, style.outlineStyle, box.left >= 0];
        }""")
        if not stop[0] or stop[0] in [seen[0] for seen in stops]:
            break
        stops.append(stop)
    assert [stop for stop in stops if stop[1] == "none" or not stop[2]] == []
    names = [stop[0] for stop in stops]
    expected = ["To the form", "setosa", "number-0", "slider-0", "axis-x", "axis-y", "copy", "Documentation"]
    assert [name for name in names if name in expected] == expected


def test_who_wants_no_motion_gets_none(iris_server: Server, visit: Visit) -> None:
    def duration(**options: str) -> str:
        page = visit(f"{iris_server.url}/", **options)
        found: str = page.locator("#bars .fill").first.evaluate("one => getComputedStyle(one).transitionDuration")
        return found

    assert duration(reduced_motion="reduce") == "0s"
    assert duration(reduced_motion="no-preference") != "0s"
