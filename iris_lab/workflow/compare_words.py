"""A comparison in words: its numbers as readers see them, what they show, and how it was found."""

import math
from collections.abc import Sequence
from typing import Any

from iris_lab.weighted_scores import SCORES
from iris_lab.workflow.compare import Comparison
from iris_lab.workflow.compared_groups import EVERY_PAIR, Group
from iris_lab.workflow.comparison.findings import printable

SHARES = ("accuracy", "balanced_accuracy")  # shown as percentages
NAMED = 12  # values or groups in a sentence
SWEEP = "iris-lab sweep -p model=logistic,svm -p seed=0..19"


def number(value: float, score: str) -> str:
    """Return a score as it is shown."""
    if math.isnan(value):
        return "–"
    return f"{100 * value:.1f} %" if score in SHARES else f"{value:.3f}"


def difference(value: float, score: str) -> str:
    """Return a difference of scores with its sign; of shares, in percentage points."""
    text = f"{100 * value:+.1f}" if score in SHARES else f"{value:+.3f}"
    return text.replace("-", "−") if float(text) else text[1:]


def interval(low: float, high: float, score: str) -> str:
    """Return the interval of a score."""
    if math.isnan(low):
        return "no variation"
    return f"{number(low, score).removesuffix(' %')} to {number(high, score)}"


def differences(low: float, high: float, score: str) -> str:
    """Return the interval of a difference of scores."""
    return "no variation" if math.isnan(low) else f"{difference(low, score)} to {difference(high, score)}"


def p_value(value: float) -> str:
    """Return a p-value as it is shown."""
    if math.isnan(value):
        return "–"
    return "< 0.001" if value < 0.001 else f"{value:.3f}"


def unit(score: str) -> str:
    """Return the unit of the differences."""
    return "percentage points" if score in SHARES else SCORES[score][0]


def values(found: Sequence[Any]) -> str:
    """Return the values of a parameter: ``0 to 7`` of consecutive whole numbers, else a list."""
    whole = len(found) > 2 and all(isinstance(value, int) and not isinstance(value, bool) for value in found)
    if whole and list(found) == list(range(found[0], found[-1] + 1)):
        return f"{found[0]} to {found[-1]}"
    return listed([str(value) or "''" for value in found])


def listed(names: Sequence[str]) -> str:
    """Return names as a list, of many the first ones."""
    more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    return printable(", ".join(names[:NAMED]) + more)


def told_apart(comparison: Comparison) -> str:
    """Say which runs were not compared with each other; empty if all could be."""
    if len(comparison.groups) < 2:
        return ""
    data = "data" if len({run.data_sha256 for run in comparison.runs}) > 1 else "test sets"
    names = listed([f"({group.name})" for group in comparison.groups])
    return f"Not compared with each other, because their {data} differ: {names}."


def conclusion(group: Group, score: str) -> str:
    """Say which configuration is the best by cross-validation, and what the test sets say of it and the others."""
    best = group.best
    if len(group.configurations) == 1:
        runs = len(best.runs)
        return f"One configuration with {_count(runs, 'seed')}: nothing to compare it with." if runs > 1 else ""
    mean = f", the mean of {len(best.runs)} seeds" if len(best.runs) > 1 else ""
    found = [f"The best by cross-validation is {best.name} ({number(best.cross_validation, 'accuracy')}{mean})."]
    own = [(pair, pair.other) for pair in group.pairs if pair.one == best.name]  # the best comes first in each pair
    alike = [other for pair, other in own if not pair.better and not math.isnan(pair.adjusted)]
    untested = [other for pair, other in own if math.isnan(pair.adjusted)]
    worse = [other for pair, other in own if pair.better == best.name]
    better = [other for pair, other in own if pair.better == other]
    by = f"By its {SCORES[score][0]} on the test set" + ("s" if own and own[0][0].splits > 1 else "")
    parts = [f"it is not distinguishable from {listed(alike)}"] * bool(alike)
    parts += [f"it is better than {listed(worse)}"] * bool(worse)
    parts += [f"it is worse than {listed(better)}"] * bool(better)
    parts += [f"it cannot be tested against {listed(untested)}, for the differences do not vary"] * bool(untested)
    if parts:
        found.append(f"{by}, {', '.join(parts)}.")
    return printable(" ".join(found))


def method(group: Group, score: str) -> str:
    """Say how the pairs of a group were tested, and what that does not show."""
    pairs = group.pairs
    if not pairs:
        return ""
    adjusted = (
        f"p adjusted over {_count(len(pairs), 'pair')} by Holm's method"
        if len(pairs) > 1
        else "one pair, so p is not adjusted"
    )
    only = f"; of more than {EVERY_PAIR} configurations, only the best by cross-validation is compared with each other"
    adjusted += only if len(group.configurations) > EVERY_PAIR else ""
    if pairs[0].splits == 1:
        test = "exact McNemar test" if score == "accuracy" else "bootstrap"
        one = "One test set, its samples paired; it says nothing about another draw of it, which takes a sweep over"
        return f"{one} seeds ({SWEEP}). {test[0].upper()}{test[1:]}, bootstrap intervals; {adjusted}."
    few, many = (find(pair.splits for pair in pairs) for find in (min, max))
    splits = f"{few}" if few == many else f"{few} to {many}"
    test = "corrected resampled t-test (Nadeau and Bengio 2003), approximate, since these sets overlap"
    return f"Paired differences over {splits} test sets of equal seeds: {test}; {adjusted}."


def _count(count: int, what: str) -> str:
    return f"{count} {what}{'' if count == 1 else 's'}"
