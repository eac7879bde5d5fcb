"""Figures of a table: one feature, two features, all of them."""

from collections.abc import Sequence
from textwrap import wrap
from typing import Any, Literal

import numpy as np
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.dates import AutoDateLocator
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from iris_lab.data.dataset import Dataset
from iris_lab.exploration import leading_features
from iris_lab.figures.large import MOST_POINTS, condensed_class, drawn_sample, share_drawn
from iris_lab.figures.points import points
from iris_lab.figures.style import (
    UPRIGHT,
    colour,
    dash,
    heat,
    house_style,
    label,
    labels,
    marker,
    name_ticks,
    stand_upright,
)
from iris_lab.iris import first_features

NO_NUMBERS = "*No figure: no feature is a number or a date.*"
TOO_MANY = "*No figure: {} classes; more than 40 could not be told apart in it.*"
DATES = (-719_162, 2_932_896)  # days since 1970 of the years 1 and 9999
LEGEND_LINE = 0.21  # inches
MOST_CLASSES = 40  # the colours and markers of more could not be told apart
VIOLIN_ROWS = 5  # so that the figure fits on two screens


@house_style()
def violins(dataset: Dataset) -> Figure | str:
    """Draw the distribution of each number or date by class, of up to 15 features, or of 10 or 5 of many classes.

    Returns
    -------
    Figure or str
        Where there is no such feature, or of more than 40 classes, a sentence that says why there is no figure.
    """
    dataset = dataset.numeric
    if reason := _nothing_to_draw(dataset):
        return reason
    crowd, total, dates = len(dataset.classes), len(dataset.features.columns), _dates(dataset)
    columns = min(total, 1 if crowd > 20 else 2 if total <= 4 or crowd > 6 else 3)
    first = first_features(dataset)
    names = sorted(leading_features(dataset, VIOLIN_ROWS * columns), key=lambda name: name not in first)
    rows = -(-len(names) // columns)
    upright = stand_upright(dataset.classes, panel=7.0 / columns)
    figure = Figure(figsize=(8, 0.7 + 2.1 * rows + UPRIGHT * upright), layout="constrained")
    panels = figure.subplots(rows, columns, sharex=True, squeeze=False).ravel().tolist()
    for unused in range(rows * columns - len(names)):  # a short row goes first: names stand below the last
        panels.pop(columns - 1 - unused).remove()
    for axes, name, called in zip(panels, names, labels(names, 26, lines=2), strict=True):
        _violin(axes, dataset, name)
        axes.set(xlabel="", ylabel=called)
        if name in dates:
            _show_dates(axes.yaxis)
        name_ticks(axes, dataset.classes, upright=upright, panel=7.0 / columns)
    figure.suptitle(_subset("Distribution of each feature by class", names, dataset))
    return figure


@house_style()
def pairs(dataset: Dataset, *, most: int = 5) -> Figure | str:
    """Draw each feature against each other one, coloured by class, with the densities on the diagonal.

    Only numbers and dates are drawn. Of more than `most` features, those are drawn that separate the classes best.

    Returns
    -------
    Figure or str
        Where there is no such feature, or of more than 40 classes, a sentence that says why there is no figure.
    """
    dataset = dataset.numeric
    if reason := _nothing_to_draw(dataset):
        return reason
    names = leading_features(dataset, most)
    called = labels(names, 18, lines=2)
    last, side = len(names) - 1, min(8.0, 2.4 + 1.4 * len(names))
    key = 0.7 + 0.08 * max(map(len, labels(dataset.classes, 24)))  # inches of a key in the legend
    inside = len(names) > 2 and len(dataset.classes) <= 5 * (len(names) - 1)  # in the empty half of the grid
    columns = (1 if len(dataset.classes) <= 10 else 2) if inside else max(1, int(side / key))
    below = 0.0 if inside else 0.4 + LEGEND_LINE * -(-len(dataset.classes) // columns)
    figure = Figure(figsize=(side, side + below), layout="constrained")
    grid = figure.subplots(len(names), len(names), sharex="col", squeeze=False)
    drawn, dates, cloud = set[str](), _dates(dataset), drawn_sample(dataset)
    for (row, column), axes in np.ndenumerate(grid):
        if column > row:
            axes.remove()
            continue
        if column == row:
            _densities(axes, dataset, names[row])
        else:
            drawn |= points(axes, cloud, names[column], names[row])
        if names[column] in dates:
            _show_dates(axes.xaxis)
        if names[row] in dates and row != column:
            _show_dates(axes.yaxis)
        axes.tick_params(labelleft=column == 0 < row, labelbottom=row == last, labelsize=7)
        axes.set_xlabel(called[column] if row == last else "")
        axes.set_ylabel((called[row] if row else "density") if column == 0 else "")
    place: Literal["upper right", "outside lower center"] = "upper right" if inside else "outside lower center"
    keys = _keys(dataset, lines=2 if inside and columns == 1 else 1)
    figure.legend(handles=keys, title=label(dataset.target_name, 24), ncols=columns, loc=place)
    heading = "Features in pairs" + share_drawn(len(cloud.target), len(dataset.target))
    title = _subset(", ".join([heading, *sorted(drawn)]), names, dataset)
    room = side - (key * columns if inside else 0)
    figure.suptitle("\n".join(wrap(title, int(14 * room))), x=0.01, ha="left")
    return figure


@house_style()
def correlation(dataset: Dataset, *, most: int = 30) -> Figure | str:
    """Draw Pearson's correlation of each two numbers or dates, of at most `most` features."""
    dataset = dataset.numeric
    if not len(dataset.features.columns):
        return NO_NUMBERS
    names = leading_features(dataset, most)
    table = dataset.features[names].corr()
    return heat(
        table, _subset("Correlation of the features", names, dataset), scale="Pearson correlation", limits=(-1, 1)
    )


def _dates(dataset: Dataset) -> set[str]:
    return {feature.name for feature in dataset.schema if feature.kind == "date"}


def _show_dates(axis: Axis) -> None:
    low, high = axis.get_view_interval()
    if not DATES[0] < low - (high - low) < high + (high - low) < DATES[1]:
        return  # matplotlib knows the years 1 to 9999
    axis.axis_date()  # matplotlib counts days from 1970, too
    axis.set_major_locator(AutoDateLocator(minticks=2, maxticks=5))  # type: ignore[no-untyped-call]  # matplotlib's


def _violin(axes: Axes, dataset: Dataset, name: str) -> None:
    crowded = len(dataset.classes) > 8
    values, target = dataset.features[name].to_numpy(), dataset.target
    more: dict[str, Any] = {}
    if dataset.is_private or len(target) > MOST_POINTS:
        of_class = [condensed_class(dataset, name, code) for code in range(len(dataset.classes))]
        values, target = np.concatenate(of_class), np.repeat(np.arange(len(of_class)), list(map(len, of_class)))
    if dataset.is_private:  # a class may have no cell with enough samples, and keeps its place
        more = {"order": range(len(dataset.classes)), "hue_order": range(len(dataset.classes))}
    if not len(values):
        return
    sns.violinplot(
        x=target, y=values, hue=target, saturation=1, legend=False,
        palette=[colour(code) for code in range(len(dataset.classes))], cut=0, density_norm="width",
        inner=None if crowded or dataset.is_private else "box", linewidth=0.4 if crowded else 0.8, ax=axes, **more,
    )  # fmt: skip


def _densities(axes: Axes, dataset: Dataset, name: str) -> None:
    constants: list[float] = []
    counts = np.bincount(dataset.target, minlength=len(dataset.classes))
    for code in np.argsort(-counts, kind="stable").tolist():  # the rarest class last, above the others
        some = condensed_class(dataset, name, code)
        if not len(some):
            continue
        line: dict[str, Any] = {"color": colour(code), "linestyle": dash(code), "linewidth": 1.2}
        if some.min() == some.max():
            axes.axvline(some[0], **line)  # it has no density
            constants.append(float(some[0]))
            continue
        sns.kdeplot(
            x=some, cut=0, gridsize=100, fill=True, alpha=0.2, warn_singular=False, legend=False, ax=axes, **line
        )
    if len(constants) == len(dataset.classes):  # nothing but lines: keep them off the edges
        room = 0.05 * (max(constants) - min(constants) or 1.0)
        axes.set_xlim(min(constants) - room, max(constants) + room)
    axes.tick_params(left=False)


def _keys(dataset: Dataset, *, lines: int) -> list[Line2D]:
    return [
        Line2D([], [], color=colour(code), marker=marker(code), linestyle=dash(code), label=name)
        for code, name in enumerate(labels(dataset.classes, 24, lines=lines))
    ]


def _nothing_to_draw(dataset: Dataset) -> str:
    """Return why a figure cannot be drawn, or an empty string."""
    if not len(dataset.features.columns):
        return NO_NUMBERS
    if len(dataset.classes) <= MOST_CLASSES:
        return ""
    return TOO_MANY.format(len(dataset.classes))


def _subset(title: str, names: Sequence[str], dataset: Dataset) -> str:
    total = len(dataset.features.columns)
    if len(names) == total:
        return title
    return f"{title}: the {len(names)} of {total} that separate the classes best (F statistic)"
