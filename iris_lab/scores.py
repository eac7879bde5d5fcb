"""The scores of a model on the test set, each with an interval, beside those of the baseline."""

from collections.abc import Iterator, Mapping

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from iris_lab.errors import InputError
from iris_lab.modeling import Split
from iris_lab.paired_tests import PairedTest, exact_mcnemar
from iris_lab.weighted_scores import RESAMPLED, SCORES, Codes, Counts, Floats, Judged

CONFIDENCE = 0.95
RESAMPLES, FEWEST_RESAMPLES = 1000, 200
WORK = 3 * 10**7  # resamples x samples x classes; about half a second, beyond which there are fewer resamples
BLOCK = 10**6  # samples drawn at a time, so that their counts stay in the processor's cache


def wilson_interval(correct: int, total: int, *, confidence: float = CONFIDENCE) -> tuple[float, float]:
    """Return the Wilson score interval of a proportion.

    Unlike the normal approximation it stays within 0 and 1 and has a width where every answer was correct.

    Parameters
    ----------
    correct, total
        Counts, ``0 <= correct <= total`` and ``total >= 1``.
    confidence
        Between 0 and 1.

    Returns
    -------
    tuple of float
        Lower and upper bound, fractions.

    Raises
    ------
    InputError
        The counts are not those of a proportion.

    References
    ----------
    Wilson, E. B. (1927). Probable inference, the law of succession, and statistical inference.
    Journal of the American Statistical Association 22(158), 209-212.

    Examples
    --------
    >>> [round(bound, 3) for bound in wilson_interval(37, 38)]
    [0.865, 0.995]
    """
    if not 0 <= correct <= total or total < 1:
        raise InputError(f"{correct} correct of {total}: expected 0 <= correct <= total, and at least one")
    from scipy.stats import binomtest  # 0.4 s of import

    interval = binomtest(correct, total).proportion_ci(confidence, "wilson")
    return float(interval.low), float(interval.high)


def scores(split: Split, predicted: Codes, probabilities: Floats, *, seed: int = 0) -> dict[str, float]:
    """Return the numbers of an evaluation: the model's scores with 95 % intervals, and the baseline's scores.

    The scores are those of scikit-learn: ``balanced_accuracy_score``; ``f1_score`` with ``average="macro"``;
    ``roc_auc_score`` with ``multi_class="ovr"``, the mean over the classes of the area for one against the rest;
    ``log_loss``; ``brier_score_loss``, which for more than two classes is between 0 and 2.

    The accuracy has Wilson's interval. The others have the bootstrap percentile interval (Efron and Tibshirani, An
    Introduction to the Bootstrap, 1993, chapter 13): the test set is resampled with replacement, in its own size and
    regardless of class, and the interval holds the middle 95 % of the scores of the resamples. There are 1,000; where
    samples times classes exceed 30,000, as many fewer, but never under 200. A class that a resample lacks is left
    out of that resample's means over the classes; a resample of one class only has no area and is left out of its
    interval.

    The baseline is fitted on the training set, too: it predicts its majority class, with the shares of its classes as
    probabilities. ``mcnemar_p`` is the p-value of `exact_mcnemar` of model against baseline on the same samples.

    Parameters
    ----------
    split
        The test set, and the training set of the baseline.
    predicted
        Code predicted for each test sample.
    probabilities
        Of each class, shape (test samples, classes).
    seed
        Of the resamples.

    Returns
    -------
    dict
        ``samples``, ``correct``, ``accuracy``, ``f1_macro`` and so on, each score with ``…_low``, ``…_high``, and
        ``baseline_…``. A test set of one class has no ``roc_auc``.
    """
    baseline = _baseline(split)
    model = Judged(split.test_target, predicted, probabilities)
    right, baseline_right = model.target == predicted, baseline.target == baseline.predicted
    numbers: dict[str, float] = {
        "samples": len(right),
        "mcnemar_p": exact_mcnemar(right, baseline_right),
        **_proportion("", right),
        **_proportion("baseline_", baseline_right),
    }
    once = np.ones((1, len(right)), np.int32)
    resampled = np.concatenate([model.scores(weights) for weights in _resamples(len(right), model.classes, seed)])
    tail = (1 - CONFIDENCE) / 2
    for place, name in enumerate(RESAMPLED):
        found = {"": model.scores(once)[0, place], "baseline": baseline.scores(once)[0, place]}
        if np.isnan(found[""]):
            continue
        numbers[name], numbers[f"baseline_{name}"] = float(found[""]), float(found["baseline"])
        low, high = np.nanquantile(resampled[:, place], [tail, 1 - tail])
        numbers |= {f"{name}_low": float(low), f"{name}_high": float(high)}
    return numbers


