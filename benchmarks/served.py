#!/usr/bin/env python3
"""Compares what `iris-lab serve` answers with the pipeline, on twelve of the forty tables with 100,000 rows each.

The rows are the table's own, drawn again, with gaps where training had some and with levels that training did not have.
In half of the tables gaps are planted before training, so that every feature may have them. Prints a row for each
table: how many classes differ, and by how much probabilities do.
"""

import argparse
import json
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd
from forty_tables import download, write_tables
from tables import answer, serving

from iris_lab.data import load_dataset
from iris_lab.modeling import Model, make_estimator, make_split, save_model

TABLES = ("iris", "digits", "Caravan", "Default", "Carseats", "penguins", "german", "breast", "chess", "housevotes",
          "mushroom", "saheart")  # fmt: skip
PIECE = 5_000  # rows in a request
PLANTED = 0.05  # share of gaps, and of unknown levels


def make_run(path: Path, folder: Path, model: str, *, gaps: bool) -> Model:
    """Fit a model to a table and leave what can be served."""
    if gaps:
        table, random = pd.read_csv(path, dtype=str, keep_default_na=False), np.random.default_rng(0)
        features = table.columns[:-1]
        table[features] = table[features].mask(random.random((len(table), len(features))) < PLANTED, "")
        path = folder.with_suffix(".csv")
        table.to_csv(path, index=False)
    split = make_split(load_dataset(path))
    estimator = make_estimator(model, 0, split.dataset.schema).fit(split.train_features, split.train_target)
    folder.mkdir()
    return save_model(folder, estimator, split, model)


def rows_like(path: Path, model: Model, count: int) -> pd.DataFrame:
    """Return rows drawn from a table, as values of the schema, with gaps and unknown levels."""
    random = np.random.default_rng(1)
    dataset = load_dataset(path)
    drawn = dataset.features[list(model.features)].iloc[random.integers(0, len(dataset.features), count)]
    drawn = drawn.reset_index(drop=True)
    for feature, own in zip(model.schema, dataset.schema, strict=True):
        if feature.kind == "category":  # levels may have other places where gaps were planted
            drawn[feature.name] = feature.parse(own.spell(drawn[feature.name]))
            drawn.loc[random.random(count) < PLANTED, feature.name] = -1.0
        if feature.missing:
            drawn.loc[random.random(count) < PLANTED, feature.name] = np.nan
    return drawn


def compare(model: Model, folder: Path, drawn: pd.DataFrame) -> tuple[int, float, float]:
    """Return how many classes differ, the largest difference of a probability, and the seconds of the endpoint."""
    columns = [feature.as_json(drawn[feature.name]) for feature in model.schema]
    for column in columns:
        column[:] = ["no such level" if text == "(unknown)" else text for text in column]
    rows = [dict(zip(model.features, row, strict=True)) for row in zip(*columns, strict=True)]
    differ, apart, seconds = 0, 0.0, 0.0
    with serving(folder) as url:
        for first in range(0, len(rows), PIECE):
            body = {"data": rows[first : first + PIECE], "probabilities": True}
            started = time.perf_counter()
            status, text = answer(f"{url}/predict", body)
            seconds += time.perf_counter() - started
            if status != 200:
                raise SystemExit(f"{folder.name}: {status}: {text[:300]}")
            given, piece = json.loads(text), drawn.iloc[first : first + PIECE]
            differ += int((model.estimator.predict(piece) != given["result"]).sum())
            apart = max(apart, float(np.abs(model.estimator.predict_proba(piece) - given["probabilities"]).max()))
    return differ, apart, seconds


def main() -> None:
    """Print a row for each table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--keep", type=Path, help="folder for downloads, which stay there")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        packages = download((given.keep or folder).resolve() / "packages")
        paths = {path.stem: path for path in write_tables(packages, folder)}
        print(
            "| table | model | gaps planted | rows | other classes | probabilities apart | rows/s |\n"
            + "|---" * 7
            + "|"
        )
        for number, table in enumerate(TABLES):
            chosen, gaps = ("logistic", "boosting")[number // 2 % 2], number % 2 == 1
            run = folder / f"run of {table}"
            model = make_run(paths[table], run, chosen, gaps=gaps)
            drawn = rows_like(paths[table], model, given.rows)
            differ, apart, seconds = compare(model, run, drawn)
            row = [table, chosen, "yes" if gaps else "no", f"{given.rows:,}", differ, f"{apart:.1g}"]
            print("| " + " | ".join(map(str, [*row, f"{given.rows / seconds:,.0f}"])) + " |", flush=True)


if __name__ == "__main__":
    main()
