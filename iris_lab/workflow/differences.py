"""A verification as one HTML page that needs no network: what differs, with the pictures side by side."""

from base64 import b64encode
from pathlib import Path

from jinja2 import Environment, FileSystemLoader
from markupsafe import Markup

from iris_lab.errors import InputError
from iris_lab.workflow.comparison.findings import DIFFERENT, EQUIVALENT, IDENTICAL, printable
from iris_lab.workflow.verdict import INTACT, UNDECIDED, Verification

TEMPLATES = Path(__file__).with_name("templates")
SENTENCES = {
    IDENTICAL: "Re-run from its record, every file has the same bytes.",
    EQUIVALENT: "Re-run from its record, every file is the same, except for what a change of environment explains:",
    DIFFERENT: "Some files are not what the record says, or not what a re-run writes.",
    INTACT: "Every file is as recorded; the run was not re-run.",
    UNDECIDED: "The files are as recorded, but it could not be re-run here.",
}


def check_page(page: Path, run: Path) -> None:
    """Refuse a path where the page cannot be written, before the re-run takes its minutes.

    Raises
    ------
    InputError
        The path is inside the run, which a verification never changes, or its folder does not exist.
    """
    if page.resolve().is_relative_to(run.resolve()):
        raise InputError(f"report {str(page)!r} would be written into the run: name a place outside it")
    if page.is_dir() or not page.absolute().parent.is_dir():
        raise InputError(f"cannot write report {str(page)!r}: expected a file name in a folder that exists")


def write_differences(found: Verification, page: Path) -> None:
    """Write what was found as an HTML page.

    Raises
    ------
    InputError
        The page cannot be written.
    """
    environment = Environment(loader=FileSystemLoader(TEMPLATES), autoescape=True)
    environment.filters |= {"printable": printable, "png": _data_url}
    styles = [(TEMPLATES / name).read_text(encoding="utf-8") for name in ("page.css", "differences.css")]
    artifacts = found.artifacts or []
    text = environment.get_template("differences.html.j2").render(
        found=found,
        zip=zip,
        sentence=SENTENCES[found.verdict],
        groups=[(word, [a for a in artifacts if a.verdict == word]) for word in (DIFFERENT, EQUIVALENT, IDENTICAL)],
        css=Markup("\n".join(styles)),  # noqa: S704 (our own files)
    )
    try:
        page.write_text(text, encoding="utf-8", newline="\n")
    except OSError as error:
        raise InputError(f"cannot write report {str(page)!r}: {error.strerror}") from error


def _data_url(picture: bytes) -> str:
    return f"data:image/png;base64,{b64encode(picture).decode()}"
