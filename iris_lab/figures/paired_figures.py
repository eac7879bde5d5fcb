"""Figures of scores over several splits: every split is a point, and every mean has its interval."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter
from numpy.typing import NDArray

from iris_lab.figures.style import colour, house_style, labels, marker

MOST_ROWS = 30
POINT, PANEL = 0.065, 4.6  # inches: a point with the gap to the next one, and the width of the panel, roughly
ROW, TALLEST = 0.36, 1.5  # inches of a row without points, and at most


@dataclass(frozen=True)
class Row:
    """A line of the figure.

    Attributes
    ----------
    name
        On its left.
    points
        One for each split; none where there is a single one.
    mean, low, high
        Of the points, with its interval, or NaN.
    verdict
        On its right.
    emphasized
        Set the verdict in bold.
    """

    name: str
    points: Sequence[float]
    mean: float
    low: float
    high: float
    verdict: str = ""
    emphasized: bool = False


@house_style()
def scores_by_split(rows: Sequence[Row], *, title: str, scale: str, percent: bool, signed: bool = False) -> Figure:
    """Draw scores, or differences of scores: a row each, with the points of the splits above the interval of the mean.

    Points that would hide each other are stacked. Of more than 30 rows, the first 30 are drawn.

    Parameters
    ----------
    rows
        From top to bottom.
    title, scale
        Of the figure, and of its axis.
    percent
        The values are fractions, to be shown as percentages.
    signed
        They are differences, so that 0 has a line.
    """
    drawn = rows[:MOST_ROWS]
    low, high = _limits(drawn, signed=signed)
    stacks = [_stacked(row.points, POINT / PANEL * (high - low)) for row in drawn]
    heights = [min(TALLEST, ROW + POINT * (int(levels.max()) + 1 if len(levels) else 0)) for levels in stacks]
    figure = Figure(figsize=(8, 1.5 + sum(heights)), layout="constrained")
    axes = figure.subplots()
    bottoms = sum(heights) - np.cumsum(heights)
    for row, levels, height, bottom in zip(drawn, stacks, heights, bottoms, strict=True):
        line = bottom + 0.4 * ROW
        step = min(POINT, (height - ROW) / (int(levels.max()) + 1)) if len(levels) else POINT
        axes.plot(row.points, line + 0.13 + step * levels, marker(0), color=colour(0), markersize=4, alpha=0.75)
        axes.plot([row.low, row.high], [line, line], color="black", linewidth=1.4, solid_capstyle="butt")
        axes.plot([row.mean], [line], marker(3), color="black", markersize=5)
        if row.verdict:
            weight = "bold" if row.emphasized else "normal"
            axes.text(1.02, line, row.verdict, transform=axes.get_yaxis_transform(), va="center", weight=weight)
    axes.set_yticks(bottoms + 0.4 * ROW, labels([row.name for row in drawn], 34))
    axes.tick_params(axis="y", length=0)
    if signed:
        axes.axvline(0, color="grey", linewidth=0.9, linestyle=(0, (1, 2)), zorder=0)
    some = f" (the first {len(drawn)} of {len(rows)})" if len(drawn) < len(rows) else ""
    axes.set(xlim=(low, high), ylim=(-0.05, sum(heights)), xlabel=scale, title=title + some)
    if percent:
        axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: _percentage(value, signed=signed)))
    figure.legend(handles=_keys(any(row.points for row in drawn)), loc="outside lower center", ncols=2)
    return figure


def _keys(points: bool) -> list[Line2D]:
    dot = Line2D([], [], linestyle="", marker=marker(0), color=colour(0), markersize=4, label="one split (seed)")
    what = "mean" if points else "value"
    mean = Line2D([], [], marker=marker(3), color="black", markersize=5, label=f"{what}, with its 95 % interval")
    return [dot, mean] if points else [mean]


def _percentage(value: float, *, signed: bool) -> str:
    text = f"{100 * value:{'+' if signed and round(value, 9) else ''}.4g}"
    return text.replace("-", "−") if signed else f"{text} %"


def _limits(rows: Sequence[Row], *, signed: bool) -> tuple[float, float]:
    values = [value for row in rows for value in (*row.points, row.mean, row.low, row.high)] + [0.0] * signed
    low, high = float(np.nanmin(values)), float(np.nanmax(values))
    margin = 0.04 * (high - low) or 0.01
    return low - margin, high + margin


def _stacked(points: Sequence[float], width: float) -> NDArray[np.int64]:
    """Return for each point the lowest level where no other one is nearer than `width`."""
    levels, last = np.zeros(len(points), np.int64), list[float]()
    for place in np.argsort(points, kind="stable"):
        free = next((level for level, value in enumerate(last) if points[place] - value >= width), len(last))
        last[free : free + 1] = [points[place]]
        levels[place] = free
    return levels
