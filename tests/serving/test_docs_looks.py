"""The documentation page on small and large screens, in light and dark."""

from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from conftest import save_run
from demo_page import Visit

from iris_lab.data.datasets import load_dataset
from iris_lab.serving import create_app, launch


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
        answers = page.locator("[aria-labelledby=routes] td").evaluate_all("cells => cells.map(one => one.clientWidth)")
        assert min(answers) > 120, "none is squeezed by the address beside it"


def test_names_and_numbers_stand_there_as_people_write_them(tmp_path: Path) -> None:
    table = load_dataset("iris").frame.rename(columns={"petal width (cm)": "πλάτος (cm)"})
    table["πλάτος (cm)"] = [0.1 + 0.2, 0.1 + 0.2, 0.7] * 50
    table.to_csv(tmp_path / "own.csv", index=False)
    model, _ = save_run(tmp_path, load_dataset(tmp_path / "own.csv"))
    page = create_app(model).app.test_client().get("/docs").text
    assert page.count("πλάτος (cm)&#34;: 0.3") == 2
