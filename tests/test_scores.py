import time
import warnings

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray
from sklearn import metrics
from sklearn.dummy import DummyClassifier

from iris_lab.data.dataset import Dataset
from iris_lab.errors import InputError
from iris_lab.modeling import Split
from iris_lab.scores import score_table, scores, wilson_interval
from iris_lab.weighted_scores import RESAMPLED, Judged

Floats, Codes = NDArray[np.float64], NDArray[np.int64]


@pytest.mark.parametrize(
    ("correct", "total", "low", "high"),
    # Newcombe, Statistics in Medicine 17 (1998), 857-872, table I, method 3: the score method without continuity.
    [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611), (1, 29, 0.0061, 0.1718)],
)
def test_the_wilson_interval_has_the_published_bounds(correct: int, total: int, low: float, high: float) -> None:
    assert wilson_interval(correct, total) == pytest.approx((low, high), abs=5e-5)


def test_the_wilson_interval_stays_within_0_and_1_and_has_a_width() -> None:
    for total in (1, 2, 38, 10**9):
        assert wilson_interval(0, total)[0] == 0.0 < wilson_interval(0, total)[1]
        assert wilson_interval(total, total)[1] == 1.0 > wilson_interval(total, total)[0]


def test_the_wilson_interval_covers_what_it_says() -> None:
    draws = np.random.default_rng(0).binomial(38, 0.9, 4000)
    bounds = [wilson_interval(int(correct), 38) for correct in draws]
    assert np.mean([low <= 0.9 <= high for low, high in bounds]) == pytest.approx(0.95, abs=0.02)


@pytest.mark.parametrize(("correct", "total"), [(-1, 3), (4, 3), (0, 0)])
def test_counts_of_no_proportion_are_refused(correct: int, total: int) -> None:
    with pytest.raises(InputError, match="expected 0 <= correct <= total"):
        wilson_interval(correct, total)


def split_of(train: Codes, test: Codes, classes: int) -> Split:
    """Return a split with these classes in its training and in its test set."""
    target = np.concatenate([train, test])
    features = pd.DataFrame({"a": np.arange(float(len(target)))})
    dataset = Dataset("made up", features, target, tuple(f"c{code}" for code in range(classes)), "kind", "")
    return Split(dataset, np.arange(len(train)), np.arange(len(train), len(target)))


def predictions(samples: int, classes: int, *, ties: bool = False) -> tuple[Split, Codes, Floats]:
    """Return a split, and predictions for it of a model that is often right; with ties, as knn gives them."""
    random = np.random.default_rng(samples + classes)
    shares = 1 / np.arange(1, classes + 1)
    target = random.choice(classes, samples, p=shares / shares.sum())
    target[:classes] = np.arange(classes)
    votes = random.dirichlet(np.full(classes, 0.3), samples) + np.eye(classes)[target] * random.random((samples, 1))
    probabilities = votes / votes.sum(axis=1, keepdims=True)
    if ties:
        probabilities = np.stack([random.multinomial(5, row) for row in probabilities]) / 5
    return split_of(np.r_[target, target], target, classes), probabilities.argmax(axis=1), probabilities


def by_scikit_learn(target: Codes, predicted: Codes, probabilities: Floats) -> list[float]:
    """Return the scores `RESAMPLED` of scikit-learn, means over the classes that occur."""
    classes = probabilities.shape[1]
    present = np.unique(target)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of a class that was predicted and does not occur
        balanced = metrics.balanced_accuracy_score(target, predicted)
    f1 = metrics.f1_score(target, predicted, labels=present, average="macro", zero_division=0.0)
    areas = [metrics.roc_auc_score(target == code, probabilities[:, code]) for code in present]
    loss = metrics.log_loss(target, probabilities, labels=range(classes))
    brier = (
        metrics.brier_score_loss(target, probabilities[:, 1], labels=[0, 1])
        if classes == 2
        else metrics.brier_score_loss(target, probabilities, labels=list(range(classes)))
    )
    return [balanced, f1, float(np.mean(areas)), loss, brier]


@pytest.mark.parametrize("ties", [False, True])
@pytest.mark.parametrize("classes", [2, 3, 7])
def test_the_scores_are_those_of_scikit_learn(classes: int, ties: bool) -> None:
    split, predicted, probabilities = predictions(200, classes, ties=ties)
    found = scores(split, predicted, probabilities)
    target = split.test_target
    assert found["accuracy"] == metrics.accuracy_score(target, predicted)
    assert found["f1_macro"] == pytest.approx(metrics.f1_score(target, predicted, average="macro"), rel=1e-12)
    area = metrics.roc_auc_score(target, probabilities if classes > 2 else probabilities[:, 1], multi_class="ovr")
    assert found["roc_auc"] == pytest.approx(area, rel=1e-12)
    assert [found[name] for name in RESAMPLED] == pytest.approx(by_scikit_learn(target, predicted, probabilities))


@pytest.mark.parametrize("classes", [2, 4])
def test_a_weighted_score_is_that_of_the_samples_repeated(classes: int) -> None:
    split, predicted, probabilities = predictions(60, classes, ties=True)
    random = np.random.default_rng(1)
    drawn = random.integers(60, size=(20, 60))
    weights = np.stack([np.bincount(rows, minlength=60) for rows in drawn]).astype(np.int32)
    found = Judged(split.test_target, predicted, probabilities).scores(weights)
    for row, rows in zip(found, drawn, strict=True):
        expected = by_scikit_learn(split.test_target[rows], predicted[rows], probabilities[rows])
        assert row.tolist() == pytest.approx(expected, rel=1e-9)


