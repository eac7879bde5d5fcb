"""Tests of models against models: held to published numbers, and to what a test promises when nothing differs."""

import numpy as np
import pytest
from scipy.stats import binomtest, t, ttest_1samp
from sklearn.datasets import make_moons
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import RepeatedStratifiedKFold, cross_val_score
from sklearn.svm import SVC

from iris_lab.errors import InputError
from iris_lab.paired_tests import corrected_t_test, exact_mcnemar, holm
from iris_lab.scores import difference_of_scores
from iris_lab.weighted_scores import Judged


def test_the_corrected_t_test_has_the_numbers_of_scikit_learns_example():
    # https://scikit-learn.org/stable/auto_examples/model_selection/plot_grid_search_stats.html
    features, target = make_moons(noise=0.352, random_state=1, n_samples=100)
    folds = RepeatedStratifiedKFold(n_splits=10, n_repeats=10, random_state=0)
    rbf, linear = (
        cross_val_score(SVC(kernel=kernel, random_state=0), features, target, scoring="roc_auc", cv=folds)
        for kernel in ("rbf", "linear")
    )
    corrected, naive = (corrected_t_test(rbf - linear, ratio, one_sided=True) for ratio in (10 / 90, 0))
    assert [round(corrected.statistic, 3), round(corrected.p, 3)] == [0.750, 0.227]
    assert [round(naive.statistic, 3), round(naive.p, 3)] == [2.611, 0.005]


def test_without_overlap_it_is_students_t_test():
    differences = np.random.default_rng(0).normal(0.01, 0.03, 12)
    found, known = corrected_t_test(differences, 0), ttest_1samp(differences, 0)
    interval = known.confidence_interval(0.95)
    assert (found.statistic, found.p) == pytest.approx((known.statistic, known.pvalue))
    assert (found.low, found.high) == pytest.approx((interval.low, interval.high))


def test_the_interval_leaves_out_0_exactly_where_the_p_value_is_under_5_percent():
    random = np.random.default_rng(1)
    found = [corrected_t_test(random.normal(0.05, 0.05, 8), 1 / 3) for _ in range(200)]
    assert {test.p < 0.05 for test in found} == {True, False}
    assert all((test.low > 0 or test.high < 0) == (test.p < 0.05) for test in found)


def test_differences_that_do_not_vary_are_no_evidence_unless_they_are_0():
    nothing, same = corrected_t_test([0.0] * 8, 1 / 3), corrected_t_test([1 / 38] * 8, 1 / 3)
    assert (nothing.p, nothing.statistic) == (1.0, 0.0)
    assert np.isnan([same.p, same.statistic, same.low, same.high]).all()
    rounded = corrected_t_test([0.1 + 0.2, 0.3, 0.3], 1 / 3)
    assert np.isnan(rounded.p), "they differ by rounding only"


@pytest.mark.parametrize(
    ("differences", "ratio", "message"),
    [
        ([0.1], 0.3, "1 differences of scores: expected two or more"),
        ([0.1, float("nan")], 0.3, "expected two or more finite numbers"),
        ([[0.1, 0.2]], 0.3, "expected two or more finite numbers"),
        ([0.1, 0.2], -1, "test_per_train=-1: expected the samples of a test set over those of training"),
        ([0.1, 0.2], float("nan"), "test_per_train=nan"),
    ],
)
def test_what_cannot_be_tested_is_refused(differences, ratio, message):
    with pytest.raises(InputError, match=message):
        corrected_t_test(differences, ratio)


def centroid_differences(*, pairs: int, splits: int, held_out: int, samples: int, apart: float) -> np.ndarray:
    """Return differences in accuracy of two nearest-centroid classifiers over random splits, shape (pairs, splits).

    Each pair has a table of its own, and each model a half of its features; where `apart` is 0, both are equally good.
    """
    random = np.random.default_rng(7)
    target = np.arange(samples) % 2
    right = []
    for half in (0, 1):
        shift = (0.6 + apart * half) * target[:, None]
        right.append(random.normal(size=(pairs, samples, 3)) + shift)
    order = random.permuted(np.broadcast_to(np.arange(samples), (pairs, splits, samples)), axis=2)
    test, train = order < held_out, order >= held_out
    scores = []
    for values in right:
        weights = [(train & (target == code)).astype(float) for code in (0, 1)]
        low, high = (weight @ values / weight.sum(axis=2, keepdims=True) for weight in weights)
        decision = (high - low) @ values.transpose(0, 2, 1) - ((high**2 - low**2).sum(axis=2) / 2)[:, :, None]
        scores.append((((decision > 0) == (target == 1)) & test).sum(axis=2) / held_out)
    return scores[0] - scores[1]


