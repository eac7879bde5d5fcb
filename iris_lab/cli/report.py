"""``iris-lab report`` runs the notebooks into a report directory."""

import argparse
import os
import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from iris_lab.cli.options import add_timeout

if TYPE_CHECKING:
    from collections.abc import Mapping

    from iris_lab.workflow.freshness import Freshness
    from iris_lab.workflow.parameters import Parameter, Value


def add_parser(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Declare the command."""
    parser = commands.add_parser("report", help="run the notebooks into a report directory")
    parser.add_argument("-p", "--parameter", action="append", default=[], metavar="NAME=VALUE", help="set a parameter")
    parser.add_argument(
        "--private",
        action="store_true",
        help="keep every sample out of the run, and out of its model; as -p private=true",
    )
    parser.add_argument("-o", "--output", type=Path, metavar="DIR", help="run directory (default: reports/NAME)")
    parser.add_argument("--force", action="store_true", help="execute all steps, and replace a run of other parameters")
    parser.add_argument(
        "--allow-unstable",
        action="store_true",
        help="publish outputs that differ in every run, such as a memory address; the record names their cells",
    )
    parser.add_argument("--explain", action="store_true", help="say which steps are executed, and why")
    add_timeout(parser)
    parser.set_defaults(command=report)


def report(given: argparse.Namespace) -> int:
    """Run the notebooks, and print where the report is."""
    # These import little: most often nothing has changed, or a parameter is mistyped.
    from iris_lab.workflow.parameters import check, declared, defaults, parse
    from iris_lab.workflow.steps import STEPS

    parameters = declared(STEPS)
    values = parse(given.parameter + ["private=true"] * given.private, parameters)
    check(defaults(parameters) | values)
    place, fresh = _examined(given, values, parameters)
    if given.explain:
        reasons = (
            fresh.explained(STEPS) if fresh else ["all steps: no run of these parameters is there, or --force is given"]
        )
        print("\n".join(reasons), file=sys.stderr, flush=True)
    if place and fresh and fresh.is_up_to_date:
        print(_summary(place, "up to date: --force executes it all the same\n") + _data(values))
        return 0

    from iris_lab.progress import shown_progress
    from iris_lab.workflow.warm import warm_kernels

    # The other imports are inside the block: meanwhile the warm parent imports its half of the stack.
    with shown_progress() as progress, warm_kernels() as kernels:
        from iris_lab.workflow import report as reports

        job = reports.Job(values, given.output, given.force, STEPS, given.allow_unstable)
        run = reports.report(
            job,
            fresh=fresh,
            kernels=kernels,
            timeout=given.timeout,
            on_progress=given.stopping.checked(progress),
            on_notice=lambda notice: print(f"iris-lab: {notice}", file=sys.stderr, flush=True),
            on_publish=given.stopping.publish,
        )
    print(_summary(run) + _data(values))
    return 0


def _examined(
    given: argparse.Namespace, values: "dict[str, Value]", parameters: "Mapping[str, Parameter]"
) -> "tuple[Path | None, Freshness | None]":
    """Return the place of the run, if it is known before the data are read, and what has changed since it was made."""
    if given.force or given.allow_unstable:
        return None, None
    from iris_lab.place import reports
    from iris_lab.workflow.freshness import examine, name_of_run
    from iris_lab.workflow.steps import STEPS

    name = name_of_run(values, parameters)
    place = given.output or (reports() / name if name else None)
    if place is None:
        return None, None
    place = Path(os.path.abspath(place))
    return place, examine(place, values, STEPS)


def _data(values: "Mapping[str, Value]") -> str:
    return " --data TABLE" * bool(values.get("private"))


def _summary(run: Path, above: str = "") -> str:
    from iris_lab.by_step import read_metrics

    place = run.relative_to(Path.cwd()) if run.is_relative_to(Path.cwd()) else run
    lines = [f"report    {place / 'index.html'}"]
    metrics = {name.removeprefix("evaluate."): value for name, value in read_metrics(run).items()}
    if "accuracy" in metrics:
        lines.append(
            "accuracy  {accuracy:.1%} held out ({correct:.0f} of {samples:.0f}; "
            "95 % interval {accuracy_low:.1%} to {accuracy_high:.1%})".format(**metrics)
        )
    quoted = shlex.quote(str(place))
    return above + "\n".join([*lines, f"serve     iris-lab serve {quoted}", f"verify    iris-lab verify {quoted}"])
