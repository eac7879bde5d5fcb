"""Options that several commands share, and how their values are read."""

import argparse
from pathlib import Path

TRUST = "load any pickle, and run any code in it; a stranger's run is safe only if it verified identical"


def add_run(command: argparse.ArgumentParser) -> None:
    """Add the run directory that a command works on."""
    command.add_argument("run", type=Path, metavar="RUN", help="run directory, such as reports/iris")


def add_timeout(command: argparse.ArgumentParser) -> None:
    """Add the time limit of a cell."""
    command.add_argument("--timeout", type=_seconds, metavar="SECONDS", help="fail a cell that takes longer")


def _seconds(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r}: expected whole seconds, 1 or more")
    return int(text)