def test_a_resample_of_one_class_has_no_area_and_one_that_lacks_a_class_has() -> None:
    judged = Judged(np.array([0, 1, 2]), np.array([0, 1, 1]), np.eye(3) * 0.4 + 0.2)
    found = judged.scores(np.array([[3, 0, 0], [2, 1, 0]], dtype=np.int32))
    assert np.isnan(found[0, RESAMPLED.index("roc_auc")])
    assert found[1, RESAMPLED.index("roc_auc")] == 1.0
    assert found[:, RESAMPLED.index("balanced_accuracy")].tolist() == [1.0, 1.0]


def test_the_intervals_are_the_percentiles_of_resamples_and_the_same_each_time() -> None:
    split, predicted, probabilities = predictions(150, 3)
    found = scores(split, predicted, probabilities)
    assert scores(split, predicted, probabilities) == found
    assert scores(split, predicted, probabilities, seed=1) != found
    random = np.random.default_rng(5)
    losses = -np.log(probabilities[np.arange(150), split.test_target])
    means = [losses[random.integers(150, size=150)].mean() for _ in range(4000)]
    width = found["log_loss_high"] - found["log_loss_low"]
    for name, share in (("log_loss_low", 0.025), ("log_loss_high", 0.975)):
        assert found[name] == pytest.approx(np.quantile(means, share), abs=0.1 * width)
    for name in RESAMPLED:
        assert found[f"{name}_low"] < found[name] < found[f"{name}_high"]


def test_an_interval_of_the_bootstrap_covers_about_what_it_says() -> None:
    """Of log loss on 200 samples; the percentile interval is known to cover a little less than 95 %."""
    random, covered = np.random.default_rng(0), 0
    truth = -(0.8 * np.log(0.8) + 0.2 * np.log(0.2))
    for _ in range(200):
        target = (random.random(200) < 0.8).astype(int)
        probabilities = np.tile([0.2, 0.8], (200, 1))
        found = scores(split_of(target, target, 2), np.ones(200, int), probabilities)
        covered += found["log_loss_low"] <= truth <= found["log_loss_high"]
    assert 0.9 < covered / 200 < 0.99


def test_the_baseline_predicts_the_majority_class_of_the_training_set() -> None:
    train, test = np.array([0, 0, 0, 1, 1, 2]), np.array([1, 1, 1, 0, 2])
    found = scores(split_of(train, test, 3), test, np.eye(3)[test])
    baseline = DummyClassifier(strategy="prior").fit(np.zeros((6, 1)), train)
    predicted, probabilities = baseline.predict(np.zeros((5, 1))), baseline.predict_proba(np.zeros((5, 1)))
    assert (found["baseline_correct"], found["baseline_accuracy"]) == (1, 0.2)
    assert (found["baseline_accuracy_low"], found["baseline_accuracy_high"]) == wilson_interval(1, 5)
    expected = by_scikit_learn(test, predicted, probabilities)
    assert [found[f"baseline_{name}"] for name in RESAMPLED] == pytest.approx(expected)


def test_model_and_baseline_are_compared_by_the_exact_test_of_mcnemar() -> None:
    target = np.array([0] * 10 + [1] * 6)
    predicted = np.array([0] * 9 + [1] + [1] * 6)  # right for six that the baseline has wrong, wrong for one
    found = scores(split_of(target, target, 2), predicted, np.eye(2)[predicted] * 0.8 + 0.1)
    assert found["mcnemar_p"] == pytest.approx(2 * (1 + 7) / 2**7)  # McNemar's binomial, two-sided
    same = scores(split_of(target, target, 2), np.zeros(16, int), np.tile([0.9, 0.1], (16, 1)))
    assert same["mcnemar_p"] == 1.0


def test_a_model_that_is_sure_and_wrong_has_a_finite_loss() -> None:
    target = np.array([0, 1, 1, 0])
    found = scores(split_of(target, target, 2), 1 - target, np.eye(2)[1 - target])
    assert found["log_loss"] == pytest.approx(metrics.log_loss(target, np.eye(2)[1 - target]))
    assert np.isfinite(list(found.values())).all()


def test_a_test_set_of_one_class_has_no_area() -> None:
    target = np.ones(5, int)
    found = scores(split_of(np.array([0, 1]), target, 2), target, np.tile([0.3, 0.7], (5, 1)))
    assert not [name for name in found if "roc_auc" in name]
    assert np.isfinite(list(found.values())).all()
    assert "ROC AUC" not in score_table(found).index


def test_the_table_shows_each_score_with_its_interval_beside_the_baseline() -> None:
    found = scores(*predictions(80, 3))
    table = score_table(found)
    assert table.index.tolist() == ["accuracy", "balanced accuracy", "macro F1", "ROC AUC", "log loss", "Brier score"]
    shown = [found[name] for name in ("brier", "brier_low", "brier_high", "baseline_brier")]
    assert table.loc["Brier score"].tolist() == [*shown, "lower"]


@pytest.mark.parametrize(("samples", "classes", "seconds"), [(10_000, 3, 5.0), (10_000, 30, 8.0)])
def test_a_large_test_set_takes_seconds_at_most(samples: int, classes: int, seconds: float) -> None:
    """A loop over resamples with scikit-learn would take minutes."""
    split, predicted, probabilities = predictions(samples, classes)
    start = time.perf_counter()
    scores(split, predicted, probabilities)
    assert time.perf_counter() - start < seconds