def difference_of_scores(one: Judged, other: Judged, name: str, *, seed: int = 0) -> PairedTest:
    """Compare two models by a score on the same test samples.

    The interval is the bootstrap percentile interval of `scores`, both models judged on the same resamples. The
    p-value is that of `exact_mcnemar` for the accuracy, and for other scores the smallest error rate at which the
    bootstrap interval would leave out 0.

    Parameters
    ----------
    one, other
        Predictions for the same samples.
    name
        Of the score, one of `SCORES`.
    seed
        Of the resamples.
    """
    samples = len(one.target)
    blocks = list(_resamples(samples, one.classes, seed))
    both = [
        np.concatenate([_scored(judged, weights, name) for weights in (np.ones((1, samples), np.int32), *blocks)])
        for judged in (one, other)
    ]
    whole, *resampled = (both[0] - both[1]).tolist()
    drawn = np.array(resampled)
    drawn = drawn[~np.isnan(drawn)]  # a resample of one class has no area
    low, high = np.quantile(drawn, [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2]) if len(drawn) else (whole, whole)
    if name == "accuracy":
        p = exact_mcnemar(one.target == one.predicted, other.target == other.predicted)
    else:
        beyond = 1 + min(int((drawn <= 0).sum()), int((drawn >= 0).sum()))
        p = min(1.0, 2 * beyond / (1 + len(drawn)))
    return PairedTest(whole, float(low), float(high), float("nan"), p)


def score_table(numbers: Mapping[str, float]) -> pd.DataFrame:
    """Return the result of `scores` as a table, one row per score, the baseline beside the model."""
    known = {name: texts for name, texts in SCORES.items() if name in numbers}
    columns = {
        "test set": "{}",
        "95 % from": "{}_low",
        "to": "{}_high",
        "majority class": "baseline_{}",
    }
    table = pd.DataFrame({title: [numbers[key.format(name)] for name in known] for title, key in columns.items()})
    table["better"] = [better for _, better in known.values()]
    return table.set_index(pd.Index([title for title, _ in known.values()], name="score"))


def _scored(judged: Judged, weights: Counts, name: str) -> Floats:
    """Return a score for each row of weights."""
    if name == "accuracy":
        shares: Floats = (weights * (judged.target == judged.predicted)).sum(axis=1) / weights.shape[1]
        return shares
    return judged.scores(weights)[:, RESAMPLED.index(name)]


def _baseline(split: Split) -> Judged:
    shares = np.bincount(split.train_target, minlength=len(split.dataset.classes)) / len(split.train)
    samples = len(split.test)
    return Judged(split.test_target, np.full(samples, shares.argmax()), np.tile(shares, (samples, 1)))


def _proportion(prefix: str, right: NDArray[np.bool_]) -> dict[str, float]:
    correct, total = int(right.sum()), len(right)
    low, high = wilson_interval(correct, total)
    names = ("correct", "accuracy", "accuracy_low", "accuracy_high")
    return {f"{prefix}{name}": value for name, value in zip(names, (correct, correct / total, low, high), strict=True)}


def _resamples(samples: int, classes: int, seed: int) -> Iterator[Counts]:
    """Yield how often each sample occurs in each resample, some resamples at a time, shape (resamples, samples)."""
    random = np.random.default_rng(seed)
    left = min(RESAMPLES, max(FEWEST_RESAMPLES, WORK // (samples * classes)))
    while left:
        rows = min(left, max(1, BLOCK // samples))
        drawn = random.integers(samples, size=(rows, samples)) + np.arange(rows)[:, None] * samples
        yield np.bincount(drawn.ravel(), minlength=rows * samples).reshape(rows, samples).astype(np.int32)
        left -= rows
