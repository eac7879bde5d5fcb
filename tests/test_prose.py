"""The prose of a notebook on the page: formulas, images and attachments, with no script and no request."""

from base64 import b64encode
from pathlib import Path

import nbformat
import pytest
from bs4 import BeautifulSoup
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from iris_lab.workflow import warm
from iris_lab.workflow.crate import read_crate
from iris_lab.workflow.prose import images_of, local_image, mathml
from iris_lab.workflow.report import Job, report
from iris_lab.workflow.report_page import prepare_section, write_page
from iris_lab.workflow.steps import Step

PIXEL = b"\x89PNG\r\n\x1a\nnot much of a picture"
DATA = f"data:image/png;base64,{b64encode(PIXEL).decode()}"
PROSE = r"""# Ratio

The mean is $\bar{x} = \frac{1}{n}\sum_i x_i$ and

$$s^2 = \frac{1}{n-1}\sum_i (x_i - \bar{x})^2$$

\begin{equation}e = mc^2\end{equation}

It cost $5 and $7. Wrong: $\frac{1}{$.

![beside](pictures/beside.png) <img alt="raw" src="pictures/beside.png"> ![gone](gone.png)

![attached](attachment:dot.png)

<img alt="attached raw" src="attachment:dot.png">
"""


@pytest.fixture
def page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> BeautifulSoup:
    monkeypatch.setattr(warm, "CAN_FORK", False)
    (tmp_path / "pictures").mkdir()
    (tmp_path / "pictures/beside.png").write_bytes(PIXEL)
    prose = new_markdown_cell(PROSE, attachments={"dot.png": {"image/png": b64encode(PIXEL).decode()}})
    latex = new_code_cell("from IPython.display import Latex\nLatex(r'$\\sqrt{2}$')")
    nbformat.write(new_notebook(cells=[prose, latex]), tmp_path / "shows.ipynb")
    run = report(Job({}, tmp_path / "run", steps=[Step(tmp_path / "shows.ipynb")]))
    assert "pictures/beside.png" in read_crate(run).artifacts
    return BeautifulSoup((run / "index.html").read_text(), "html.parser")


def test_formulas_are_mathml_and_prices_stay_prices(page: BeautifulSoup) -> None:
    formulas = page.find_all("math")
    assert [formula["display"] for formula in formulas] == ["inline", "block", "block", "block"]
    assert [len(formula.find_all("mfrac")) for formula in formulas] == [1, 1, 0, 0]
    assert "It cost $5 and $7." in page.get_text()
    assert page.find("code", class_="formula").get_text() == r"\frac{1}{"


def test_images_beside_the_notebook_and_attachments_are_in_the_page(page: BeautifulSoup) -> None:
    shown = {image["alt"]: image["src"] for image in page.find_all("img")}
    assert shown == {"beside": DATA, "raw": DATA, "gone": "gone.png", "attached": DATA, "attached raw": DATA}


@pytest.mark.parametrize("hostile", [r"\text{<script>alert(1)</script>}", r"\text{<b>}", "a^", "{", "&"])
def test_what_would_not_be_well_formed_is_shown_as_its_source(hostile: str) -> None:
    shown = BeautifulSoup(mathml(hostile), "html.parser")
    assert shown.find(["script", "b"]) is None
    assert shown.get_text() == hostile


@pytest.mark.parametrize(
    "url", ["../secret.png", "/etc/passwd.png", "https://example.org/a.png", "//example.org/a.png", "notes.txt", "."]
)
def test_only_images_in_the_notebooks_folder_are_taken(tmp_path: Path, url: str) -> None:
    (tmp_path / "secret.png").write_bytes(PIXEL)
    folder = tmp_path / "notebooks"
    folder.mkdir()
    (folder / "notes.txt").write_text("x")
    assert local_image(url, folder) is None


def test_a_name_with_a_space_is_found(tmp_path: Path) -> None:
    (tmp_path / "a b.png").write_bytes(PIXEL)
    text = nbformat.writes(new_notebook(cells=[new_markdown_cell("![x](a%20b.png)")]))
    assert images_of(text, tmp_path) == {"a b.png": PIXEL}


def test_a_section_is_made_again_where_an_image_that_it_shows_is_another(tmp_path: Path) -> None:
    output = new_output("display_data", {"text/markdown": "![shown][one]\n\n[one]: one.png"})
    notebook = new_notebook(cells=[new_code_cell("1", outputs=[output])])
    for name, content in (("first", PIXEL), ("second", PIXEL + b"!"), ("third", None)):
        (tmp_path / name).mkdir()
        nbformat.write(notebook, tmp_path / name / "shows.ipynb")
        prepare_section(tmp_path / name / "shows.ipynb")  # as while a later step runs, which then writes the image
        if content:
            (tmp_path / name / "one.png").write_bytes(content)
        write_page(tmp_path / name, [tmp_path / name / "shows.ipynb"], {"title": name}, {})
        shown = BeautifulSoup((tmp_path / name / "index.html").read_text(), "html.parser").find("img", alt="shown")
        expected = f"data:image/png;base64,{b64encode(content).decode()}" if content else "one.png"
        assert shown["src"] == expected
