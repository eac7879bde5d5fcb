#!/usr/bin/env python3
"""Measures the prediction endpoint side by side with its alternatives in one run: ``make bench``.

    python benchmarks/serving.py [--rivals-python PATH] [--rounds N] [--seconds S] [--check]

Each server has one worker and processor 0; wrk, with 8 connections and one thread, has processor 1. Output of every
server, our access log with its line a request included, goes to a file. The servers take turns, each started, asked,
loaded, weighed and stopped alone, so that a busy machine disturbs all of them alike and none shares its memory with
another; the median of the rounds counts. The processor time of a request says what the server can do where others
want the processor, too. An answer that is not the model's, or not 2xx, ends the benchmark.

(c) and (d) are not in our lock: `--rivals-python` names the interpreter of a virtual environment that has fastapi,
``uvicorn[standard]``, mlflow, scikit-learn, pandas and joblib.
"""

import argparse
import json
import os
import random
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from serving_rivals.measuring import BenchmarkError, Measured, Rival, measure
from serving_rivals.targets import judge

from iris_lab.data import load_dataset

PROJECT = Path(__file__).resolve().parents[1]
RUN = PROJECT / "reports" / "iris"
RIVALS = Path(__file__).resolve().parent / "serving_rivals"
SIZES = (1, 100, 10_000)


def write_bodies(folder: Path) -> None:
    """Write a body of each size, flowers drawn from iris: as the tutorial's client sends it, and as MLflow wants it."""
    table = load_dataset("iris").features
    features, flowers = list(table.columns), table.to_dict("records")
    drawing = random.Random(0)
    for rows in SIZES:
        drawn = drawing.choices(flowers, k=rows)
        split = {"columns": features, "data": [list(flower.values()) for flower in drawn]}
        (folder / f"{rows}.json").write_text(json.dumps({"data": drawn, "columns": features}))
        (folder / f"{rows}.mlflow.json").write_text(json.dumps({"dataframe_split": split}))


def train(python: str, folder: Path) -> dict[int, list[int]]:
    """Train the tutorial's model with an interpreter's own scikit-learn; return the classes it predicts."""
    run(python, RIVALS / "train.py", cwd=folder)
    return classes(python, "model.joblib", folder)


def classes(python: str, model: Path | str, folder: Path) -> dict[int, list[int]]:
    """Return the classes that a model predicts for the bodies."""
    bodies = [folder.parent / f"{rows}.json" for rows in SIZES]
    printed = run(python, RIVALS / "classes.py", model, *bodies, cwd=folder).splitlines()
    return {rows: json.loads(line) for rows, line in zip(SIZES, printed, strict=True)}


def run(*command: Path | str, cwd: Path) -> str:
    """Run a command and return what it printed."""
    done = subprocess.run([str(part) for part in command], cwd=cwd, capture_output=True, text=True)
    if done.returncode:
        raise BenchmarkError(f"{Path(command[1]).name}: {done.stderr.strip().splitlines()[-1]}")
    return done.stdout


def rivals(folder: Path, other: str | None) -> Iterator[Rival]:
    """Prepare what each server needs, and yield them."""
    ours, theirs = folder / "ours", folder / "theirs"
    ours.mkdir(), theirs.mkdir()
    here = sys.executable
    yield Rival("ours", [here, "-m", "iris_lab", "serve", str(RUN), "--port", "{port}"],
                classes(here, RUN / "model.joblib", ours), ours)  # fmt: skip
    yield Rival("(a) constant route", [here, str(RIVALS / "constant.py"), str(RUN), "{port}", *map(str, SIZES)],
                {rows: [0] * rows for rows in SIZES}, ours, path="/constant/{rows}")  # fmt: skip
    yield Rival("(b) tutorial", [here, str(RIVALS / "tutorial.py"), "{port}"], train(here, ours), ours)
    if other is None:
        return
    expected = train(other, theirs)
    yield Rival("(c) FastAPI", [other, str(RIVALS / "fastapi_service.py"), "{port}"], expected, theirs)
    run(other, RIVALS / "log_mlflow.py", cwd=theirs)
    yield Rival("(d) MLflow", [other, "-m", "mlflow", "models", "serve", "--model-uri", "mlflow_model",
                               "--env-manager", "local", "--port", "{port}", "--workers", "1"],
                expected, theirs, path="/invocations", body="{rows}.mlflow.json", member="predictions")  # fmt: skip


def median_of(rounds: list[Measured]) -> Measured:
    """Return the median of each number."""
    names = rounds[0].keys()
    return {name: statistics.median(measured[name] for measured in rounds) for name in names}


def compare(other: str | None, rounds: int, seconds: int) -> dict[str, Measured]:
    """Measure all servers in turns."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_bodies(folder)
        present = list(rivals(folder, other))
        results: dict[str, list[Measured]] = {rival.name: [] for rival in present}
        for turn in range(-1, rounds):  # the first turn warms caches and bytecode, and only checks the answers
            for rival in present:
                print(f"round {turn + 1} of {rounds}: {rival.name:20}", end="\r", file=sys.stderr, flush=True)
                measured = measure(rival, SIZES, seconds if turn >= 0 else 2)
                if turn >= 0:
                    results[rival.name].append(measured)
    return {name: median_of(measured) for name, measured in results.items()}


def show(results: dict[str, Measured]) -> None:
    """Print what was measured."""
    print(f"{'':20}" + "".join(f"{f'{rows:,} row' + 's' * (rows > 1):^45}" for rows in SIZES) + "  memory  start")
    print(f"{'':20}" + f"{'requests/s':>12}{'p50':>11}{'p99':>10}{'processor':>12}" * len(SIZES))
    for name, found in results.items():
        cells = (
            f"{found[f'requests {rows}']:12,.0f}{found[f'p50 {rows}']:8.2f} ms{found[f'p99 {rows}']:7.1f} ms"
            f"{found[f'processor {rows}'] * 1e6:9,.0f} µs"
            for rows in SIZES
        )
        print(f"{name:20}{''.join(cells)}  {found['memory']:3.0f} MB {found['start']:5.2f} s")


def main() -> int:
    """Measure, print the table and the ratios."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rivals-python", metavar="PATH", help="an interpreter that has FastAPI and MLflow")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=int, default=3, help="of load, for each server, size and round")
    parser.add_argument("--check", action="store_true", help="exit 1 if a ratio is missed")
    given = parser.parse_args()
    for tool in ("wrk", "taskset"):
        if not shutil.which(tool):
            print(f"serving: {tool} is not installed (Debian: apt install wrk util-linux)", file=sys.stderr)
            return 2
    if len(os.sched_getaffinity(0)) < 2:
        print("serving: one processor only, expected two: one for the server, one for wrk", file=sys.stderr)
        return 2
    if given.rivals_python is None:
        print("serving: (c) FastAPI and (d) MLflow are left out: give --rivals-python PATH", file=sys.stderr)
    try:
        results = compare(given.rivals_python, given.rounds, given.seconds)
    except BenchmarkError as error:
        print(f"serving: {error}", file=sys.stderr)
        return 2
    show(results)
    return int(not judge(results) and given.check)


if __name__ == "__main__":
    sys.exit(main())
