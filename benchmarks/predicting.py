#!/usr/bin/env python3
"""Measures `iris-lab predict` beside pandas' read_csv, predict and to_csv, and prints ratios and memory."""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pyarrow as pa
from pyarrow import csv, parquet

PROJECT = Path(__file__).resolve().parents[1]
PIECE = 100_000
PANDAS = """import sys
from pathlib import Path
import pandas as pd
from iris_lab.modeling import load_model
model = load_model(Path(sys.argv[1]))
table = pd.read_csv(sys.argv[2]) if sys.argv[2].endswith("csv") else pd.read_parquet(sys.argv[2])
features = table[list(model.features)]
table["predicted"] = [model.classes[code] for code in model.estimator.predict(features)]
for name, column in zip(model.classes, model.estimator.predict_proba(features).T):
    table[f"probability of {name}"] = column
table.to_csv(sys.argv[3], index=False)
"""


def write_tables(folder: Path, rows: int) -> list[Path]:
    """Write flowers around those of iris as CSV and as Parquet."""
    from iris_lab.data.datasets import load_dataset

    frame, random = load_dataset("iris").features, np.random.default_rng(0)
    names = [*frame.columns, "note"]
    schema = pa.schema([(name, pa.float64()) for name in frame.columns] + [("note", pa.string())])
    unquoted = csv.WriteOptions(quoting_style="none")  # as pandas writes it
    paths = [folder / "flowers.csv", folder / "flowers.parquet"]
    with (
        csv.CSVWriter(paths[0], schema, write_options=unquoted) as text,
        parquet.ParquetWriter(paths[1], schema) as typed,
    ):
        for first in range(0, rows, PIECE):
            size = min(PIECE, rows - first)
            values = np.round(
                frame.to_numpy()[random.integers(0, len(frame), size)] + random.normal(0, 0.2, (size, 4)), 3
            )
            columns = [*values.T, pa.array(np.char.add("flower ", np.arange(first, first + size).astype(str)))]
            batch = pa.table(dict(zip(names, columns, strict=True)), schema)
            text.write(batch)
            typed.write(batch)
    return paths


def measured(command: list[str]) -> tuple[float, float]:
    """Return the seconds and the peak memory in MiB of a command."""
    started = time.perf_counter()
    process = subprocess.Popen(command)
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        raise SystemExit(f"{command[:4]} failed")
    return time.perf_counter() - started, usage.ru_maxrss / 1024


def main() -> None:
    """Measure, and print a line for each way."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--run", type=Path, default=PROJECT / "reports" / "iris")
    parser.add_argument("--no-pandas", action="store_true", help="it needs memory for the whole table")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for table in write_tables(folder, given.rows):
            ways = {
                "iris-lab predict": ["-m", "iris_lab", "predict", str(given.run), str(table), "-o", f"{folder}/a.csv"],
                "pandas": ["-c", PANDAS, str(given.run), str(table), f"{folder}/b.csv"],
            }
            if given.no_pandas:
                del ways["pandas"]
            found = {way: measured([sys.executable, *command]) for way, command in ways.items()}
            for way, (seconds, memory) in found.items():
                ratio = f"{seconds / found['pandas'][0]:5.2f} x pandas" if "pandas" in found else ""
                print(f"{table.name:16} {way:17} {seconds:7.2f} s  {given.rows / seconds:11,.0f} rows/s  "
                      f"{memory:6.0f} MiB  {ratio}")  # fmt: skip


if __name__ == "__main__":
    main()
