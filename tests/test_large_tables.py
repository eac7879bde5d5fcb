"""What is drawn of a large table: a sample of the points, all of the values."""

import numpy as np
import pandas as pd

from iris_lab.data.dataset import Dataset
from iris_lab.figures import pairs, render, violins
from iris_lab.figures.large import MOST_POINTS, QUANTILES, condensed, drawn_rows


def test_a_sample_is_stratified_always_the_same_and_spares_the_rare() -> None:
    target = np.random.default_rng(1).choice([0, 1, 2], 200_000, p=[0.7, 0.2999, 0.0001])
    rows = drawn_rows(target)
    assert rows.tolist() == drawn_rows(target).tolist() == sorted(set(rows.tolist()))
    assert len(rows) <= MOST_POINTS + 10
    counts = np.bincount(target[rows])
    assert abs(counts[0] / len(rows) - 0.7) < 0.01
    assert counts[2] >= 10


def test_condensed_values_have_the_ends_quartiles_and_median_of_all() -> None:
    values = np.random.default_rng(0).gamma(2, size=300_000)
    values[::7] = np.nan
    few = condensed(values)
    assert len(few) == QUANTILES
    assert (few.min(), few.max()) == (np.nanmin(values), np.nanmax(values))
    np.testing.assert_allclose(
        np.quantile(few, [0.25, 0.5, 0.75]), np.nanquantile(values, [0.25, 0.5, 0.75]), rtol=2e-3
    )
    assert condensed(values[:1000]).tolist() == values[:1000][~np.isnan(values[:1000])].tolist()


def test_figures_of_a_large_table_say_how_much_is_drawn_and_are_small() -> None:
    random = np.random.default_rng(0)
    target = random.integers(0, 3, 60_000)
    features = pd.DataFrame(random.normal(size=(60_000, 4)) + target[:, None], columns=list("abcd"))
    dataset = Dataset("large", features, target, ("x", "y", "z"), "kind", "made")
    drawn = pairs(dataset)
    assert not isinstance(drawn, str)
    assert "4,999 of 60,000 samples drawn" in drawn.get_suptitle().replace("\n", " ")
    for figure in (drawn, violins(dataset)):
        assert not isinstance(figure, str)
        assert all(len(render(figure, kind)) < 1_500_000 for kind in ("png", "svg"))