def alarms(differences: np.ndarray, ratio: float) -> float:
    return float(np.mean([corrected_t_test(each, ratio).p < 0.05 for each in differences]))


@pytest.mark.parametrize(("splits", "held_out"), [(10, 30), (20, 24)])
def test_of_a_thousand_equally_good_pairs_five_percent_are_called_different_and_by_the_naive_test_many(
    splits, held_out
):
    found = centroid_differences(pairs=1000, splits=splits, held_out=held_out, samples=120, apart=0)
    assert 0.03 <= alarms(found, held_out / (120 - held_out)) <= 0.07
    assert alarms(found, 0) > 0.2


def test_pairs_that_differ_are_found():
    found = centroid_differences(pairs=200, splits=20, held_out=30, samples=120, apart=0.7)
    assert alarms(found, 30 / 90) > 0.8


def test_holm_is_the_step_down_procedure_and_leaves_out_what_was_not_tested():
    given = [0.012, 0.3, float("nan"), 0.001, 0.02]
    assert holm(given) == pytest.approx([0.036, 0.3, float("nan"), 0.004, 0.04], nan_ok=True)
    assert holm([0.9, 0.8]) == [1.0, 1.0]
    assert holm([]) == []


def test_holm_rarely_raises_a_false_alarm_among_many_tests():
    p_values = np.random.default_rng(0).uniform(size=(2000, 15))
    assert np.mean([min(holm(row)) < 0.05 for row in p_values]) == pytest.approx(0.05, abs=0.015)


def judged(samples: int, wrong: list[int], *, sure: float = 0.9) -> Judged:
    """Return predictions of three classes with some samples wrong."""
    target = np.arange(samples) % 3
    predicted = target.copy()
    predicted[wrong] = (predicted[wrong] + 1) % 3
    probabilities = np.full((samples, 3), (1 - sure) / 2)
    probabilities[np.arange(samples), predicted] = sure
    return Judged(target, predicted, probabilities)


def test_on_one_test_set_the_accuracies_are_compared_by_the_exact_test_of_mcnemar():
    one, other = judged(90, [0]), judged(90, [0, 1, 2, 3, 4, 5, 6])
    found = difference_of_scores(one, other, "accuracy")
    assert found.difference == pytest.approx(6 / 90)
    assert found.p == pytest.approx(binomtest(0, 6).pvalue)
    assert 0 < found.low < found.difference < found.high < 0.2
    assert exact_mcnemar(np.array([True, False]), np.array([True, False])) == 1.0


def test_a_model_is_not_distinguishable_from_itself_by_any_score():
    one = judged(60, [3, 7])
    for name in ("accuracy", "balanced_accuracy", "f1_macro", "roc_auc", "log_loss", "brier"):
        found = difference_of_scores(one, one, name)
        assert (found.difference, found.low, found.high, found.p) == (0, 0, 0, 1)


def test_other_scores_have_the_bootstrap_interval_of_their_difference_and_its_p_value():
    one, other = judged(300, [0, 1, 2], sure=0.95), judged(300, list(range(30)), sure=0.95)
    found = difference_of_scores(one, other, "roc_auc")
    areas = [roc_auc_score(each.target, each.probabilities, multi_class="ovr") for each in (one, other)]
    assert found.difference == pytest.approx(areas[0] - areas[1])
    assert 0 < found.low < found.difference < found.high
    assert found.p == pytest.approx(2 / 1001), "as small as 1,000 resamples can say"
    assert difference_of_scores(one, other, "log_loss").high < 0


def test_the_degrees_of_freedom_are_the_splits_less_one():
    values = [0.01, 0.03, 0.05]
    found = corrected_t_test(values, 0.25)
    assert found.p == pytest.approx(2 * t.sf(found.statistic, 2))
