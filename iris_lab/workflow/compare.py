"""Runs side by side: which configurations can be told apart by their scores, and which cannot."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from iris_lab.errors import InputError
from iris_lab.workflow.compared_groups import Group, group_of, parts_of
from iris_lab.workflow.compared_runs import ComparedRun, find_runs, read_run
from iris_lab.workflow.comparison.findings import printable

if TYPE_CHECKING:
    import pandas as pd

SCORE = "accuracy"
COLUMNS = ("group", "one", "other", "splits", "difference", "low", "high", "t", "p", "p_holm", "verdict")


@dataclass(frozen=True)
class Comparison:
    """What was found about some runs.

    Attributes
    ----------
    score
        What they were judged by, a name of `iris_lab.weighted_scores.SCORES`.
    varying
        Values of each parameter that differs between the runs.
    groups
        The runs by test sets; only those within a group are compared.
    runs
        All of them.
    """

    score: str
    varying: Mapping[str, Sequence[Any]]
    groups: Sequence[Group]
    runs: Sequence[ComparedRun]


def compare(runs: Iterable[Path | str], *, score: str = SCORE) -> "pd.DataFrame":
    """Compare runs in pairs, on equal test sets only.

    Runs that differ in their seed only are one configuration. Two configurations with several test sets in common,
    such as the models of a sweep over seeds, are compared by `corrected_t_test` of their paired differences; with a
    single one, by `difference_of_scores` on its samples.

    Parameters
    ----------
    runs
        Folders of runs, or of sweeps.
    score
        A score of the evaluation, such as ``accuracy``, ``roc_auc`` or ``log_loss``.

    Returns
    -------
    pandas.DataFrame
        One row per pair: ``difference`` is the score of ``one`` minus that of ``other``, with ``low`` and ``high`` of
        its 95 % interval; ``p_holm`` is adjusted over all pairs of a group, and ``verdict`` is in words.

    Raises
    ------
    InputError
        The runs cannot be compared; the message says why.
    """
    import pandas as pd

    rows = [
        (
            group.name, pair.one, pair.other, pair.splits, pair.test.difference, pair.test.low, pair.test.high,
            pair.test.statistic, pair.test.p, pair.adjusted, pair.verdict,
        )
        for group in compare_runs([Path(run) for run in runs], score=score).groups
        for pair in group.pairs
    ]  # fmt: skip
    return pd.DataFrame(rows, columns=list(COLUMNS))


def compare_runs(places: Sequence[Path], *, score: str = SCORE) -> Comparison:
    """Read runs and compare them, as `compare` does.

    Raises
    ------
    InputError
        There are fewer than two runs, one of them is none or is damaged, or they are of different data.
    """
    runs = [read_run(path, score) for path in find_runs(places)]
    if len(runs) < 2:
        raise InputError(f"one run has nothing to be compared with: give another beside {str(runs[0].path)!r}")
    names = dict.fromkeys(name for run in runs for name in run.values)
    values = {name: _distinct(run.values.get(name, "") for run in runs) for name in names}
    varying = {name: found for name, found in values.items() if len(found) > 1}
    parts, tables = parts_of(runs), {run.data_sha256: run for run in runs}
    if len(tables) > 1 and not any(len(part) > 1 for part in parts):
        one, other, *_ = tables.values()
        raise InputError(
            f"runs of different data cannot be compared: {str(one.path)!r} is of {_data(one)}, "
            f"{str(other.path)!r} of {_data(other)}"
        )
    groups = []
    for part in parts:
        title = [_data(next(iter(part.values()))[0])] if len(tables) > 1 else []
        groups.append(group_of(part, varying, score, title=title))
    return Comparison(score, varying, groups, runs)


def _distinct(values: Iterable[Any]) -> list[Any]:
    found = list(dict.fromkeys(values))
    return sorted(found) if all(isinstance(value, int | float) for value in found) else found


def _data(run: ComparedRun) -> str:
    return printable(f"{run.data} ({run.data_sha256[:12]}…)")
