"""What the figures of a private run draw: cells that several samples share, and nothing of fewer."""

import numpy as np
import pandas as pd
import pytest

from iris_lab import figures
from iris_lab.data.dataset import Dataset
from iris_lab.data.privacy import FEWEST
from iris_lab.data.schema import Feature
from iris_lab.figures.cells import in_cells, in_fives, shared_shares, spread_in_cells
from iris_lab.figures.kind_figures import class_shares_by_level


def private(features: dict[str, list[float]], target: list[int], **more: object) -> Dataset:
    codes = np.array(target, np.int64)
    return Dataset("t", pd.DataFrame(features), codes, ("a", "b"), "kind", "", exact_digest="0", **more)  # type: ignore[arg-type]  # as a test gives them


def test_a_cell_of_four_is_not_drawn_and_one_of_five_is() -> None:
    dataset = private({"x": [0.0] * 5 + [10.0] * 4, "y": [1.0] * 5 + [3.0] * 4}, [0] * 9)
    drawn = in_cells(dataset, "x", "y")
    assert drawn.features.drop_duplicates().to_numpy().tolist() == [[1.25, 1.25]]
    assert len(drawn.target) == 5
    assert spread_in_cells(dataset, "x", 0).tolist() == pytest.approx([0.2, 0.6, 1.0, 1.4, 1.8])
    assert spread_in_cells(dataset, "x", 1).size == 0


def test_five_samples_of_one_group_are_one() -> None:
    dataset = private({"x": [0.0] * 5 + [10.0] * 5, "y": [0.0] * 5 + [1.0] * 5}, [0] * 10,
                      groups=np.array([1, 1, 1, 1, 2, 3, 4, 5, 6, 7]))  # fmt: skip
    assert in_cells(dataset, "x", "y").features["x"].unique().tolist() == [8.75]


def test_shares_are_counted_in_tenths_and_curves_have_a_corner_for_each_five() -> None:
    shares = np.array([0.01, 0.02, 0.03, 0.04, 0.05, 0.97, 1.0, 1.0, 0.99])
    middles, counts = shared_shares(shares, np.arange(9))
    assert (middles.tolist(), counts.tolist()) == ([0.05], [5])
    scores = np.random.default_rng(0).random(14)
    assert np.unique(in_fives(scores), return_counts=True)[1].tolist() == [5, 9]
    assert len(np.unique(in_fives(scores[:3]))) == 1


def test_a_bar_of_four_is_left_out_and_unknown_levels_are_no_gaps() -> None:
    colour = Feature("c", "category", ("red",), missing=True)
    values = [0.0] * 10 + [-1.0] * FEWEST + [np.nan] * (FEWEST - 1)
    table = class_shares_by_level(private({"c": values}, [0, 1] * 9 + [0], special={"c": colour}), "c")
    assert table.sum(axis=1).to_dict() == {"red": 10, "(unknown)": FEWEST}


@pytest.mark.parametrize("values", [[0.0, 1.0, 2.0, 3.0, 50.0, 51.0, 52.0, 99.0], [7.0] * 8, [0.0] * 7 + [1.0]])
def test_a_table_of_which_nothing_may_be_drawn_has_figures_all_the_same(values: list[float]) -> None:
    dataset = private({"x": values, "y": values[::-1]}, [0, 1] * 4)
    for draw in (figures.violins, figures.pairs, figures.correlation):
        figure = draw(dataset)
        assert not isinstance(figure, str)
        figures.render(figure, "svg")
