"""Configurations, the test sets that they have in common, and the test of each two of them."""

import functools
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from pathlib import Path
from typing import TYPE_CHECKING, Any

from iris_lab.errors import InputError
from iris_lab.paired_tests import PairedTest, corrected_t_test, holm
from iris_lab.weighted_scores import SCORES
from iris_lab.workflow.compared_runs import CROSS_VALIDATION, SEED, ComparedRun

if TYPE_CHECKING:
    from iris_lab.weighted_scores import Judged

LEVEL = 0.05
EVERY_PAIR = 6  # configurations; of more, each is compared with the best only
Part = Mapping[tuple[Any, ...], Sequence[ComparedRun]]  # runs by configuration


@dataclass(frozen=True)
class Configuration:
    """The runs that differ in their seed at most.

    Attributes
    ----------
    name
        The values by which it differs from the others it is compared with.
    runs
        In the order of their seeds.
    cross_validation
        Mean of their scores in cross-validation, on the training sets alone; NaN if they have none.
    scores
        Mean of each score on the test sets, and its 95 % interval: over several test sets that of the corrected
        resampled t-test, of a single one its own.
    """

    name: str
    runs: Sequence[ComparedRun]
    cross_validation: float
    scores: Mapping[str, tuple[float, float, float]]


@dataclass(frozen=True)
class Pair:
    """Two configurations compared on equal test sets.

    Attributes
    ----------
    one, other
        Their names.
    differences
        Score of the one minus that of the other, one for each of several test sets; of a single one, none.
    test
        What the test found, not adjusted.
    adjusted
        The p-value by Holm's adjustment over all pairs of the group.
    better
        Name of the better one; empty if they are not distinguishable.
    """

    one: str
    other: str
    differences: Sequence[float]
    test: PairedTest
    adjusted: float = float("nan")
    better: str = ""

    @property
    def name(self) -> str:
        """What was subtracted from what."""
        return f"{self.one} − {self.other}"

    @property
    def splits(self) -> int:
        """Number of test sets."""
        return len(self.differences) or 1

    @property
    def verdict(self) -> str:
        """What the test says, in words."""
        if self.test.p != self.test.p:  # not a number: there was nothing to test by
            return "not tested: no variation"
        return f"{self.better} is better" if self.better else "not distinguishable"


@dataclass(frozen=True)
class Group:
    """Configurations that were judged on the same test sets.

    Attributes
    ----------
    name
        The values by which it differs from other groups; empty if it is the only one.
    configurations
        The best by cross-validation first.
    pairs
        All pairs; of more than `EVERY_PAIR` configurations, those of the best with each other.
    """

    name: str
    configurations: Sequence[Configuration]
    pairs: Sequence[Pair]

    @property
    def best(self) -> Configuration:
        """The best by cross-validation, never by a score on the test sets."""
        return self.configurations[0]


def parts_of(runs: Sequence[ComparedRun]) -> list[Part]:
    """Return the configurations that are connected by common test sets.

    Raises
    ------
    InputError
        Two runs are the same but for their folder.
    """
    configurations: dict[tuple[Any, ...], list[ComparedRun]] = {}
    for run in runs:
        own = configurations.setdefault(run.configuration, [])
        if twin := next((other for other in own if (other.seed, other.test_set) == (run.seed, run.test_set)), None):
            raise InputError(
                f"runs {str(twin.path)!r} and {str(run.path)!r} have the same parameters and the same test set: "
                "give one of them (iris-lab verify says whether a run comes out the same)"
            )
        own.append(run)
    parts: list[tuple[set[tuple[str, str]], Part]] = []
    for key, own in configurations.items():
        sets: set[tuple[str, str]] = {run.test_set for run in own}
        whole: dict[tuple[Any, ...], Sequence[ComparedRun]] = {key: own}
        for part in [part for part in parts if part[0] & sets]:
            parts.remove(part)
            sets, whole = part[0] | sets, {**part[1], **whole}
        parts.append((sets, whole))
    return [part for _, part in parts]


