"""A comparison as HTML, for a page of its own or for that of a sweep, and as a figure."""

from base64 import b64encode
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from jinja2 import Environment, FileSystemLoader
from markupsafe import Markup, escape

from iris_lab.by_step import METRICS_FILE
from iris_lab.errors import InputError
from iris_lab.weighted_scores import SCORES
from iris_lab.workflow import compare_words as words
from iris_lab.workflow.compare import SCORE, Comparison, compare_runs
from iris_lab.workflow.compared_groups import Group
from iris_lab.workflow.comparison.findings import printable

if TYPE_CHECKING:
    from iris_lab.figures.paired_figures import Row

TEMPLATES = Path(__file__).with_name("templates")
PICTURES = (".svg", ".png")


def check_output(output: Path) -> None:
    """Refuse a file that cannot be written, before anything is compared.

    Raises
    ------
    InputError
        It is neither a page nor a picture, or its folder does not exist.
    """
    if output.suffix not in (".html", *PICTURES):
        raise InputError(f"output {str(output)!r}: expected a name that ends in .html, .svg or .png")
    if output.is_dir() or not output.absolute().parent.is_dir():
        raise InputError(f"cannot write {str(output)!r}: expected a file name in a folder that exists")


def write_output(comparison: Comparison, output: Path) -> None:
    """Write a comparison as an HTML page that needs no network, or its paired differences as a picture.

    Raises
    ------
    InputError
        It cannot be written, or there are no differences to draw.
    """
    if output.suffix in PICTURES:
        content = _differences(comparison.groups, comparison.score, output.suffix[1:])
        if not content:
            raise InputError(f"no picture {str(output)!r}: no two of these runs have the same test set")
    else:
        content = _page(comparison).encode()
    try:
        output.write_bytes(content)
    except OSError as error:
        raise InputError(f"cannot write {str(output)!r}: {error.strerror}") from error


def comparison_section(runs: Sequence[Path], *, score: str = SCORE) -> str:
    """Return the comparison of runs as a ``<section>`` for a page that has the styles of ``page.css``.

    Where the runs cannot be compared, the section says why; of fewer than two, or of runs without numbers, it is empty.

    Parameters
    ----------
    runs
        Folders of runs.
    score
        What to compare them by.
    """
    if len(runs) < 2 or not all((run / METRICS_FILE).is_file() for run in runs):
        return ""
    try:
        return _section(compare_runs(runs, score=score))
    except InputError as error:
        return f'<section id="comparison">\n<h2>Comparison</h2>\n<p class="prose">{escape(str(error))}</p>\n</section>'


def _environment() -> Environment:
    environment = Environment(loader=FileSystemLoader(TEMPLATES), autoescape=True)
    environment.filters["printable"] = printable
    return environment


def _page(comparison: Comparison) -> str:
    styles = [(TEMPLATES / name).read_text(encoding="utf-8") for name in ("page.css", "differences.css")]
    names = dict.fromkeys(run.data for run in comparison.runs)
    return (
        _environment()
        .get_template("compare.html.j2")
        .render(
            title=f"{len(comparison.runs)} runs of {' and '.join(names)}, compared",
            section=Markup(_section(comparison)),  # noqa: S704 (its template escapes)
            css=Markup("\n".join(styles)),  # noqa: S704 (our own files)
        )
    )


def _section(comparison: Comparison) -> str:
    score = comparison.score
    pictures = [
        (_data_url(_scores([group], score, "svg")), _data_url(_differences([group], score, "svg")))
        for group in comparison.groups
    ]
    return (
        _environment()
        .get_template("compare_section.html.j2")
        .render(
            comparison=comparison,
            groups=list(zip(comparison.groups, pictures, strict=True)),
            score=score,
            title=SCORES[score][0],
            known=[name for name in SCORES if any(name in run.scores for run in comparison.runs)],
            names={name: title for name, (title, _) in SCORES.items()},
            words=words,
            nan=float("nan"),
        )
    )


def _differences(groups: Sequence[Group], score: str, kind: str) -> bytes:
    """Return the figure of the paired differences; empty if there are none."""
    from iris_lab.figures.paired_figures import Row

    rows = [
        Row(
            f"{group.name}: {pair.name}" if len(groups) > 1 else pair.name,
            pair.differences, pair.test.difference, pair.test.low, pair.test.high, pair.verdict, bool(pair.better),
        )
        for group in groups
        for pair in group.pairs
    ]  # fmt: skip
    if not rows:
        return b""
    percent = score in words.SHARES
    title = f"Differences in {SCORES[score][0]} on the same test sets"
    return _drawn(rows, kind, title=title, scale=words.unit(score), percent=percent, signed=True)


def _scores(groups: Sequence[Group], score: str, kind: str) -> bytes:
    """Return the figure of the scores of each run."""
    from iris_lab.figures.paired_figures import Row

    rows = [
        Row(each.name, [run.metrics[f"evaluate.{score}"] for run in each.runs], *each.scores[score])
        for group in groups
        for each in group.configurations
    ]
    name = SCORES[score][0]
    title = f"{name[0].upper()}{name[1:]} on the test set of each run"
    return _drawn(rows, kind, title=title, scale=name, percent=score in words.SHARES)


def _drawn(rows: "Sequence[Row]", kind: str, *, title: str, scale: str, percent: bool, signed: bool = False) -> bytes:
    from iris_lab.figures.paired_figures import scores_by_split  # here: figures import for seconds
    from iris_lab.figures.style import render

    return render(scores_by_split(rows, title=title, scale=scale, percent=percent, signed=signed), kind)


def _data_url(picture: bytes) -> str:
    return f"data:image/svg+xml;base64,{b64encode(picture).decode()}" if picture else ""
