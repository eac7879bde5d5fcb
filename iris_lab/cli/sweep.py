"""``iris-lab sweep`` runs the notebooks once for each combination of values."""

import argparse
import sys
from pathlib import Path

from iris_lab.cli.options import add_timeout


def add_parser(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Declare the command."""
    parser = commands.add_parser("sweep", help="one run for each combination of values, side by side")
    parser.add_argument(
        "-p",
        "--parameter",
        action="append",
        default=[],
        metavar="NAME=VALUE,…",
        help="set a parameter to several values",
    )
    parser.add_argument("-o", "--output", type=Path, metavar="DIR", help="folder for the runs (default: reports/sweep)")
    parser.add_argument("--force", action="store_true", help="replace runs that have other parameters")
    parser.add_argument("--jobs", type=int, default=-1, metavar="N", help="runs at a time (default: one per core)")
    add_timeout(parser)
    parser.set_defaults(command=sweep)


def sweep(given: argparse.Namespace) -> int:
    """Run all combinations, and print where their table is."""
    from iris_lab.workflow import sweep as sweeps
    from iris_lab.workflow.report import Job

    table = sweeps.sweep(
        given.parameter,
        Job(output=given.output, force=given.force),
        jobs=given.jobs or -1,
        timeout=given.timeout,
        on_run=lambda run: print(f"{run.run}: {run.error or 'done'}", file=sys.stderr, flush=True),
    )
    print(f"table     {table}")
    return 0
