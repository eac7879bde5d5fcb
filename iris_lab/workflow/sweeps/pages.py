"""What a sweep shows of its runs: a table as CSV and as Parquet, and a page in the style of the report."""

import os
from collections.abc import Callable, Sequence
from pathlib import Path

import pandas as pd
from jinja2 import Environment, FileSystemLoader
from markupsafe import Markup

from iris_lab.workflow.compare_files import comparison_section
from iris_lab.workflow.layout import PAGE_FILE
from iris_lab.workflow.sweeps.choices import differing
from iris_lab.workflow.sweeps.outcomes import CROSS_VALIDATED, CSV_FILE, HELD_OUT, PARQUET_FILE, Outcome, ranked, spread

TEMPLATES = Path(__file__).parents[1] / "templates"
DIGITS = 4  # significant ones of a number in the CSV, which is for reading; Parquet has all
FEW = 6  # numbers of a run on the page, where it has no accuracy


def frame_of(outcomes: Sequence[Outcome]) -> pd.DataFrame:
    """Return a row for each run: the parameters that differ, its numbers, its folder, and why it failed."""
    names = differing([outcome.values for outcome in outcomes])
    metrics = list(dict.fromkeys(name for outcome in outcomes for name in outcome.metrics))
    columns: dict[str, list[object]] = {name: [outcome.values[name] for outcome in outcomes] for name in names}
    columns |= {name: [outcome.metrics.get(name) for outcome in outcomes] for name in metrics}
    columns |= {"run": [outcome.run for outcome in outcomes], "error": [outcome.error for outcome in outcomes]}
    return pd.DataFrame(columns)


def write_pages(folder: Path, outcomes: Sequence[Outcome]) -> pd.DataFrame:
    """Write the tables and the page of a sweep, each whole or not at all, and return the table.

    Parameters
    ----------
    folder
        The sweep.
    outcomes
        Its runs, in order.
    """
    runs = frame_of(outcomes)
    rounded = runs.map(lambda value: float(f"{value:.{DIGITS}g}") if isinstance(value, float) else value)
    _replace(folder / CSV_FILE, lambda path: rounded.to_csv(path, index=False, lineterminator="\n"))
    _replace(folder / PARQUET_FILE, lambda path: runs.to_parquet(path, index=False))
    page = _page(folder, outcomes, runs)
    _replace(folder / PAGE_FILE, lambda path: path.write_text(page, encoding="utf-8", newline="\n"))
    return runs


def _replace(path: Path, write: Callable[[Path], object]) -> None:
    beside = path.with_name(f".{path.name}.new")
    write(beside)
    os.replace(beside, path)


def _page(folder: Path, outcomes: Sequence[Outcome], runs: pd.DataFrame) -> str:
    names = differing([outcome.values for outcome in outcomes])
    groups = [group for group in ranked(outcomes) if group.scores(CROSS_VALIDATED)]
    known = [name for name in (CROSS_VALIDATED, HELD_OUT) if name in runs.columns]
    metrics = known or [name for name in runs.columns if name not in {*names, "run", "error"}][:FEW]
    environment = Environment(loader=FileSystemLoader(TEMPLATES), autoescape=True)
    return environment.get_template("sweep.html.j2").render(
        title=f"Sweep over {', '.join(names)}" if names else "Sweep",  # not of the folder: equal sweeps, equal pages
        best=groups,
        spread=lambda group, metric: spread(group.scores(metric)),
        cross_validated=CROSS_VALIDATED,
        held_out=HELD_OUT,
        names=names,
        metrics=metrics,
        outcomes=outcomes,
        failed=[outcome for outcome in outcomes if outcome.error],
        comparison=Markup(comparison_section([folder / each.run for each in outcomes if not each.error])),  # noqa: S704 (our own HTML)
        css=Markup((TEMPLATES / "page.css").read_text(encoding="utf-8")),  # noqa: S704 (our own file)
    )
