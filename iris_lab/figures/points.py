"""Clouds of points by class, so that none hides the others."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.transforms import ScaledTranslation, Transform

from iris_lab.data.dataset import Dataset
from iris_lab.data.privacy import FEWEST, outwards
from iris_lab.figures.cells import in_cells
from iris_lab.figures.style import MANY_SAMPLES, colour, marker

DODGE = 4.0  # points; how far the classes are drawn beside a place that many of them share
HIDDEN = 0.5  # share of the samples behind equal ones of their class, above which a marker's size counts them
SMALL, LARGE = 4.0, 12.0  # points; width of a marker of one sample, and of the most that share a place


def points(axes: Axes, dataset: Dataset, x: str, y: str) -> set[str]:
    """Draw the samples of each class, and return how: beside or larger, where most would hide or be hidden.

    Of a private run, cells are drawn, and those with few samples left out.
    """
    if dataset.is_private:
        _span(axes, dataset, x, y)
        dataset = in_cells(dataset, x, y)
    counts = np.bincount(dataset.target, minlength=len(dataset.classes))
    dodge = DODGE / 72 if _shared_places(dataset, x, y) > 0.5 else 0.0
    places = _places(dataset, x, y)
    for code in np.argsort(-counts, kind="stable").tolist():  # the rarest class last, above the others
        for width, some in places[places["code"] == code].groupby("width"):
            (drawn,) = axes.plot(
                some[0], some[1], marker(code), color=colour(code), markersize=float(width), markeredgecolor="white",
                markeredgewidth=0.4, rasterized=len(dataset.target) > MANY_SAMPLES,
            )  # fmt: skip
            drawn.set_transform(_beside(axes, code / len(counts), dodge))  # here, not above: the limits are the data's
    cells = {f"cells with under {FEWEST} samples of a class left out"} if dataset.is_private else set[str]()
    sized = {"larger markers for more samples"} if places["width"].max() > SMALL else set[str]()
    return cells | sized | ({"classes beside the places that they share"} if dodge else set[str]())


def _span(axes: Axes, dataset: Dataset, x: str, y: str) -> None:
    """Let a panel span the whole ranges, as markers of cells are large and their middles lie inside."""
    known = {feature.name: feature for feature in dataset.schema}
    for name, limit in ((x, axes.set_xlim), (y, axes.set_ylim)):
        low, high = outwards(known[name], dataset.features[name].min(), dataset.features[name].max())
        if high > low:
            limit(low, high)


def _places(dataset: Dataset, x: str, y: str) -> pd.DataFrame:
    """Return where to draw markers for each class (``code``) and how large they are (``width``).

    Where most samples are hidden behind equal ones of their class, there is one marker for each place, and its area
    says for how many samples it stands; otherwise all samples are drawn alike.
    """
    # By position, since a feature may have any name.
    samples = dataset.features[[x, y]].set_axis([0, 1], axis=1).assign(code=dataset.target)
    counts = samples.value_counts(sort=False)
    if len(counts) >= (1 - HIDDEN) * len(samples):
        places = samples.assign(width=SMALL)
    else:
        share = (counts - 1) / max(1, counts.max() - 1)
        width = (SMALL**2 + share * (LARGE**2 - SMALL**2)).pow(0.5).round()
        places = width.rename("width").reset_index()
    return places


def _shared_places(dataset: Dataset, x: str, y: str) -> float:
    """Return the share of the samples that have the same place as a sample of another class."""
    given = dataset.features[[x, y]].notna().all(axis=1).to_numpy()
    places = dataset.features[given].groupby([x, y], sort=False).ngroup()
    classes = pd.Series(dataset.target[given], places.index).groupby(places).transform("nunique")
    return float((classes > 1).mean()) if len(classes) else 0.0


def _beside(axes: Axes, turn: float, distance: float) -> Transform:
    """Return the transform that draws at a distance in inches from the data's place, in a direction of `turn` turns."""
    figure = axes.get_figure(root=True)
    if figure is None or distance == 0:
        return axes.transData
    sideways, up = distance * np.cos(2 * np.pi * turn), distance * np.sin(2 * np.pi * turn)
    return axes.transData + ScaledTranslation(sideways, up, figure.dpi_scale_trans)
