"""``iris-lab sweep`` runs the notebooks once for each combination of values, and goes on where it was interrupted."""

import argparse
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

from iris_lab.cli.options import add_timeout
from iris_lab.errors import IrisLabError

if TYPE_CHECKING:
    from iris_lab.workflow.sweeps.outcomes import Outcome


def add_parser(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Declare the command."""
    parser = commands.add_parser("sweep", help="one run for each combination of values, side by side")
    parser.add_argument(
        "-p",
        "--parameter",
        action="append",
        default=[],
        metavar="NAME=VALUES",
        help="set a parameter to several values: model=svm,forest, seed=0..19, or a JSON list; given again, each "
        "value may have commas",
    )
    place = "folder for the runs (default: reports/sweeps/NAME, named after data and parameters)"
    parser.add_argument("-o", "--output", type=Path, metavar="DIR", help=place)
    parser.add_argument("--jobs", type=int, default=-1, metavar="N", help="runs at a time (default: one per core)")
    parser.add_argument("--scheduler", default="", metavar="URL", help="run on the workers of this Dask scheduler")
    parser.add_argument("--fail-fast", action="store_true", help="stop at the first run that fails")
    parser.add_argument("--restart", action="store_true", help="run all combinations again, even those that are done")
    parser.add_argument("--yes", action="store_true", help="allow more than 1,000 runs")
    add_timeout(parser)
    parser.set_defaults(command=sweep)


def sweep(given: argparse.Namespace) -> int:
    """Run the combinations that are missing, and print which is best."""
    from iris_lab.progress import ShownRuns
    from iris_lab.workflow import sweep as sweeps
    from iris_lab.workflow.parameters import declared
    from iris_lab.workflow.steps import STEPS
    from iris_lab.workflow.sweeps.choices import parse_choices
    from iris_lab.workflow.sweeps.jobs import Job

    choices = parse_choices(given.parameter, declared(STEPS), many=given.yes)
    job = Job(
        sweeps.runs_of(choices),
        given.output or sweeps.default_folder(choices),
        jobs=given.jobs or -1,
        scheduler=given.scheduler,
        timeout=given.timeout,
        fail_fast=given.fail_fast,
        restart=given.restart,
    )
    with closing(ShownRuns(given.stopping.note)) as shown:
        outcomes = sweeps.run_sweep(job, shown)
    print(_summary(job.folder, outcomes))
    if failed := [outcome for outcome in outcomes if outcome.error]:
        for outcome in failed:
            print(f"failed    {outcome.run}: {outcome.error}")
        reached = f", {len(outcomes)} reached" if len(outcomes) < len(job.runs) else ""
        raise IrisLabError(f"{len(failed)} of {len(job.runs)} runs failed{reached}; the same command runs them again")
    return 0


def _summary(folder: Path, outcomes: "list[Outcome]") -> str:
    from iris_lab.workflow.sweeps.outcomes import table_of

    place = folder.relative_to(Path.cwd()) if folder.is_relative_to(Path.cwd()) else folder
    table = [table_of(outcomes), ""] if table_of(outcomes) else []
    return "\n".join([*table, f"page      {place / 'index.html'}", f"table     {place / 'runs.csv'}"])
