"""``iris-lab verify`` checks a run against its record, re-runs it, and compares."""

import argparse
import json
import os
import sys
from contextlib import nullcontext
from pathlib import Path

from iris_lab.cli.options import add_run, add_timeout
from iris_lab.errors import InputError, IrisLabError, RecordError

MOST_TIMES = 100


def add_parser(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Declare the command."""
    parser = commands.add_parser(
        "verify",
        help="check a run, re-run it, and compare",
        description="Check a run's files against its record, re-run it with its parameters and data, and compare file "
        "by file. Identical: the same bytes. Equivalent: what a change of versions or processor explains, which the "
        "verdict names: the last digits of computed numbers; letters drawn differently, lines moved by a point. "
        "Claimed: what nothing here proves, such as where a table is from.",
        epilog="exit code: 0 identical or equivalent, 1 different, 2 it could not be run",
    )
    add_run(parser)
    parser.add_argument("--data", default="", metavar="PATH", help="table of a private run, which does not hold it")
    parser.add_argument("--quick", action="store_true", help="check files and versions only; execute nothing")
    parser.add_argument("--exact", action="store_true", help="accept identical bytes only")
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    parser.add_argument("--report", type=Path, metavar="FILE", help="write what differs as an HTML page, with pictures")
    add_timeout(parser)
    parser.add_argument(
        "--repeat", type=_times, default=1, metavar="N", help="re-run it N times, and name the first unstable cell"
    )
    parser.add_argument("--trust", action="store_true", help="load the recorded model to compare it: it can run code")
    parser.set_defaults(command=verify)


def _times(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= MOST_TIMES:
        raise argparse.ArgumentTypeError(f"{text!r}: expected a whole number from 1 to {MOST_TIMES}")
    return int(text)


def verify(given: argparse.Namespace) -> int:
    """Verify a run, and print what was found."""
    from iris_lab.progress import shown_progress
    from iris_lab.workflow.warm import warm_kernels

    if given.quick and (given.exact or given.report or given.data):
        raise InputError("--quick executes nothing to compare: leave out --exact, --report and --data, or --quick")
    if given.report:
        from iris_lab.workflow.differences import check_page, write_differences

        check_page(given.report, given.run)
    try:
        from iris_lab.workflow.verification import read_record

        read_record(given.run, data=None if given.quick else given.data)  # refused before anything starts
        # The warm parent imports its half of the stack meanwhile.
        with shown_progress() as progress, nullcontext() if given.quick else warm_kernels() as kernels:
            from iris_lab.workflow import verification

            found = verification.verify(
                given.run,
                quick=given.quick,
                trust=given.trust,
                timeout=given.timeout,
                repeat=given.repeat,
                kernels=kernels,
                data=given.data,
                on_progress=given.stopping.checked(progress),
            )
    except IrisLabError as error:
        if given.json:
            verdict = {"verdict": "different"} if isinstance(error, RecordError) else {}
            problem = {"run": str(given.run), **verdict, "problem": str(error), "exit_code": error.exit_code}
            print(json.dumps(problem, indent=1))
        raise
    if given.report:
        write_differences(found, given.report)
    if given.json:
        print(json.dumps({**found.as_json(), "exit_code": found.exit_code(exact=given.exact)}, indent=1))
    else:
        from iris_lab.workflow.summary import summarize

        text = summarize(found, coloured=sys.stdout.isatty() and "NO_COLOR" not in os.environ)
        encoding = sys.stdout.encoding or "utf-8"
        # The encoding of the terminal may lack characters of ours or of the run.
        print(text.encode(encoding, "replace").decode(encoding))
    return found.exit_code(exact=given.exact)
