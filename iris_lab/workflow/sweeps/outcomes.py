"""The runs of a sweep as rows, and which is best by cross-validation, in words for a terminal."""

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from iris_lab.workflow.layout import PAGE_FILE
from iris_lab.workflow.parameters import Value
from iris_lab.workflow.sweeps.choices import differing

CROSS_VALIDATED, HELD_OUT, SEED = "train.accuracy_mean", "evaluate.accuracy", "seed"
CSV_FILE, PARQUET_FILE = "runs.csv", "runs.parquet"
FILES = (CSV_FILE, PARQUET_FILE, PAGE_FILE)  # of all runs together
SHOWN = 20  # lines of the table on a terminal


@dataclass(frozen=True)
class Outcome:
    """One run of a sweep.

    Attributes
    ----------
    run
        Name of its folder in the sweep.
    values
        The parameters that were given.
    metrics
        Its numbers; empty if it failed.
    error
        Why it failed, in one line; empty if it did not.
    """

    run: str
    values: Mapping[str, Value]
    metrics: Mapping[str, float] = field(default_factory=dict)
    error: str = ""


@dataclass(frozen=True)
class Group:
    """Runs that differ in their seeds alone.

    Attributes
    ----------
    values
        What they have in common of the parameters that differ in the sweep.
    runs
        Those that did not fail.
    """

    values: Mapping[str, Value]
    runs: Sequence[Outcome]

    def scores(self, metric: str) -> list[float]:
        """Return a number of each run that has it."""
        return [run.metrics[metric] for run in self.runs if metric in run.metrics]


def ranked(outcomes: Sequence[Outcome]) -> list[Group]:
    """Return the runs in groups that differ in their seeds alone, the best by its mean cross-validated accuracy first.

    The held-out accuracy never decides: the best of many would be a lucky one.
    """
    names = [name for name in differing([outcome.values for outcome in outcomes]) if name != SEED]
    groups: dict[tuple[Value, ...], list[Outcome]] = {}
    for outcome in outcomes:
        groups.setdefault(tuple(outcome.values[name] for name in names), []).append(outcome)
    found = [
        Group(dict(zip(names, key, strict=True)), [each for each in members if not each.error])
        for key, members in groups.items()
    ]
    return sorted(found, key=lambda group: -statistics.fmean(group.scores(CROSS_VALIDATED) or [-1.0]))


def table_of(outcomes: Sequence[Outcome]) -> str:
    """Return the table for a terminal: a line for each group, or an empty text if there is nothing to rank."""
    groups = [group for group in ranked(outcomes) if group.scores(CROSS_VALIDATED)]
    if not groups:
        return ""
    names = list(groups[0].values)
    lines = [[*names, "cross-validated", "held out", "runs"]]
    for group in groups[:SHOWN]:
        shown = [spread(group.scores(CROSS_VALIDATED)), spread(group.scores(HELD_OUT)), str(len(group.runs))]
        lines.append([*(str(value) for value in group.values.values()), *shown])
    widths = [max(len(line[column]) for line in lines) for column in range(len(lines[0]))]
    table = ["  ".join(text.ljust(width) for text, width in zip(line, widths, strict=True)).rstrip() for line in lines]
    rest = [f"and {len(groups) - SHOWN} more"] if len(groups) > SHOWN else []
    return "\n".join([*table, *rest])


def spread(scores: Sequence[float]) -> str:
    """Return the mean of accuracies and, of two or more, their standard deviation, in per cent."""
    if not scores:
        return ""
    deviation = f" ± {100 * statistics.stdev(scores):.1f}" if len(scores) > 1 else ""
    return f"{100 * statistics.fmean(scores):.1f} %{deviation}"
