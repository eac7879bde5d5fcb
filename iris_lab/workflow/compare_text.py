"""A comparison as text for a terminal."""

from collections.abc import Sequence
from textwrap import wrap

from iris_lab.weighted_scores import SCORES
from iris_lab.workflow import compare_words as words
from iris_lab.workflow.compare import Comparison
from iris_lab.workflow.compared_groups import Group
from iris_lab.workflow.comparison.findings import printable

WIDTH, LINE = 9, 100
SHOWN = 30  # rows of a table
FEW = 4  # configurations; of more, only the score that is compared is shown


def summarize(comparison: Comparison) -> str:
    """Return a comparison as text: what differs, the scores, the paired differences, and what they say."""
    one = comparison.runs[0]
    lines = [f"{'runs':{WIDTH}} {len(comparison.runs)} of {printable(f'{one.data} ({one.data_sha256[:12]}…)')}"]
    if len({run.data_sha256 for run in comparison.runs}) > 1:
        lines = [f"{'runs':{WIDTH}} {len(comparison.runs)}"]
    differing = [f"{printable(name)}: {words.values(found)}" for name, found in comparison.varying.items()]
    lines += _labelled("differing", differing or ["no parameter"])
    lines += _labelled("apart", wrap(words.told_apart(comparison), LINE - WIDTH))
    for group in comparison.groups[:SHOWN]:
        lines += ["", *_group(group, comparison.score)]
    if len(comparison.groups) > SHOWN:
        lines += ["", f"and {len(comparison.groups) - SHOWN} more"]
    return "\n".join(lines)


def _labelled(label: str, texts: Sequence[str]) -> list[str]:
    return [f"{label if place == 0 else '':{WIDTH}} {text}" for place, text in enumerate(texts)]


def _group(group: Group, score: str) -> list[str]:
    lines = [f"[{printable(group.name)}]"] if group.name else []
    lines += _table(_scores(group, score))
    if group.pairs:
        head = ["difference", words.unit(score), "95 % interval", "p", "adjusted", ""]
        rows = [
            [
                printable(pair.name),
                words.difference(pair.test.difference, score),
                words.differences(pair.test.low, pair.test.high, score),
                words.p_value(pair.test.p),
                words.p_value(pair.adjusted),
                printable(pair.verdict),
            ]
            for pair in group.pairs
        ]
        lines += ["", *_table([head, *rows])]
    for text in (words.conclusion(group, score), words.method(group, score)):
        lines += ["", *wrap(text, LINE)] if text else []
    return lines


def _scores(group: Group, score: str) -> list[list[str]]:
    """Return the rows of the scores: of few configurations all of them, a column each."""
    found = group.configurations
    seeds = [str(len(each.runs)) for each in found]
    validated = [words.number(each.cross_validation, "accuracy") for each in found]
    names = [printable(each.name) for each in found]
    if len(found) > FEW:
        head = ["configuration", "runs", "cross-validation", SCORES[score][0], "95 % interval"]
        columns = [names, seeds, validated, *zip(*(_shown(each.scores[score], score) for each in found), strict=True)]
        return [head, *(list(row) for row in zip(*columns, strict=True))]
    known = [name for name in SCORES if all(name in each.scores for each in found)]
    rows = [["score", *names], ["runs", *seeds], ["cross-validation", *validated]]
    return rows + [
        [SCORES[name][0], *("{} ({})".format(*_shown(each.scores[name], name)) for each in found)] for name in known
    ]


def _shown(found: tuple[float, float, float], score: str) -> tuple[str, str]:
    mean, low, high = found
    return words.number(mean, score), words.interval(low, high, score)


def _table(rows: Sequence[Sequence[str]]) -> list[str]:
    """Return rows as lines with aligned columns; of many rows, the first ones."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = ["  ".join(f"{cell:{width}}" for cell, width in zip(row, widths, strict=True)) for row in rows]
    more = [f"and {len(rows) - 1 - SHOWN} more"] if len(rows) > SHOWN + 1 else []
    return [line.rstrip() for line in lines[: SHOWN + 1]] + more
