#!/usr/bin/env python3
"""Measures ``iris-lab sweep`` beside papermill, for the same runs, in one go, and prints ratios as Markdown.

Papermill's ways: (a) a loop of commands, three ``papermill`` and a ``jupyter nbconvert`` for each combination; (b) its
Python API under joblib's loky with the same number of jobs, and nbconvert's API for the pages. ``--sample`` measures
those on the first few combinations, and multiplies. ``--flat`` compares the cost of a run in a sweep and in one of ten
times its runs, and the memory of its parent process.
"""

import argparse
import itertools
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
from joblib import Parallel, delayed

PROJECT = Path(__file__).resolve().parents[1]
NOTEBOOKS = sorted((PROJECT / "notebooks").glob("*.ipynb"))
MODELS = ("logistic", "svm", "forest")
DECLARING = {"02_train"}  # the steps that declare the parameters of the sweep


def given(model: str, seed: int, notebook: Path) -> dict[str, object]:
    """Return what papermill injects into a notebook."""
    values: dict[str, object] = {"model": model, "seed": seed} if notebook.stem in DECLARING else {}
    return {**values, "run_dir": "."}


def by_commands(combinations: list[tuple[str, int]], folder: Path, jobs: int, *, pages: bool) -> None:
    """Run a loop of commands, as a shell script would."""
    for model, seed in combinations:
        place = folder / f"{model}-{seed}"
        place.mkdir()
        for notebook in NOTEBOOKS:
            options = [
                str(word) for name, value in given(model, seed, notebook).items() for word in ("-p", name, value)
            ]
            command = [sys.executable, "-m", "papermill", str(notebook), notebook.name, *options]
            subprocess.run(command, cwd=place, check=True, capture_output=True)
        if pages:
            command = [sys.executable, "-m", "jupyter", "nbconvert", "--to", "html", *(n.name for n in NOTEBOOKS)]
            subprocess.run(command, cwd=place, check=True, capture_output=True)


def by_interface(combinations: list[tuple[str, int]], folder: Path, jobs: int, *, pages: bool) -> None:
    """Run papermill's Python API in processes."""
    Parallel(n_jobs=jobs, backend="loky")(delayed(_one)(*each, folder, pages) for each in combinations)


def _one(model: str, seed: int, folder: Path, pages: bool) -> None:
    import nbformat
    import papermill
    from nbconvert import HTMLExporter

    place = folder / f"{model}-{seed}"
    place.mkdir()
    for notebook in NOTEBOOKS:
        done = papermill.execute_notebook(
            notebook, place / notebook.name, given(model, seed, notebook), cwd=place, progress_bar=False
        )
        if pages:
            page, _ = HTMLExporter().from_notebook_node(nbformat.from_dict(done))
            (place / f"{notebook.stem}.html").write_text(page)


def sweep(models: int, seeds: int, folder: Path, jobs: int) -> float:
    """Run a sweep as its command does, and return the largest memory of its parent process, in MiB."""
    command = [sys.executable, "-m", "iris_lab", "sweep", "-o", str(folder / "sweep"), "--jobs", str(jobs), "--yes"]
    command += ["-p", f"model={','.join(MODELS[:models])}", "-p", f"seed=0..{seeds - 1}"]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    with watched(process.pid) as largest:
        assert process.wait() == 0
    return largest() / 2**20


@contextmanager
def watched(pid: int) -> Iterator[Callable[[], int]]:
    """Watch the memory of a process, and yield a function that returns the most that it had."""
    most, ended, process = [0], threading.Event(), psutil.Process(pid)

    def watch() -> None:
        while not ended.wait(0.25):
            try:
                most[0] = max(most[0], process.memory_info().rss)
            except psutil.NoSuchProcess:
                return

    threading.Thread(target=watch, daemon=True).start()
    yield lambda: most[0]
    ended.set()


def timed(call: Callable[[Path], object]) -> tuple[float, object]:
    """Return the seconds of a call that writes into a folder of its own, and its result."""
    with tempfile.TemporaryDirectory() as folder:
        started = time.perf_counter()
        result = call(Path(folder))
        return time.perf_counter() - started, result


def resumed(models: int, seeds: int, jobs: int, folder: Path) -> tuple[float, float]:
    """Return the seconds of a sweep, and those of the same command again."""
    first = time.perf_counter()
    sweep(models, seeds, folder, jobs)
    again = time.perf_counter()
    sweep(models, seeds, folder, jobs)
    return again - first, time.perf_counter() - again


def main() -> None:
    """Measure, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--models", type=int, default=3, help="1 to 3")
    parser.add_argument("--seeds", type=int, default=8)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--sample", type=int, default=0, metavar="N", help="papermill's ways on N combinations only")
    parser.add_argument("--flat", action="store_true", help="compare with a sweep of ten times the seeds instead")
    asked = parser.parse_args()
    combined = list(itertools.product(MODELS[: asked.models], range(asked.seeds)))
    if asked.flat:
        for seeds in (asked.seeds, 10 * asked.seeds):
            seconds, memory = timed(lambda folder, seeds=seeds: sweep(asked.models, seeds, folder, asked.jobs))
            runs = asked.models * seeds
            print(f"| {runs} runs | {seconds:.1f} s | {seconds / runs:.2f} s a run | parent {memory:.0f} MiB |")
        return
    with tempfile.TemporaryDirectory() as place:
        ours, again = resumed(asked.models, asked.seeds, asked.jobs, Path(place))
    print(f"| way | seconds for {len(combined)} runs | iris-lab sweep / this |\n|---|---|---|")
    print(
        f"| iris-lab sweep --jobs {asked.jobs} | {ours:.1f} | 1 |\n| the same command again | {again:.1f} | |",
        flush=True,
    )
    few = combined[:: max(1, len(combined) // asked.sample)][: asked.sample] if asked.sample else combined
    for name, way in {
        "papermill commands": by_commands,
        f"papermill API, {asked.jobs} loky jobs": by_interface,
    }.items():
        for pages in (True, False):
            seconds, _ = timed(lambda folder, way=way, pages=pages: way(few, folder, asked.jobs, pages=pages))
            whole = seconds * len(combined) / len(few)
            print(f"| {name}, {'with' if pages else 'without'} pages | {whole:.1f} | {ours / whole:.3f} |", flush=True)


if __name__ == "__main__":
    main()
