"""The report page: all executed notebooks as one HTML file that needs no network."""

import functools
import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import nbformat
from bs4 import BeautifulSoup
from jinja2 import Environment, FileSystemLoader
from markupsafe import Markup
from nbconvert import HTMLExporter
from pygments.formatters import HtmlFormatter

from iris_lab.workflow.layout import PAGE_FILE
from iris_lab.workflow.prose import local_image, markdown, mathml

TEMPLATES = Path(__file__).with_name("templates")


@dataclass(frozen=True)
class Heading:
    """A heading of a section: its anchor and its text."""

    id: str
    title: str


@dataclass(frozen=True)
class Section:
    """A notebook as a part of the page.

    Attributes
    ----------
    id
        Its name.
    title
        Its first heading.
    html
        Its cells and outputs.
    headings
        Its second-level headings.
    """

    id: str
    title: str
    html: Markup
    headings: Sequence[Heading] = field(default_factory=list)


@dataclass(frozen=True)
class Card:
    """A fact for the head of the page."""

    name: str
    value: str
    note: str = ""


def write_page(folder: Path, notebooks: Sequence[Path], facts: Mapping[str, str], metrics: Mapping[str, float]) -> None:
    """Write ``index.html`` into a run.

    The page contains its figures and styles; its Content-Security-Policy blocks scripts and every request.

    Parameters
    ----------
    folder
        The run, with its artifacts.
    notebooks
        Executed notebooks, in the order of reading.
    facts
        Names and values for the head of the page, such as the model; ``title`` is the title of the page.
    metrics
        The numbers of the run, empty if it has none.
    """
    environment = Environment(loader=FileSystemLoader(TEMPLATES), autoescape=True)
    cards = [Card(name, value) for name, value in facts.items() if name != "title"]
    page = environment.get_template("page.html.j2").render(
        title=facts["title"],
        cards=_score_cards(metrics) + cards,
        sections=[_section(path) for path in notebooks],
        files=sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()),
        css=Markup((TEMPLATES / "page.css").read_text(encoding="utf-8")),  # noqa: S704 (our own file)
        highlight_css=Markup(HtmlFormatter(style="default").get_style_defs(".highlight")),  # noqa: S704 (pygments')
    )
    (folder / PAGE_FILE).write_text(page, encoding="utf-8", newline="\n")


@functools.cache
def _exporter() -> HTMLExporter:
    exporter = HTMLExporter(template_name="report", extra_template_basedirs=[str(TEMPLATES)])
    exporter.register_filter("markdown2html", markdown)
    exporter.register_filter("mathml", mathml)
    return exporter


@dataclass(frozen=True)
class _Made:
    """A section that was made: from which notebook, and with which images from its folder."""

    text: str
    images: Mapping[str, bytes | None]
    section: Section

    def is_of(self, text: str, folder: Path) -> bool:
        return text == self.text and all(_image(url, folder) == content for url, content in self.images.items())


_made: dict[str, _Made] = {}


def prepare_section(path: Path) -> None:
    """Make the section of an executed notebook, while other steps still run; if it cannot be made, `write_page` tells.

    Parameters
    ----------
    path
        The notebook.
    """
    with suppress(Exception):
        _section(path)


def _section(path: Path) -> Section:
    """Return the section of a notebook; that of the last one of each name is remembered, for the runs of a sweep."""
    text, known = path.read_text(encoding="utf-8"), _made.get(path.stem)
    if known is None or not known.is_of(text, path.parent):
        known = _made[path.stem] = _made_section(path.stem, text, path.parent)
    return known.section


def _image(url: str, folder: Path) -> bytes | None:
    path = local_image(url, folder)
    return path.read_bytes() if path else None


def _made_section(step: str, text: str, folder: Path) -> _Made:
    resources = {"metadata": {"path": str(folder), "asked": {}}}
    notebook = nbformat.reads(text, as_version=4)
    fragment, used = _exporter().from_notebook_node(notebook, resources=resources)
    soup = BeautifulSoup(fragment, "html.parser")
    headings = []
    for tag in soup.find_all(re.compile("h[1-6]")):
        for link in tag.find_all("a", class_="anchor-link"):
            link.decompose()
        identifier = f"{step}-{tag.get('id', '')}"  # notebooks may share headings
        tag["id"] = identifier
        headings.append((tag.name, Heading(identifier, tag.get_text().strip())))
    title = next((heading.title for name, heading in headings if name == "h1"), step)
    html = Markup(str(soup))  # noqa: S704 (nbconvert's; the page's policy lets no script run)
    section = Section(step, title, html, [heading for name, heading in headings if name == "h2"])
    return _Made(text, used["metadata"]["asked"], section)


def _score_cards(metrics: Mapping[str, float]) -> list[Card]:
    if "evaluate.accuracy" not in metrics:
        return []
    low, high = metrics["evaluate.accuracy_low"], metrics["evaluate.accuracy_high"]
    counts = f"{metrics['evaluate.correct']:.0f} of {metrics['evaluate.samples']:.0f} held-out samples"
    return [
        Card("Held-out accuracy", f"{metrics['evaluate.accuracy']:.1%}", counts),
        Card("95 % interval (Wilson)", f"{low:.1%} – {high:.1%}", "of the accuracy on new samples"),
    ]
