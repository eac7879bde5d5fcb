#!/usr/bin/env python3
"""Kills a sweep at random instants and starts it again, and says what it did twice: ``sweep_kills.py --kills 100``.

Each kill is SIGKILL to the sweep, SIGKILL to one of its two workers, or Ctrl-C. Whenever the sweep is done, its files
are compared with those of one that nobody killed, and it begins anew.
"""

import argparse
import random
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))

from killed_sweeps import Sweep, kill_at_random


def main() -> None:
    """Kill, and print what was found."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--runs", type=int, default=8)
    parser.add_argument("--seed", type=int, default=0, help="of the instants")
    parser.add_argument("--scheduler", default="", help="address of a Dask scheduler")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        sweep = Sweep(Path(folder) / "sweep", asked.runs, scheduler=asked.scheduler)
        found = kill_at_random(sweep, asked.kills, random.Random(asked.seed))
    kills = ", ".join(f"{count} of the {way}" for way, count in sorted(found.kills.items()))
    again, allowed = (sum(numbers) for numbers in zip(*found.again, strict=True))
    print(f"{sum(found.kills.values())} kills ({kills}); {len(found.again)} sweeps, all with the digests of one that")
    print(f"nobody killed; {again} executions done again, where one for each worker and kill is {allowed}")


if __name__ == "__main__":
    main()
