"""Figures of a model: its scores, its features, its errors."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator, PercentFormatter
from numpy.typing import NDArray

from iris_lab.data.privacy import FEWEST, people
from iris_lab.figures.cells import shared_shares
from iris_lab.figures.large import drawn_rows, share_drawn
from iris_lab.figures.style import (
    MANY_SAMPLES,
    UPRIGHT,
    colour,
    dash,
    heat,
    house_style,
    labels,
    marker,
    name_ticks,
    stand_upright,
)
from iris_lab.modeling import Split

IN_CELLS = f" (larger markers for more samples, none for under {FEWEST})"


@house_style()
def fold_scores(scores: NDArray[np.float64], baseline: NDArray[np.float64], *, model: str) -> Figure:
    """Draw the accuracy of each fold, and that of the majority class as the baseline."""
    figure = Figure(figsize=(8, 3.2), layout="constrained")
    axes = figure.subplots()
    for code, (name, values) in enumerate({model: scores, "majority class": baseline}.items()):
        axes.plot(range(1, len(values) + 1), values, marker(code), color=colour(code), markersize=7, label=name)
        mean = float(values.mean())
        axes.axhline(mean, color=colour(code), linestyle=dash(code), linewidth=1, label=f"mean {mean:.1%}")
    axes.set(xlabel="fold", ylabel="accuracy", ylim=(0, 1.04), title="Accuracy in cross-validation")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
    axes.yaxis.set_major_formatter(PercentFormatter(1))
    figure.legend(loc="outside right center")
    return figure


@house_style()
def feature_importance(table: pd.DataFrame, *, most: int = 30) -> Figure:
    """Draw the result of `iris_lab.modeling.coefficients`: the `most` features with the largest values."""
    strongest = table.abs().max(axis=1).nlargest(most).index
    chosen = table.loc[[name for name in table.index if name in strongest]]
    title = "What the model makes of each feature"
    if len(chosen) < len(table):
        title += f" (the strongest {len(chosen)} of {len(table)})"
    if len(table.columns) > 1:
        limit = float(table.abs().max().max()) or 1.0
        scale = "decision value per standard deviation"
        return heat(chosen, title, scale=scale, limits=(-limit, limit))
    figure = Figure(figsize=(8, 1 + 0.26 * len(chosen)), layout="constrained")
    axes = figure.subplots()
    axes.barh(range(len(chosen)), chosen.iloc[:, 0], color=colour(0))
    axes.set_yticks(range(len(chosen)), labels(chosen.index, 40))
    axes.invert_yaxis()
    axes.set(xlabel=table.columns[0], title=title)
    return figure


@house_style()
def confusion(table: pd.DataFrame, *, most: int = 40) -> Figure:
    """Draw a confusion table: counts as numbers, shares of the true class as colours.

    Of more than `most` classes, those are drawn that take part in the most errors.
    """
    counts = table.to_numpy()
    errors = counts.sum(axis=0) + counts.sum(axis=1) - 2 * counts.diagonal()
    chosen = np.sort(np.argsort(-errors, kind="stable")[:most])
    shares = table.div(table.sum(axis=1).clip(lower=1), axis=0).iloc[chosen, chosen]
    some = "" if len(chosen) == len(table) else f": the {most} of {len(table)} with the most errors"
    figure = heat(
        shares, f"Confusion of the classes{some}", scale="share of the true class", limits=(0, 1),
        counts=counts[np.ix_(chosen, chosen)],
    )  # fmt: skip
    figure.axes[0].set(xlabel="predicted", ylabel="true")
    return figure


@house_style()
def confidence(split: Split, probabilities: NDArray[np.float64], predicted: NDArray[np.int64]) -> Figure:
    """Draw the predicted probability of the true class of each sample in the test set.

    Of a private run, a marker stands for five samples or more with about the same probability; its size says how many.
    """
    private = split.dataset.is_private
    rows = np.arange(len(split.test)) if private else drawn_rows(split.test_target)
    target, predicted = split.test_target[rows], predicted[rows]
    given = probabilities[rows, target]
    classes = split.dataset.classes
    upright = stand_upright(classes, panel=5.5)
    figure = Figure(figsize=(8, 3.4 + UPRIGHT * upright), layout="constrained")
    axes = figure.subplots()
    for code in range(len(classes)):
        own = target == code
        places = code + np.linspace(-0.3, 0.3, int(own.sum()))
        wrong = predicted[own] != code
        if private:
            who = people(split.dataset)[split.test][own]
            for place, outcome, some in ((code - 0.1, ~wrong, (0, 0)), (code + 0.1, wrong, (6, 7))):
                _draw_cells(axes, place, *shared_shares(given[own][outcome], who[outcome]), some)
            continue
        image = len(split.test) > MANY_SAMPLES
        axes.plot(places[~wrong], given[own][~wrong], marker(0), color=colour(0), alpha=0.8, rasterized=image)
        axes.plot(places[wrong], given[own][wrong], marker(6), color=colour(7), markersize=8, rasterized=image)
    name_ticks(axes, classes, upright=upright, panel=5.5)
    axes.set(
        ylabel="probability of the true class",
        ylim=(-0.03, 1.03),
        title="How sure the model was" + (IN_CELLS if private else share_drawn(len(rows), len(split.test))),
    )
    keys = [
        Line2D([], [], linestyle="", marker=marker(0), color=colour(0), label="predicted rightly"),
        Line2D([], [], linestyle="", marker=marker(6), color=colour(7), label="predicted wrongly"),
    ]
    figure.legend(handles=keys, loc="outside right center")
    return figure


def _draw_cells(
    axes: Axes, place: float, shares: NDArray[np.float64], counts: NDArray[np.int64], looks: tuple[int, int]
) -> None:
    for share, count in zip(shares, counts, strict=True):
        size = 3 + 2 * np.log2(count / FEWEST + 1)
        axes.plot([place], [share], marker(looks[0]), color=colour(looks[1]), markersize=size, alpha=0.8)
