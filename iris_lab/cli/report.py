"""``iris-lab report`` runs the notebooks into a report directory."""

import argparse
import shlex
import sys
from pathlib import Path

from iris_lab.cli.options import add_timeout


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
    parser.add_argument("--force", action="store_true", help="replace a run that has other parameters")
    parser.add_argument(
        "--allow-unstable",
        action="store_true",
        help="publish outputs that differ in every run, such as a memory address; the record names their cells",
    )
    add_timeout(parser)
    parser.set_defaults(command=report)


def report(given: argparse.Namespace) -> int:
    """Run the notebooks, and print where the report is."""
    from iris_lab.progress import shown_progress
    from iris_lab.workflow.warm import warm_kernels

    # The other imports are inside the block: meanwhile the warm parent imports its half of the stack.
    with shown_progress() as progress, warm_kernels() as kernels:
        from iris_lab.workflow import report as reports
        from iris_lab.workflow.parameters import declared, parse
        from iris_lab.workflow.steps import STEPS

        job = reports.Job(
            parse(given.parameter + ["private=true"] * given.private, declared(STEPS)),
            given.output,
            force=given.force,
            allow_unstable=given.allow_unstable,
        )
        run = reports.report(
            job,
            kernels=kernels,
            timeout=given.timeout,
            on_progress=given.stopping.checked(progress),
            on_notice=lambda notice: print(f"iris-lab: {notice}", file=sys.stderr, flush=True),
            on_publish=given.stopping.publish,
        )
    print(_summary(run) + " --data TABLE" * bool(job.values.get("private")))
    return 0


def _summary(run: Path) -> str:
    from iris_lab.artifacts import read_metrics

    place = run.relative_to(Path.cwd()) if run.is_relative_to(Path.cwd()) else run
    lines = [f"report    {place / 'index.html'}"]
    metrics = {name.removeprefix("evaluate."): value for name, value in read_metrics(run).items()}
    if "accuracy" in metrics:
        lines.append(
            "accuracy  {accuracy:.1%} held out ({correct:.0f} of {samples:.0f}; "
            "95 % interval {accuracy_low:.1%} to {accuracy_high:.1%})".format(**metrics)
        )
    quoted = shlex.quote(str(place))
    return "\n".join([*lines, f"serve     iris-lab serve {quoted}", f"verify    iris-lab verify {quoted}"])
