#!/usr/bin/env python3
"""Measures the report side by side with other ways to the same results, and prints ratios: ``make bench``.

All on the same three notebooks: (a) three `papermill` and three `jupyter nbconvert` commands; (b) the Python API of
both, in one process; (c) the notebooks' code as one plain script, with figures rendered, but no kernels, no page and no
record; (d) `iris-lab report`, all included. Then (e) a report of which nothing has changed, (f) `iris-lab verify`.

They take turns, so that a busy machine disturbs all of them alike; the median of the rounds counts. Memory is that of a
way's processes together, each shared page counted once (PSS), sampled every 50 ms.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[1]
NOTEBOOKS = sorted((PROJECT / "notebooks").glob("0*.ipynb"))
RUN = PROJECT / "reports" / "iris"
API = """
import sys
from pathlib import Path
import nbformat, papermill
from nbconvert import HTMLExporter
folder = sys.argv[1]
for path in sys.argv[2:]:
    out = f"{folder}/{Path(path).name}"
    papermill.execute_notebook(path, out, {"run_dir": folder}, progress_bar=False)
    html, _ = HTMLExporter().from_notebook_node(nbformat.read(out, as_version=4))
    Path(out).with_suffix(".html").write_text(html)
"""
Way = Callable[[Path], list[list[str]]]


@dataclass
class Measured:
    """What the rounds of one way took: seconds and MiB."""

    seconds: list[float] = field(default_factory=list)
    memory: list[float] = field(default_factory=list)


def plain_script() -> str:
    """Return the code of the notebooks as one script, each with its parameters, in the folder that it is given."""
    lines = ["import sys", "display = print"]
    for path in NOTEBOOKS:
        for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]:
            if cell["cell_type"] == "code":
                lines.append("".join(cell["source"]))
                if "parameters" in cell["metadata"].get("tags", []):
                    lines.append("run_dir = sys.argv[1]")
    return "\n".join(lines) + "\nserver.stop()\n"


def ways(scratch: Path) -> dict[str, Way]:
    """Return the commands of each way, given a new folder."""
    python, script = sys.executable, scratch / "plain.py"
    script.write_text(plain_script(), encoding="utf-8")
    lab = [python, "-m", "iris_lab"]

    def commands(folder: Path) -> list[list[str]]:
        outs = [(str(path), str(folder / path.name)) for path in NOTEBOOKS]
        papermill = [[python, "-m", "papermill", path, out, "-p", "run_dir", str(folder)] for path, out in outs]
        return papermill + [[python, "-m", "jupyter", "nbconvert", "--to", "html", out] for _, out in outs]

    unchanged = scratch / "unchanged"
    subprocess.run([*lab, "report", "-o", str(unchanged)], check=True, capture_output=True)
    return {
        "(a) papermill and nbconvert, commands": commands,
        "(b) their Python API, one process": lambda folder: [[python, "-c", API, str(folder), *map(str, NOTEBOOKS)]],
        "(c) plain script": lambda folder: [[python, str(script), str(folder)]],
        "(d) iris-lab report": lambda folder: [[*lab, "report", "-o", str(folder / "run")]],
        "(e) iris-lab report, unchanged": lambda _: [[*lab, "report", "-o", str(unchanged)]],
        "(f) iris-lab verify": lambda _: [[*lab, "verify", str(unchanged)]],
    }


def measure(commands: list[list[str]], measured: Measured) -> None:
    """Run commands one after another, and add what they took."""
    peak, ended = [0.0], threading.Event()
    sampler = threading.Thread(target=_sample, args=(peak, ended))
    sampler.start()
    started = time.perf_counter()
    environment = os.environ | {"MPLBACKEND": "agg"}
    try:
        for command in commands:
            subprocess.run(command, check=True, capture_output=True, env=environment)
        measured.seconds.append(time.perf_counter() - started)
    finally:
        ended.set()
        sampler.join()
    measured.memory.append(peak[0])


def _sample(peak: list[float], ended: threading.Event) -> None:
    while not ended.wait(0.05):
        peak[0] = max(peak[0], sum(map(_pss, _descendants())))


def _descendants() -> list[int]:
    parents = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            parents[int(path.parent.name)] = int(path.read_text(errors="replace").rpartition(")")[2].split()[1])
    found = [os.getpid()]
    for pid in found:
        found += [child for child, parent in parents.items() if parent == pid]
    return found[1:]


def _pss(pid: int) -> float:
    with suppress(OSError):
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1]) / 1024
    return 0.0


def main() -> None:
    """Measure, and print a Markdown table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    rounds = parser.parse_args().rounds
    with tempfile.TemporaryDirectory() as scratch:
        chosen = ways(Path(scratch))
        measured = {name: Measured() for name in chosen}
        for _ in range(rounds):
            for name, way in chosen.items():
                with tempfile.TemporaryDirectory() as folder:
                    measure(way(Path(folder)), measured[name])
    seconds = {name: statistics.median(each.seconds) for name, each in measured.items()}
    report = next(value for name, value in seconds.items() if name.startswith("(d)"))
    print(f"Medians of {rounds} rounds.\n\n| way | seconds | report / this | peak MiB |\n|---|---|---|---|")
    for name, each in measured.items():
        print(f"| {name} | {seconds[name]:.2f} | {report / seconds[name]:.2f} | {statistics.median(each.memory):.0f} |")


if __name__ == "__main__":
    main()
