"""Figures of a model's probabilities: curves for each decision threshold, and whether they are reliable."""

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import PercentFormatter
from numpy.typing import NDArray
from sklearn.metrics import average_precision_score, precision_recall_curve, roc_auc_score, roc_curve

from iris_lab.data.privacy import people
from iris_lab.figures.cells import SHARES, in_fives, shared_shares
from iris_lab.figures.style import colour, dash, house_style, labels, marker
from iris_lab.modeling import Split
from iris_lab.scores import wilson_interval

MOST_CURVES = 6  # classes; the lines of more could not be followed
MOST_BINS, BIN = 10, 20  # samples in a bin: the share of 20 is known to about ±0.2, of fewer to nothing of use
FEWEST_BINS = 3
NEEDED = 100  # test samples: five bins, so that a bend can be seen
Floats = NDArray[np.float64]


@house_style()
def threshold_curves(split: Split, probabilities: Floats) -> Figure | str:
    """Draw the ROC and the precision-recall curve of each class against the rest; of two classes, of the rarer one.

    Returns
    -------
    Figure or str
        Of more than six classes, a sentence that says why there are no curves.
    """
    classes = split.dataset.classes
    if len(classes) > MOST_CURVES:
        return f"*No curves: {len(classes)} classes, and the lines of more than {MOST_CURVES} could not be followed.*"
    codes = [rarer_class(split)] if len(classes) == 2 else list(range(len(classes)))
    called = labels(classes, 24)
    figure = Figure(figsize=(8, 4.7 + 0.21 * len(codes)), layout="constrained")
    roc, recalled = figure.subplots(1, 2)
    keys = []
    for code in codes:
        own, given = split.test_target == code, probabilities[:, code]
        if not own.any():
            keys.append(Line2D([], [], linestyle="", label=f"{called[code]}: not in the test set"))
            continue
        line: dict[str, Any] = {"color": colour(code), "linestyle": dash(code), "linewidth": 1.4}
        areas = f"area {roc_auc_score(own, given):.3f}, average precision {average_precision_score(own, given):.3f}"
        if split.dataset.is_private:
            given = in_fives(given)
        false, true, _ = roc_curve(own, given)
        roc.plot(false, true, **line)
        precision, recall, _ = precision_recall_curve(own, given)
        recalled.plot(recall, precision, drawstyle="steps-post", **line)
        recalled.axhline(own.mean(), color=colour(code), linewidth=0.9, linestyle=(0, (1, 2)))
        keys.append(Line2D([], [], label=f"{called[code]}: {areas}", **line))
    roc.plot([0, 1], [0, 1], color="grey", linewidth=0.9, linestyle=(0, (1, 2)))
    against = f"{called[codes[0]]} against {called[1 - codes[0]]}" if len(codes) == 1 else "each class against the rest"
    roc.set(xlabel="false positive rate", ylabel="true positive rate (recall)", title="ROC curve")
    recalled.set(xlabel="recall", ylabel="precision", title="Precision-recall curve")
    for axes in (roc, recalled):
        axes.set(xlim=(-0.02, 1.02), ylim=(-0.02, 1.02), aspect="equal")
    keys.append(Line2D([], [], color="grey", linewidth=0.9, linestyle=(0, (1, 2)), label="no better than chance"))
    figure.legend(handles=keys, loc="outside lower center")
    figure.suptitle(f"Every decision threshold: {against}")
    return figure


