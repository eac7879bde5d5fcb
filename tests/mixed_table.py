"""A table with features of every kind, each with gaps, for tests."""

import tempfile
from pathlib import Path

import numpy as np
import pandas as pd

from iris_lab.data.dataset import Dataset
from iris_lab.data.datasets import load_dataset


def mixed_table(rows: int = 400, seed: int = 0) -> pd.DataFrame:
    """Return pets as texts: a number, a category with rare levels, a boolean, a date and a whole number."""
    random = np.random.default_rng(seed)
    kind = random.choice(["cat", "dog", "owl"], rows, p=[0.5, 0.4, 0.1])
    born = pd.Timestamp("2015-01-01") + pd.to_timedelta(random.integers(0, 3000, rows), "D")
    usual = np.where(kind == "cat", "black", "brown")
    weight = (random.normal(4, 1, rows) + 6 * (kind == "dog")).round(2)
    table = pd.DataFrame(
        {
            "weight (kg)": [str(value) for value in weight],
            "colour": np.where(random.random(rows) < 0.7, usual, random.choice(["white", "red", "grey"], rows)),
            "castrated": np.where(random.random(rows) < 0.2 + 0.6 * (kind == "cat"), "true", "false"),
            "born": born.strftime("%Y-%m-%d"),
            "toys": random.integers(0, 9, rows).astype(str),
            "kind": kind,
        }
    ).astype(object)
    for place, (name, word) in enumerate({"weight (kg)": "", "colour": "?", "castrated": "NA", "born": ""}.items()):
        table.loc[place :: 9 + place, name] = word
    table.loc[[0, 20], "colour"] = "teal"
    return table


def mixed_dataset(rows: int = 400, seed: int = 0) -> Dataset:
    """Return that table as loaded from a file."""
    with tempfile.TemporaryDirectory() as folder:
        mixed_table(rows, seed).to_csv(Path(folder) / "pets.csv", index=False)
        return load_dataset(Path(folder) / "pets.csv")
