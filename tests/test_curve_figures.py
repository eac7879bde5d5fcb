from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from IPython.display import Markdown
from matplotlib.figure import Figure
from sklearn import metrics
from sklearn.calibration import calibration_curve

from iris_lab import figures
from iris_lab.data.dataset import Dataset
from iris_lab.figures.curve_figures import reliability_table
from iris_lab.modeling import Split
from iris_lab.scores import wilson_interval


def judged(samples: int, classes: int, *, seed: int = 0) -> tuple[Split, np.ndarray]:
    """Return a split whose test set has a class with fewer training samples, the last, and probabilities for it."""
    rng = np.random.default_rng(seed)
    target = np.r_[np.arange(classes), rng.integers(classes, size=samples)]
    features = pd.DataFrame({"a": np.arange(float(len(target)))})
    dataset = Dataset("t", features, target, tuple(f"c{code}" for code in range(classes)), "kind", "")
    return Split(dataset, np.arange(classes), np.arange(classes, len(target))), rng.dirichlet(np.ones(classes), samples)


@pytest.mark.parametrize("classes", [2, 3, 6])
def test_the_curves_are_those_of_scikit_learn(classes: int) -> None:
    split, probabilities = judged(150, classes)
    figure = figures.threshold_curves(split, probabilities)
    assert isinstance(figure, Figure)
    codes = [1] if classes == 2 else range(classes)
    texts = [text.get_text() for text in figure.legends[0].get_texts()]
    for place, code in enumerate(codes):
        own, given = split.test_target == code, probabilities[:, code]
        area, average = metrics.roc_auc_score(own, given), metrics.average_precision_score(own, given)
        assert texts[place] == f"c{code}: area {area:.3f}, average precision {average:.3f}"
        false, true = figure.axes[0].lines[place].get_data()
        assert metrics.auc(false, true) == pytest.approx(area)
    assert texts[len(codes) :] == ["no better than chance"]


def test_a_class_that_is_not_in_the_test_set_has_no_curve_and_that_is_said() -> None:
    split, probabilities = judged(150, 4)
    tested = Split(split.dataset, split.train, split.test[split.test_target != 1])
    figure = figures.threshold_curves(tested, probabilities[split.test_target != 1])
    assert isinstance(figure, Figure)
    texts = [text.get_text() for text in figure.legends[0].get_texts()]
    assert texts[1] == "c1: not in the test set"
    assert len(figure.axes[0].lines) == 3 + 1  # and the line of chance


def test_of_many_classes_there_are_no_curves_but_the_reason() -> None:
    assert figures.threshold_curves(*judged(100, 7)) == (
        "*No curves: 7 classes, and the lines of more than 6 could not be followed.*"
    )


def test_the_points_of_a_reliability_diagram_are_those_of_scikit_learn() -> None:
    split, probabilities = judged(1000, 2)
    table = reliability_table(split, probabilities)
    assert isinstance(table, pd.DataFrame)
    share, mean = calibration_curve(split.test_target == 1, probabilities[:, 1], n_bins=10, strategy="quantile")
    assert table["samples"].tolist() == [100] * 10
    assert table["share"].tolist() == pytest.approx(share.tolist())
    assert table["probability"].tolist() == pytest.approx(mean.tolist())
    assert [tuple(row) for row in table[["low", "high"]].to_numpy()] == [
        wilson_interval(round(100 * each), 100) for each in share
    ]


def test_of_more_classes_the_diagram_shows_how_often_the_predicted_class_is_right() -> None:
    split, probabilities = judged(200, 3)
    table = reliability_table(split, probabilities)
    assert isinstance(table, pd.DataFrame)
    right = probabilities.argmax(axis=1) == split.test_target
    assert (table["share"] * table["samples"]).sum() == pytest.approx(right.sum())
    assert (table["probability"] * table["samples"]).sum() == pytest.approx(probabilities.max(axis=1).sum())


def test_a_bin_has_20_samples_or_more_and_equal_probabilities_stay_together() -> None:
    for seed in range(20):
        split, probabilities = judged(137, 2, seed=seed)
        probabilities = np.round(probabilities * 7) / 7  # as of seven neighbours
        table = reliability_table(split, probabilities)
        assert isinstance(table, pd.DataFrame)
        assert table["samples"].min() >= 20
        assert table["samples"].sum() == 137
        of_each = pd.Series(1, probabilities[:, 1]).groupby(level=0).sum()
        bounds = of_each.cumsum().tolist()
        assert set(table["samples"].cumsum()) <= set(bounds)


def test_with_few_samples_there_is_no_diagram_but_the_reason() -> None:
    assert "99 test samples. It takes 100, in bins of 20" in str(figures.reliability(*judged(99, 2)))
    split, _ = judged(200, 2)
    assert "fall into 1 group(s) of 20 samples or more" in str(figures.reliability(split, np.full((200, 2), 0.5)))


def test_a_reason_in_place_of_a_figure_is_shown_and_no_file_is_written(tmp_path: Path) -> None:
    shown = figures.publish("*No curves: too many classes.*", tmp_path / "curves", alt="curves")
    assert isinstance(shown, Markdown)
    assert shown.data == "*No curves: too many classes.*"
    assert list(tmp_path.iterdir()) == []


def test_the_curves_of_a_large_test_set_are_small_files() -> None:
    figure = figures.threshold_curves(*judged(100_000, 2))
    assert isinstance(figure, Figure)
    assert len(figures.render(figure, "svg")) < 300_000
