"""Figures of the report: drawn alike everywhere, written to the same bytes."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from textwrap import wrap
from typing import Any, Literal

import numpy as np
import pandas as pd
import seaborn as sns
from IPython.display import Image
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.font_manager import findfont, get_font
from matplotlib.lines import Line2D
from matplotlib.style import context
from matplotlib.ticker import MaxNLocator, PercentFormatter
from numpy.typing import NDArray

from iris_lab.datasets import Dataset
from iris_lab.exploration import leading_features
from iris_lab.modeling import Split

# Okabe and Ito's colours, two of them darkened, in an order whose first three differ for the colour-blind and in grey.
COLOURS = ("#0072B2", "#E69F00", "#7B1E3A", "#009E73", "#56B4E9", "#CC79A7", "#000000", "#D55E00")
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "<", ">", "p")  # not as many as colours, so that pairs don't repeat soon
DASHES: Sequence[Literal["-", "--", ":"]] = ("-", "--", ":")
FIRST = ("sepal length (cm)", "petal length (cm)")  # what readers of the iris tutorials look for first
STYLE = {
    "font.family": ["DejaVu Sans"],  # comes with matplotlib; another font would be another machine's
    "font.size": 9,
    "axes.titlesize": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "figure.titlesize": 10,
    "legend.frameon": False,
    "svg.hashsalt": "iris_lab",  # else random ids
    "text.parse_math": False,  # a column may be called "price ($)"
}
DPI, SCREEN_DPI = 120, 96
WRITING: Mapping[str, Mapping[str, Any]] = {
    "png": {"metadata": {"Software": None}, "pil_kwargs": {"optimize": True}},
    "svg": {"metadata": {"Date": None}},
}
MANY_SAMPLES = 1000  # from here on the points of an SVG are one picture, not one element each


@contextmanager
def house_style() -> Iterator[None]:
    """Draw in our style, from matplotlib's own defaults: the reader's matplotlibrc doesn't count."""
    with context(STYLE, after_reset=True):
        yield


def publish(figure: Figure, stem: Path, *, alt: str) -> Image:
    """Write a figure as PNG and SVG and return that very PNG for a notebook to show.

    Parameters
    ----------
    figure
        What to write. Equal figures give equal bytes.
    stem
        Path without a suffix; its folder is made if need be.
    alt
        What the figure shows, for readers who cannot see it.
    """
    stem.parent.mkdir(parents=True, exist_ok=True)
    png = render(figure, "png")
    figure.set_layout_engine("none")  # what was laid out for the one is laid out for the other
    stem.with_name(f"{stem.name}.png").write_bytes(png)
    stem.with_name(f"{stem.name}.svg").write_bytes(render(figure, "svg"))
    return Image(png, format="png", width=round(figure.get_figwidth() * SCREEN_DPI), alt=alt)


@house_style()
def render(figure: Figure, kind: str) -> bytes:
    """Return a figure as the bytes of a ``png`` or ``svg`` file, without a date or a program's name."""
    written = BytesIO()
    figure.savefig(written, format=kind, dpi=DPI, **WRITING[kind])
    return written.getvalue()