@house_style()
def reliability(split: Split, probabilities: Floats) -> Figure | str:
    """Draw how often the model was right, against the probability that it gave: a reliability diagram.

    Of two classes, the probability and the share of the rarer class; of more, the probability of the class that was
    predicted and the share of right predictions. The bins hold equal numbers of samples, as far as equal
    probabilities, which stay together, allow it; the bars are 95 % Wilson intervals of the shares.

    Returns
    -------
    Figure or str
        Of fewer than 100 test samples, or of probabilities that fill fewer than 3 bins, a sentence that says so.
    """
    table = reliability_table(split, probabilities)
    if isinstance(table, str):
        return table
    two = len(split.dataset.classes) == 2
    name = labels(split.dataset.classes, 24)[rarer_class(split)] if two else ""
    figure = Figure(figsize=(8, 4.6), layout="constrained")
    upper, lower = figure.subplots(2, 1, height_ratios=(4, 1), sharex=True)
    upper.plot([0, 1], [0, 1], color="grey", linewidth=0.8, linestyle="--", label="as often as the model says")
    bars = [table["share"] - table["low"], table["high"] - table["share"]]
    upper.errorbar(
        table["probability"], table["share"], yerr=np.abs(bars), color=colour(0), marker=marker(0), markersize=5,
        linewidth=1, elinewidth=1, capsize=3, label="observed, with 95 % interval",
    )  # fmt: skip
    share = f"share of {name}" if two else "share predicted rightly"
    sizes = " to ".join(f"{size}" for size in sorted({table["samples"].min(), table["samples"].max()}))
    upper.set(ylabel=share, ylim=(-0.03, 1.03), title=f"Are the probabilities reliable? ({sizes} samples in a bin)")
    upper.legend(loc="upper left")
    given = _given(split, probabilities)[0]
    if split.dataset.is_private:
        middles, counts = shared_shares(given, people(split.dataset)[split.test])
        lower.bar(middles, counts, width=1 / SHARES, color=colour(0), alpha=0.6)
    else:
        lower.hist(given, bins=40, range=(0, 1), color=colour(0), alpha=0.6)
    lower.set(
        ylabel="samples",
        xlabel=f"probability of {name}" if two else "probability of the predicted class",
        xlim=(-0.02, 1.02),
    )
    for axis in (upper.yaxis, lower.xaxis):
        axis.set_major_formatter(PercentFormatter(1))
    return figure


def reliability_table(split: Split, probabilities: Floats) -> pd.DataFrame | str:
    """Return mean probability and share of each bin of `reliability`, or why there are too few bins."""
    given, right = _given(split, probabilities)
    if len(given) < NEEDED:
        return (
            f"*No reliability diagram: {len(given)} test samples. It takes {NEEDED}, in bins of {BIN}, since the share "
            f"of fewer than {BIN} samples is not known to better than about ±0.2.*"
        )
    order = np.argsort(given, kind="stable")
    bins = np.split(order, _cuts(given[order]))
    if len(bins) < FEWEST_BINS:
        return (
            f"*No reliability diagram: the probabilities fall into {len(bins)} group(s) of {BIN} samples or more, and "
            f"fewer than {FEWEST_BINS} points show no curve.*"
        )
    rows = [
        (len(rows), given[rows].mean(), right[rows].mean(), *wilson_interval(int(right[rows].sum()), len(rows)))
        for rows in bins
    ]
    return pd.DataFrame(rows, columns=["samples", "probability", "share", "low", "high"])


def rarer_class(split: Split) -> int:
    """Return the code of the class with the fewest training samples, of equal ones the last."""
    counts = np.bincount(split.train_target, minlength=len(split.dataset.classes))
    return int(len(counts) - 1 - counts[::-1].argmin())


def _given(split: Split, probabilities: Floats) -> tuple[Floats, NDArray[np.bool_]]:
    """Return the probability that the diagram is about, and whether the event came true, of each test sample."""
    if len(split.dataset.classes) == 2:
        code = rarer_class(split)
        return probabilities[:, code], split.test_target == code
    return probabilities.max(axis=1), split.test_target == probabilities.argmax(axis=1)


def _cuts(ordered: Floats) -> NDArray[np.int64]:
    """Return where bins of about equal size begin, the first one apart; equal probabilities are never divided."""
    samples = len(ordered)
    ends = np.r_[np.flatnonzero(np.diff(ordered)) + 1, samples]  # of each run of equal probabilities
    bins = min(MOST_BINS, samples // BIN)
    wanted = np.ceil(samples * np.arange(1, bins + 1) / bins)
    cuts: list[int] = [0]
    for end in np.unique(ends[np.searchsorted(ends, wanted)]).tolist():
        if end - cuts[-1] >= BIN:
            cuts.append(end)
    return np.array([cut for cut in cuts[1:] if samples - cut >= BIN], dtype=np.int64)
