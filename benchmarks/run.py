#!/usr/bin/env python3
"""Measures the report side by side with its alternatives in one run, and prints ratios: ``make bench``.

The alternatives take turns, so that a busy machine disturbs all of them alike; the median of the rounds counts.
By hand: `jupyter execute` on a copy of each notebook, one after another, then `jupyter nbconvert` to HTML.
"""

import argparse
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[1]
PLAIN = """import sys
from iris_lab.cli import main
from iris_lab.workflow import warm
warm.CAN_FORK = False
sys.exit(main())"""


def run(*command: str) -> None:
    """Run a command with this interpreter; its output is of no interest unless it fails."""
    subprocess.run([sys.executable, *command], check=True, capture_output=True)


def by_hand(folder: Path) -> None:
    """Execute copies of the notebooks one after another, and make pages of them."""
    copies = []
    for notebook in sorted((PROJECT / "notebooks").glob("*.ipynb")):
        copies.append(str(shutil.copy(notebook, folder)))
        run("-m", "jupyter", "execute", "--inplace", copies[-1])
    run("-m", "jupyter", "nbconvert", "--to", "html", *copies)


def main() -> None:
    """Measure, and print a line for each way."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    rounds = parser.parse_args().rounds
    ways = {
        "iris-lab report": lambda folder: run("-m", "iris_lab", "report", "-o", str(folder / "run")),
        "report, ordinary kernels": lambda folder: run("-c", PLAIN, "report", "-o", str(folder / "run")),
        "the three notebooks by hand": by_hand,
        "iris-lab verify": lambda folder: run("-m", "iris_lab", "verify", str(PROJECT / "reports" / "iris")),
        "iris-lab verify --quick": lambda _: run(
            "-m", "iris_lab", "verify", "--quick", str(PROJECT / "reports" / "iris")
        ),
    }
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(rounds):
        for name, way in ways.items():
            with tempfile.TemporaryDirectory() as folder:
                started = time.perf_counter()
                way(Path(folder))
                seconds[name].append(time.perf_counter() - started)
    medians = {name: statistics.median(taken) for name, taken in seconds.items()}
    for name, median in medians.items():
        print(f"{name:28} {median:6.2f} s  {median / medians['iris-lab report']:5.2f} x report")


if __name__ == "__main__":
    main()
