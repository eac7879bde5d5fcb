"""Figures of categories and of missing values."""

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from iris_lab.data.dataset import Dataset
from iris_lab.data.privacy import FEWEST
from iris_lab.figures.style import colour, heat, house_style, label, labels

MOST_BARS = 12  # levels of one category; the rarer ones are drawn as one bar
OTHERS, MISSING = "(rarer levels)", "(missing)"
GAP = -2.0  # stands for a missing value; unknown levels have -1


@house_style()
def levels(dataset: Dataset, *, most: int = 12) -> Figure | str:
    """Draw the share of each class within each level of categories and booleans, of at most `most` of them."""
    choices = [feature.name for feature in dataset.schema if feature.kind in ("category", "boolean")]
    chosen = choices[:most]
    if not chosen:
        return "*No feature is a category or true and false.*"
    tables = {name: class_shares_by_level(dataset, name) for name in chosen}
    heights = [1.2 + len(table) for table in tables.values()]
    below = 0.3 + 0.21 * -(-len(dataset.classes) // 4)
    figure = Figure(figsize=(8, 0.6 + 0.26 * sum(heights) + below), layout="constrained")
    panels = figure.subplots(len(chosen), 1, height_ratios=heights, sharex=True, squeeze=False).ravel()
    for axes, (name, table) in zip(panels, tables.items(), strict=True):
        shares = table.div(table.sum(axis=1), axis=0)
        left = np.zeros(len(table))
        for code, class_name in enumerate(labels(dataset.classes, 24)):
            width = shares[code].to_numpy()
            axes.barh(range(len(table)), width, left=left, color=colour(code), label=class_name, edgecolor="white")
            left += width
        sizes = table.sum(axis=1).tolist()
        names = [f"{text} ({size:,})" for text, size in zip(labels(table.index, 22), sizes, strict=True)]
        axes.set_yticks(range(len(table)), names)
        axes.invert_yaxis()
        axes.set_title(label(name, 60, lines=1), loc="left")
        axes.set_xlim(0, 1)
        axes.xaxis.set_major_formatter(PercentFormatter(1))
    handles, texts = panels[0].get_legend_handles_labels()
    figure.legend(handles, texts, loc="outside lower center", ncols=4)
    some = "" if len(chosen) == len(choices) else f": the first {len(chosen)} of {len(choices)} features"
    figure.suptitle(f"Share of each class by level (number of samples){some}")
    return figure


def class_shares_by_level(dataset: Dataset, name: str) -> pd.DataFrame:
    """Return how many samples of each class have each level of a category, the most frequent level first.

    Levels after the first `MOST_BARS` are added up in one row; missing values have the last row. A private run has no
    row of fewer than five samples.
    """
    feature = next(feature for feature in dataset.schema if feature.name == name)
    table = pd.crosstab(dataset.features[name].fillna(GAP).to_numpy(), dataset.target)
    table = table.reindex(columns=range(len(dataset.classes)), fill_value=0)
    if dataset.is_private:
        table = table[table.sum(axis=1) >= FEWEST]
    order = table.sum(axis=1).sort_values(ascending=False, kind="stable").index
    gaps, order = order[order == GAP], order[order != GAP]
    kept = order if len(order) <= MOST_BARS else order[: MOST_BARS - 1]
    shown = table.loc[kept].set_axis(feature.spell(kept))
    if len(kept) < len(order):
        shown.loc[OTHERS] = table.loc[order[len(kept) :]].sum()
    if len(gaps):
        shown.loc[MISSING] = table.loc[gaps[0]]
    return shown


@house_style()
def gaps(dataset: Dataset, *, most: int = 40) -> Figure | str:
    """Draw the share of missing values of each feature that has some, by class."""
    missing = dataset.features.isna()
    shares = missing.loc[:, missing.any()].groupby(dataset.target).mean().T
    if shares.empty:
        return "*No value is missing.*"
    first = shares.loc[missing.mean()[shares.index].sort_values(ascending=False, kind="stable").index[:most]]
    title = "Missing values by class"
    if len(first) < len(shares):
        title += f": the {len(first)} of {len(shares)} features with the most"
    return heat(first.set_axis(list(dataset.classes), axis=1), title, scale="share of the class", limits=(0, 1))
