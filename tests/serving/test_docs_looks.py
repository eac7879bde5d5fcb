"""The documentation page on small and large screens, in light and dark."""

from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from demo_page import Visit

from iris_lab.serving import launch


@pytest.mark.slow
@pytest.mark.parametrize("width", [1280, 320])
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("run", ["iris_run", "nasty_run"])
def test_everyone_can_read_it(request: pytest.FixtureRequest, run: str, scheme: str, width: int, visit: Visit) -> None:
    folder: Path = request.getfixturevalue(run)
    with launch(folder) as server:
        viewport = {"width": width, "height": 800}
        page = visit(f"{server.url}/docs", viewport=viewport, color_scheme=scheme, bypass_csp=True)
        for summary in page.locator("summary").all():
            summary.click()
        assert Axe().run(page).response["violations"] == []
        assert page.evaluate("document.documentElement.scrollWidth") == width
