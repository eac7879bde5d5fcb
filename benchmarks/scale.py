#!/usr/bin/env python3
"""Measures a report by the size of its table, beside a plain script of the same three steps, and skrub's TableReport.

Tables of 10 numbers and 3 classes, as CSV. The ways take turns. CPU seconds are those of a command and all that it
started; memory is that of the largest of its processes. `scale_plain.py` is the plain script; TableReport, which draws
no pairs, is measured beside the step `01_eda` alone. Prints Markdown.
"""

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
from tables import make_rival

PROJECT = Path(__file__).resolve().parents[1]
TABLE_REPORT = "import pandas, skrub, sys; skrub.TableReport(pandas.read_csv(sys.argv[1])).write_html(sys.argv[2])"
COMPARED = {"iris-lab report": "plain script", "iris-lab, 01_eda alone": "skrub's TableReport"}


class Cost(NamedTuple):
    """What a command took: seconds on the clock and of processors, and MiB."""

    wall: float
    cpu: float
    memory: float


def write_table(path: Path, rows: int, features: int = 10) -> None:
    """Write clouds of three classes, seven of whose features tell them apart."""
    random = np.random.default_rng(0)
    codes = random.integers(0, 3, rows)
    centres = random.normal(0, 0.8, (3, features)) * (np.arange(features) < 7)
    values = (random.normal(size=(rows, features)) + centres[codes]).round(4)
    table = pd.DataFrame(values, columns=[f"x{column}" for column in range(1, features + 1)])
    table.assign(kind=np.array(["ash", "beech", "cedar"])[codes]).to_csv(path, index=False)


def measured(command: list[str], cwd: Path) -> Cost:
    """Run a command and return what it took."""
    started = time.perf_counter()
    with open(cwd / "log", "ab") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log, cwd=cwd)
        _, status, usage = os.wait4(process.pid, 0)
    if status:
        raise SystemExit(f"{command[:4]} failed: {(cwd / 'log').read_text()[-500:]}")
    return Cost(time.perf_counter() - started, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024)


def ways(table: Path, folder: Path, rival: Path | None) -> dict[str, list[str]]:
    """Return the command of each way."""
    us, plain = [sys.executable, "-m", "iris_lab"], str(PROJECT / "benchmarks" / "scale_plain.py")
    papermill = ["-m", "papermill", "--engine", "iris-lab", "--no-progress-bar", "-p", "data", str(table)]
    eda = [str(PROJECT / "notebooks" / "01_eda.ipynb"), str(folder / "eda.ipynb"), "-p", "run_dir", str(folder / "eda")]
    commands = {
        "iris-lab report": [*us, "report", "-p", f"data={table}", "-o", str(folder / "run")],
        "plain script": [sys.executable, plain, str(table), str(folder / "by hand")],
        "iris-lab, 01_eda alone": [sys.executable, *papermill, *eda],
    }
    if rival:
        commands["skrub's TableReport"] = [str(rival), "-c", TABLE_REPORT, str(table), str(folder / "report.html")]
    return commands


def main() -> None:
    """Print a row for each size and way, and the ratios."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", default="10000,100000", help="sizes of tables (1000000 takes ten minutes a round)")
    parser.add_argument("--rounds", type=int, default=1, help="of which the median counts")
    parser.add_argument("--keep", type=Path, help="folder for skrub's environment, which stays there")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        rival = make_rival((given.keep or folder).resolve() / "skrub")
        print("| rows | way | wall s | CPU s | MiB | of the other's wall | CPU | memory |\n" + "|---" * 8 + "|")
        for rows in map(int, given.rows.split(",")):
            table = folder / f"rows{rows}.csv"
            write_table(table, rows)
            found: dict[str, list[Cost]] = {}
            for _ in range(given.rounds):
                for way in COMPARED | dict.fromkeys(COMPARED.values()):
                    (work := folder / "work").mkdir()
                    found.setdefault(way, []).append(measured(ways(table, work, rival)[way], work))
                    shutil.rmtree(work)
            costs = {way: Cost(*map(statistics.median, zip(*all_, strict=True))) for way, all_ in found.items()}
            for way, cost in costs.items():
                other = costs.get(COMPARED.get(way, ""))
                ratios = [f"{mine / its:.2f}" for mine, its in zip(cost, other, strict=True)] if other else [""] * 3
                numbers = [f"{rows:,}", way, *(f"{one:.1f}" for one in cost[:2]), f"{cost.memory:.0f}", *ratios]
                print("| " + " | ".join(numbers) + " |", flush=True)


if __name__ == "__main__":
    main()