@house_style()
def violins(dataset: Dataset, *, most: int = 30) -> Figure:
    """Draw the distribution of each feature by class, at most so many features."""
    names = sorted(leading_features(dataset, most), key=lambda name: name not in FIRST)
    columns = min(len(names), 2 if len(names) <= 4 or len(dataset.classes) > 6 else 3)
    rows = -(-len(names) // columns)
    figure = Figure(figsize=(8, 0.7 + 2.1 * rows), layout="constrained")
    panels = figure.subplots(rows, columns, sharex=True, squeeze=False).ravel().tolist()
    for unused in range(rows * columns - len(names)):  # a short row goes first: names stand below the last
        panels.pop(columns - 1 - unused).remove()
    for axes, name in zip(panels, names, strict=True):
        _violin(axes, dataset, name)
        _name_ticks(axes, dataset.classes, panel=7.0 / columns)
    figure.suptitle(_subset("Distribution of each feature by class", names, dataset))
    return figure


@house_style()
def pairs(dataset: Dataset, *, most: int = 5) -> Figure:
    """Draw each feature against each other, coloured by class, with the densities on the diagonal.

    Of more than `most` features, those are drawn that separate the classes best.
    """
    names = leading_features(dataset, most)
    last, side = len(names) - 1, min(8.0, 2.4 + 1.4 * len(names))
    figure = Figure(figsize=(side, side), layout="constrained")
    grid = figure.subplots(len(names), len(names), sharex="col", squeeze=False)
    for (row, column), axes in np.ndenumerate(grid):
        if column > row:
            axes.remove()
            continue
        if column == row:
            _densities(axes, dataset, names[row])
        else:
            _points(axes, dataset, names[column], names[row])
        axes.tick_params(labelleft=column == 0 < row, labelbottom=row == last, labelsize=7)
        axes.set_xlabel(_label(names[column], 20) if row == last else "")
        axes.set_ylabel((_label(names[row], 20) if row else "density") if column == 0 else "")
    room: Literal["upper right", "outside lower center"] = "upper right" if len(names) > 2 else "outside lower center"
    columns = 1 if len(dataset.classes) <= 10 else 2
    figure.legend(handles=_keys(dataset), title=_label(dataset.target_name, 24), ncols=columns, loc=room)
    figure.suptitle(_subset("Features in pairs", names, dataset), x=0.01, ha="left")
    return figure


@house_style()
def correlation(dataset: Dataset, *, most: int = 30) -> Figure:
    """Draw Pearson's correlation of each two features, at most so many."""
    names = leading_features(dataset, most)
    table = dataset.features[names].corr()
    return _heat(
        table, _subset("Correlation of the features", names, dataset), scale="Pearson correlation", limits=(-1, 1)
    )


@house_style()
def fold_scores(scores: NDArray[np.float64], baseline: NDArray[np.float64], *, model: str) -> Figure:
    """Draw the accuracy of each fold, and of the majority class as what has to be beaten."""
    figure = Figure(figsize=(8, 3.2), layout="constrained")
    axes = figure.subplots()
    for code, (name, values) in enumerate({model: scores, "majority class": baseline}.items()):
        axes.plot(range(1, len(values) + 1), values, _marker(code), color=_colour(code), markersize=7, label=name)
        mean = float(values.mean())
        axes.axhline(mean, color=_colour(code), linestyle=DASHES[code], linewidth=1, label=f"mean {mean:.1%}")
    axes.set(xlabel="fold", ylabel="accuracy", ylim=(0, 1.04), title="Accuracy in cross-validation")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
    axes.yaxis.set_major_formatter(PercentFormatter(1))
    figure.legend(loc="outside right center")
    return figure


@house_style()
def weights(table: pd.DataFrame, *, most: int = 30) -> Figure:
    """Draw what `iris_lab.modeling.coefficients` says of each feature, at most so many, the strongest."""
    strongest = table.abs().max(axis=1).nlargest(most).index
    chosen = table.loc[[name for name in table.index if name in strongest]]
    title = "What the model makes of each feature"
    if len(chosen) < len(table):
        title += f" (the strongest {len(chosen)} of {len(table)})"
    if len(table.columns) > 1:
        limit = float(table.abs().max().max())
        scale = "decision value per standard deviation"
        return _heat(chosen, title, scale=scale, limits=(-limit, limit))
    figure = Figure(figsize=(8, 1 + 0.26 * len(chosen)), layout="constrained")
    axes = figure.subplots()
    axes.barh([_label(name, 40) for name in chosen.index], chosen.iloc[:, 0], color=_colour(0))
    axes.invert_yaxis()
    axes.set(xlabel=table.columns[0], title=title)
    return figure


@house_style()
def confusion(table: pd.DataFrame) -> Figure:
    """Draw a confusion table: counts in figures, the share of each true class in colour."""
    shares = table.div(table.sum(axis=1).clip(lower=1), axis=0)
    figure = _heat(
        shares, "Confusion of the classes", scale="share of the true class", limits=(0, 1), counts=table.to_numpy()
    )
    figure.axes[0].set(xlabel="predicted", ylabel="true")
    return figure


@house_style()
def confidence(split: Split, probabilities: NDArray[np.float64], predicted: NDArray[np.int64]) -> Figure:
    """Draw the probability that the model gave to the true class of each sample of the test set."""
    given = probabilities[np.arange(len(split.test)), split.test_target]
    classes = split.dataset.classes
    figure = Figure(figsize=(8, 3.4), layout="constrained")
    axes = figure.subplots()
    for code in range(len(classes)):
        own = split.test_target == code
        places = code + np.linspace(-0.3, 0.3, int(own.sum()))
        wrong = predicted[own] != code
        axes.plot(places[~wrong], given[own][~wrong], _marker(0), color=_colour(0), alpha=0.8)
        axes.plot(places[wrong], given[own][wrong], _marker(6), color=_colour(7), markersize=8)
    _name_ticks(axes, classes, panel=8.0)
    axes.set(ylabel="probability of the true class", ylim=(-0.03, 1.03), title="How sure the model was")
    keys = [
        Line2D([], [], linestyle="", marker=_marker(0), color=_colour(0), label="predicted rightly"),
        Line2D([], [], linestyle="", marker=_marker(6), color=_colour(7), label="predicted wrongly"),
    ]
    figure.legend(handles=keys, loc="outside right center")
    return figure


def _violin(axes: Axes, dataset: Dataset, name: str) -> None:
    crowded = len(dataset.classes) > 8
    sns.violinplot(
        x=dataset.target, y=dataset.features[name].to_numpy(), hue=dataset.target, saturation=1, legend=False,
        palette=[_colour(code) for code in range(len(dataset.classes))], cut=0, density_norm="width",
        inner=None if crowded else "box", linewidth=0.4 if crowded else 0.8, ax=axes,
    )  # fmt: skip
    axes.set(xlabel="", ylabel=_label(name, 26))


def _points(axes: Axes, dataset: Dataset, x: str, y: str) -> None:
    for code in range(len(dataset.classes)):
        some = dataset.features[dataset.target == code]
        axes.plot(
            some[x], some[y], _marker(code), color=_colour(code), markersize=4, markeredgecolor="white",
            markeredgewidth=0.4, rasterized=len(dataset.target) > MANY_SAMPLES,
        )  # fmt: skip


def _densities(axes: Axes, dataset: Dataset, name: str) -> None:
    for code in range(len(dataset.classes)):
        some = dataset.features.loc[dataset.target == code, name].to_numpy()
        line = {"color": _colour(code), "linestyle": DASHES[code % len(DASHES)], "linewidth": 1.2}
        sns.kdeplot(x=some, fill=True, alpha=0.2, warn_singular=False, legend=False, ax=axes, **line)
    axes.tick_params(left=False)


def _heat(
    table: pd.DataFrame,
    title: str,
    *,
    scale: str,
    limits: tuple[float, float],
    counts: NDArray[np.int64] | None = None,
) -> Figure:
    rows, columns = table.shape
    figure = Figure(figsize=(8, 2.4 + 0.25 * max(rows, 5)), layout="constrained")
    axes = figure.subplots()
    sns.heatmap(
        table.to_numpy(), vmin=limits[0], vmax=limits[1], cmap="vlag" if limits[0] < 0 else "Blues", linewidths=0.5,
        annot=(table.to_numpy() if counts is None else counts) if columns <= 14 else False,
        fmt=".2f" if counts is None else "d", annot_kws={"fontsize": 8}, cbar_kws={"label": scale}, ax=axes,
        yticklabels=[_label(name, 26, lines=1) for name in table.index],
    )  # fmt: skip
    axes.tick_params(axis="y", rotation=0)
    _name_ticks(axes, table.columns, panel=5.5, shift=0.5)
    axes.set_title(title)
    return figure


def _colour(code: int) -> str:
    return COLOURS[code % len(COLOURS)]


def _marker(code: int) -> str:
    return MARKERS[code % len(MARKERS)]


def _keys(dataset: Dataset) -> list[Line2D]:
    return [
        Line2D([], [], color=_colour(code), marker=_marker(code), linestyle=DASHES[code % len(DASHES)],
               label=_label(name, 24))
        for code, name in enumerate(dataset.classes)
    ]  # fmt: skip


def _label(text: object, width: int, *, lines: int = 2) -> str:
    """Wrap a name to so many lines, with an ellipsis for more and a box for what the font doesn't have."""
    font = get_font(findfont("DejaVu Sans"))
    drawn = "".join(sign if font.get_char_index(ord(sign)) else "□" for sign in " ".join(str(text).split()))
    wrapped = wrap(drawn, width)
    if len(wrapped) > lines:
        rest = " ".join(wrapped[lines - 1 :])
        wrapped[lines - 1 :] = [f"{rest[: width - 1].rstrip()}…"]
    return "\n".join(wrapped) or "□"


def _name_ticks(axes: Axes, names: Iterable[str], *, panel: float, shift: float = 0) -> None:
    """Name the ticks under a panel so many inches wide, upright where the names don't fit side by side."""
    labels = [_label(name, 22, lines=1) for name in names]
    fits = max(map(len, labels)) * len(labels) * 0.075 < panel
    axes.set_xticks([place + shift for place in range(len(labels))], labels, rotation=0 if fits else 90)


def _subset(title: str, names: Sequence[str], dataset: Dataset) -> str:
    total = len(dataset.features.columns)
    if len(names) == total:
        return title
    return f"{title}: the {len(names)} of {total} that separate the classes best (F statistic)"