def group_of(part: Part, varying: Mapping[str, Sequence[Any]], score: str, *, title: Sequence[str]) -> Group:
    """Compare the configurations that have test sets in common.

    Parameters
    ----------
    part
        One of `parts_of`.
    varying
        The parameters that differ between all runs.
    score
        What to compare.
    title
        What to put before the parameters in its name.
    """
    runs = [run for own in part.values() for run in own]
    within = [name for name in varying if len({run.values.get(name, "") for run in runs}) > 1]
    name = ", ".join([*title, *(f"{n}={runs[0].values.get(n, '')}" for n in varying if n not in within)])
    called = [n for n in within if n != SEED]
    found = [_configuration(own, called) for own in part.values()]
    found.sort(key=lambda each: -each.cross_validation if each.cross_validation > 0 else 0.0)
    wanted = combinations(found, 2) if len(found) <= EVERY_PAIR else ((found[0], each) for each in found[1:])
    predictions = functools.cache(_predictions)
    pairs = [pair for one, other in wanted if (pair := _pair(one, other, score, predictions))]
    return Group(name, found, _judged(pairs, score))


def _configuration(runs: Sequence[ComparedRun], called: Sequence[str]) -> Configuration:
    ordered = sorted(runs, key=lambda run: (isinstance(run.seed, str), run.seed))
    values = runs[0].values
    parts = [str(values.get(n, "")) if n == "model" else f"{n}={values.get(n, '')}" for n in called]
    known = [name for name in SCORES if all(name in run.scores for run in ordered)]
    validated = [run.metrics.get(CROSS_VALIDATION, float("nan")) for run in ordered]
    return Configuration(
        ", ".join(parts) or (ordered[0].path.name if len(ordered) == 1 else "all runs"),
        ordered,
        sum(validated) / len(validated),
        {name: _mean(ordered, name) for name in known},
    )


def _mean(runs: Sequence[ComparedRun], score: str) -> tuple[float, float, float]:
    """Return the mean of a score over the test sets, and its interval, within what the score can be."""
    by_test_set = {run.test_set: run.metrics[f"evaluate.{score}"] for run in reversed(runs)}
    if len(by_test_set) > 1:
        found = corrected_t_test(list(by_test_set.values()), _ratio(runs))
        mean, low, high = found.difference, found.low, found.high
    else:
        mean, low, high = (runs[0].metrics[f"evaluate.{score}{end}"] for end in ("", "_low", "_high"))
    most = 1.0 if SCORES[score][1] == "higher" else float("inf")
    return mean, max(low, 0.0), min(high, most)  # NaN stays


def _ratio(runs: Iterable[ComparedRun]) -> float:
    ratios = [run.test_per_train for run in runs]
    return sum(ratios) / len(ratios)


def _predictions(run: Path) -> "Judged":
    from iris_lab.workflow.compared_samples import predictions  # here: it imports for seconds

    return predictions(run)


def _pair(one: Configuration, other: Configuration, score: str, predictions: "Callable[[Path], Judged]") -> Pair | None:
    """Compare two configurations on the test sets that both have; without a common one there is nothing to say."""
    ones, others = _by_test_set(one), _by_test_set(other)
    matched = [_matched(ones[test_set], others[test_set]) for test_set in ones if test_set in others]
    if not matched:
        return None
    if len(matched) == 1:
        from iris_lab.scores import difference_of_scores  # here: it imports for seconds

        first, second = matched[0]
        return Pair(
            one.name, other.name, (), difference_of_scores(predictions(first.path), predictions(second.path), score)
        )
    key = f"evaluate.{score}"
    differences = [first.metrics[key] - second.metrics[key] for first, second in matched]
    ratio = _ratio(run for both in matched for run in both)
    return Pair(one.name, other.name, differences, corrected_t_test(differences, ratio))


def _by_test_set(configuration: Configuration) -> dict[tuple[str, str], dict[Any, ComparedRun]]:
    found: dict[tuple[str, str], dict[Any, ComparedRun]] = {}
    for run in configuration.runs:
        found.setdefault(run.test_set, {})[run.seed] = run
    return found


def _matched(ones: Mapping[Any, ComparedRun], others: Mapping[Any, ComparedRun]) -> tuple[ComparedRun, ComparedRun]:
    """Return two runs with a test set, of the same seed if there are such: no test set counts twice."""
    same = next((seed for seed in ones if seed in others), None)
    if same is not None:
        return ones[same], others[same]
    return next(iter(ones.values())), next(iter(others.values()))


def _judged(pairs: Sequence[Pair], score: str) -> list[Pair]:
    """Return the pairs with the adjusted p-values, and the better one where they are distinguishable."""
    sign = 1 if SCORES[score][1] == "higher" else -1
    judged = []
    for pair, adjusted in zip(pairs, holm([pair.test.p for pair in pairs]), strict=True):
        first = sign * pair.test.difference > 0
        better = (pair.one if first else pair.other) if adjusted < LEVEL else ""
        judged.append(replace(pair, adjusted=adjusted, better=better))
    return judged
