"""Markdown cells as HTML that loads nothing: formulas as MathML, images embedded."""

import json
import re
from base64 import b64encode
from collections.abc import Mapping
from html import escape
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import unquote
from xml.etree import ElementTree

from jinja2 import pass_context
from jinja2.runtime import Context
from latex2mathml.converter import convert
from nbconvert.filters.markdown_mistune import IPythonRenderer, MarkdownWithMath

from iris_lab.workflow.layout import IMAGES

LINK = re.compile(r"""!\[[^\]]*\]\(\s*<?([^)\s>]+)|<img\b[^>]*?\ssrc\s*=\s*["']([^"']+)""", re.IGNORECASE)
SOURCE = re.compile(r"""(<img\b[^>]*?\ssrc\s*=\s*["'])([^"']+)""", re.IGNORECASE)
MATHML = re.compile(r"\{http://www.w3.org/1998/Math/MathML\}m[a-z]+")  # every element of MathML begins with m
DELIMITERS = re.compile(r"^\s*(\$\$?|\\\[|\\\()(.*?)(\$\$?|\\\]|\\\))\s*$", re.DOTALL)


class PageRenderer(IPythonRenderer):
    """Renders Markdown for a page without scripts and requests.

    Parameters
    ----------
    asked
        Takes note of the images that are looked for: the content of each, None where there is none.
    options
        The base class's.
    """

    def __init__(self, asked: dict[str, bytes | None] | None = None, **options: Any) -> None:
        super().__init__(**options)
        self._asked = {} if asked is None else asked

    def inline_math(self, text: str) -> str:
        """Return a formula within a sentence; ``$5 and $7`` is none (pandoc's rule: no space inside the delimiters)."""
        return mathml(text) if text == text.strip() else escape(f"${text}$")

    def block_math(self, text: str) -> str:
        """Return a formula on a line of its own."""
        return mathml(text, display="block")

    def latex_environment(self, name: str, body: str) -> str:
        """Return a LaTeX environment, such as ``align``."""
        return mathml(rf"\begin{{{name}}}{body}\end{{{name}}}", display="block")

    def image(self, text: str, url: str, title: str | None = None) -> str:
        """Return an image, embedded if it is in the notebook's folder or attached to the cell."""
        return str(super().image(text, self._content(url), title))

    def block_html(self, html: str) -> str:
        """Return HTML with its images embedded."""
        return str(super().block_html(self._embedded(html)))

    def inline_html(self, html: str) -> str:
        """Return HTML with its images embedded."""
        return str(super().inline_html(self._embedded(html)))

    def _embedded(self, html: str) -> str:
        return SOURCE.sub(lambda found: found[1] + self._content(found[2]), html)

    def _content(self, url: str) -> str:
        if url.startswith("attachment:"):
            bundle: Mapping[str, str] = self.attachments.get(unquote(url.removeprefix("attachment:")), {})
            return next((f"data:{kind};base64,{content}" for kind, content in bundle.items()), url)
        path, self._asked[url] = local_image(url, Path(self.path)), None
        if path is None:
            return url
        self._asked[url] = content = path.read_bytes()
        return f"data:{IMAGES[path.suffix.lower()]};base64,{b64encode(content).decode()}"


def mathml(formula: str, display: str = "inline") -> str:
    r"""Return a LaTeX formula as MathML, or its source if it cannot be converted.

    Parameters
    ----------
    formula
        Without delimiters, or with them: ``$…$``, ``$$…$$``, ``\[…\]``, ``\(…\)``.
    display
        ``inline`` or ``block``.
    """
    bare = DELIMITERS.match(formula)
    try:
        converted: str = convert(bare[2] if bare else formula, display=display)
        elements = ElementTree.fromstring(converted).iter()  # noqa: S314 (just converted; malformed XML is refused)
        sound = all(MATHML.fullmatch(each.tag) and not each.attrib.keys() & {"href", "src"} for each in elements)
    except Exception:  # the converter's errors have no common class
        sound = False
    if not sound:
        return f'<code class="formula">{escape(formula)}</code>'
    return converted


@pass_context
def markdown(context: Context, source: str) -> str:
    """Return Markdown as HTML: nbconvert's filter ``markdown2html`` for our page."""
    cell: Mapping[str, Any] = context.get("cell", {})
    page: Mapping[str, Any] = context.get("resources", {}).get("metadata", {})
    renderer = PageRenderer(
        page.get("asked"), escape=False, attachments=cell.get("attachments", {}), path=page.get("path", "")
    )
    return str(MarkdownWithMath(renderer=renderer).render(source))


def local_image(url: str, folder: Path) -> Path | None:
    """Return the file that the URL of an image refers to, if it is in the notebook's folder."""
    given = PurePosixPath(unquote(url.split("?")[0].split("#")[0]))
    path = folder / given
    if re.match(r"[a-z]+:|//", url, re.IGNORECASE) or given.is_absolute() or ".." in given.parts:
        return None
    return path if given.suffix.lower() in IMAGES and path.is_file() else None


def images_of(notebook: str, folder: Path) -> dict[str, bytes]:
    """Return the images that a notebook's prose shows from its folder, by their paths in it."""
    prose = ("".join(cell["source"]) for cell in json.loads(notebook)["cells"] if cell["cell_type"] == "markdown")
    links = (found[1] or found[2] for text in prose for found in LINK.finditer(text))
    paths = {path for link in links if (path := local_image(link, folder))}
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in sorted(paths)}
