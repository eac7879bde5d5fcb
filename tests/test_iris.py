from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from iris_lab.data.dataset import Dataset
from iris_lab.data.datasets import load_dataset
from iris_lab.iris import about_iris, first_features


def same_here(dataset: Dataset) -> list[str]:
    """Return what the table in the text says of samples 35 and 38, as Fisher has them and as UCI's file does."""
    shown = about_iris(dataset)
    assert shown is not None
    return [line.split("|")[4].strip() for line in shown.data.splitlines() if line.startswith(("| 35", "| 38"))]


def test_iris_is_as_fisher_printed_it() -> None:
    assert same_here(load_dataset("iris")) == ["yes", "no", "yes", "no"]


def test_the_uci_file_is_found_out_under_any_name_and_with_any_names_in_it(tmp_path: Path) -> None:
    frame = load_dataset("iris").frame
    frame.iloc[[34, 37], :4] = [[4.9, 3.1, 1.5, 0.1], [4.9, 3.1, 1.5, 0.1]]
    frame.set_axis(["a", "b", "c", "d", "class"], axis=1).to_csv(tmp_path / "flowers.csv", index=False)
    dataset = load_dataset(tmp_path / "flowers.csv")
    assert same_here(dataset) == ["no", "yes", "no", "yes"]
    assert first_features(dataset) == ["a", "c"]


@pytest.mark.parametrize("name", ["wine", "breast_cancer"])
def test_of_another_table_nothing_is_said(name: str) -> None:
    assert about_iris(load_dataset(name)) is None
    assert first_features(load_dataset(name)) == []


def test_a_table_of_the_same_size_and_name_is_not_taken_for_iris() -> None:
    values = np.random.default_rng(0).normal(size=(150, 4)).round(1)
    names = load_dataset("iris").features.columns
    dataset = Dataset("iris", pd.DataFrame(values, columns=names), np.arange(150) % 2, ("cat", "dog"), "pet", "")
    assert about_iris(dataset) is None
    assert first_features(dataset) == []
