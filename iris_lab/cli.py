"""The command line: ``iris-lab report``, ``verify``, ``serve``, ``predict``. The one place that prints and exits."""

import argparse
import json
import os
import signal
import sys
import threading
import warnings
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING

from iris_lab import __version__
from iris_lab.errors import InputError, IrisLabError

if TYPE_CHECKING:
    from iris_lab.workflow.steps import Progress

stopping = threading.Event()
INTERRUPTED = 130  # what a shell reports of a program that Ctrl-C ended
STDERR = 2  # its descriptor; Python has none if it was closed at the start
TRUST = (
    "load any pickle, and run what code is in it; without it, a stranger's run is safe only if it verified identical"
)
STOPPED = "iris-lab: stopped; nothing was changed"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command and return its exit code.

    0: done; 1: a step failed, or a verified run is different; 2: what was given cannot be used.
    """
    parser = _parser()
    given = parser.parse_args(arguments)
    if "command" not in given:
        parser.print_help()
        return 0
    stopping.clear()
    command: Callable[[argparse.Namespace], int] = given.command
    try:
        signal.signal(signal.SIGTERM, _stop)
        signal.signal(signal.SIGINT, _stop)
        # Ctrl-C in the middle of jupyter_client's event loop leaves coroutines behind; a user can't do anything about
        # them.
        warnings.filterwarnings("ignore", "coroutine .* was never awaited", RuntimeWarning)
        return command(given)
    except IrisLabError as error:
        print(f"iris-lab: {error}", file=sys.stderr)
        return error.exit_code
    except (KeyboardInterrupt, Exception) as error:
        if isinstance(error, Exception) and not stopping.is_set():  # an import that is cut short raises what it likes
            raise
        print(STOPPED, file=sys.stderr)
        return INTERRUPTED


def _stop(_number: int, _frame: FrameType | None) -> None:
    stopping.set()
    raise KeyboardInterrupt  # the same orderly end as Ctrl-C's


def _leave(_number: int, _frame: FrameType | None) -> None:
    if not stopping.is_set():  # by an earlier signal, whose line is being written
        stopping.set()
        with suppress(OSError):
            os.write(STDERR, f"{STOPPED}\n".encode())
    os._exit(INTERRUPTED)


def _unless_stopped(progress: "Progress") -> "Progress":
    """Return `progress`, stopped after the cell where an event loop's callback has swallowed the interrupt."""

    def told(step: str, done: int, total: int) -> None:
        if stopping.is_set():
            raise KeyboardInterrupt
        progress(step, done, total)

    return told


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="iris-lab", description="A lab report that proves itself.")
    parser.add_argument("--version", action="version", version=f"iris-lab {__version__}")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND")

    report = commands.add_parser("report", help="run the notebooks into a report directory")
    report.add_argument("-p", "--parameter", action="append", default=[], metavar="NAME=VALUE", help="set a parameter")
    report.add_argument("-o", "--output", type=Path, metavar="DIR", help="run directory (default: reports/NAME)")
    report.add_argument("--force", action="store_true", help="replace a run that has other parameters")
    report.add_argument("--timeout", type=_seconds, metavar="SECONDS", help="fail a cell that takes longer")
    report.set_defaults(command=_report)

    sweep = commands.add_parser("sweep", help="one run for each combination of values, side by side")
    sweep.add_argument(
        "-p",
        "--parameter",
        action="append",
        default=[],
        metavar="NAME=VALUE,…",
        help="set a parameter to several values",
    )
    sweep.add_argument("-o", "--output", type=Path, metavar="DIR", help="folder for the runs (default: reports/sweep)")
    sweep.add_argument("--force", action="store_true", help="replace runs that have other parameters")
    sweep.add_argument("--jobs", type=int, default=-1, metavar="N", help="runs at a time (default: one per core)")
    sweep.add_argument("--timeout", type=_seconds, metavar="SECONDS", help="fail a cell that takes longer")
    sweep.set_defaults(command=_sweep)

    verify = commands.add_parser(
        "verify",
        help="check a run, re-run it, and compare",
        description="Check a run's files against its record, re-run it with its parameters and data, "
        "and compare file by file. Identical: the same bytes. Equivalent: numbers within 1e-9 relative; figures of the "
        "same pixels, or, drawn by another matplotlib, with text moved by at most 3 pixels; equal predictions.",
        epilog="exit code: 0 identical or equivalent, 1 different, 2 it could not be run",
    )
    verify.add_argument("run", type=Path, metavar="RUN", help="run directory, such as reports/iris")
    verify.add_argument("--quick", action="store_true", help="check files and versions only; execute nothing")
    verify.add_argument("--exact", action="store_true", help="accept identical bytes only")
    verify.add_argument("--json", action="store_true", help="print one JSON document")
    verify.add_argument("--report", type=Path, metavar="FILE", help="write what differs as an HTML page, with pictures")
    verify.add_argument("--timeout", type=_seconds, metavar="SECONDS", help="fail a cell that takes longer")
    verify.add_argument("--trust", action="store_true", help="load the recorded model to compare it: it can run code")
    verify.set_defaults(command=_verify)

    serve = commands.add_parser("serve", help="serve the model of a run")
    serve.add_argument("run", type=Path, metavar="RUN", help="run directory, such as reports/iris")
    serve.add_argument("--host", default="127.0.0.1", help="address to bind (default: %(default)s, this machine only)")
    serve.add_argument("--port", default="5000", help="port to bind, 0 for any that is free (default: %(default)s)")
    serve.add_argument("--workers", default="1", metavar="N", help="worker processes (default: %(default)s)")
    serve.add_argument(
        "--max-body", default=str(16 * 2**20), metavar="BYTES", help="largest request body (default: %(default)s)"
    )
    serve.add_argument(
        "--allow-host",
        action="append",
        default=[],
        metavar="NAME",
        help="accept this name in the Host header, too: that of a reverse proxy, or * for any; repeatable",
    )
    serve.add_argument(
        "--allow-origin",
        action="append",
        default=[],
        metavar="ORIGIN",
        help="let web pages of this origin ask (CORS), such as https://example.org, or * for any; repeatable",
    )
    serve.add_argument("--trust", action="store_true", help=TRUST)
    serve.set_defaults(command=_serve)

    predict = commands.add_parser("predict", help="predict the classes of a table's rows with the model of a run")
    predict.add_argument("run", type=Path, metavar="RUN", help="run directory, such as reports/iris")
    predict.add_argument(
        "table", type=Path, metavar="TABLE", help="text table or Parquet file with the model's features"
    )
    for name in ("separator", "decimal", "encoding"):
        predict.add_argument(
            f"--{name}", default="", metavar="TEXT", help=f"{name} of a text table (default: found out)"
        )
    predict.add_argument("-o", "--output", type=Path, metavar="FILE", help="write CSV there (default: standard output)")
    predict.add_argument("--trust", action="store_true", help=TRUST)
    predict.set_defaults(command=_predict)
    return parser


def _seconds(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r}: expected whole seconds, 1 or more")
    return int(text)


def _report(given: argparse.Namespace) -> int:
    from iris_lab.progress import shown_progress
    from iris_lab.workflow.report import Job, report
    from iris_lab.workflow.steps import STEPS
    from iris_lab.workflow.warm import warm_kernels

    # The notebooks are looked into while the warm parent imports its half of the stack.
    with shown_progress() as progress, warm_kernels() as kernels:
        from iris_lab.workflow.parameters import declared, parse

        job = Job(parse(given.parameter, declared(STEPS)), given.output, force=given.force)
        run = report(job, kernels=kernels, timeout=given.timeout, on_progress=_unless_stopped(progress))
    print(_summary(run))
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
    return "\n".join([*lines, f"serve     iris-lab serve {place}", f"verify    iris-lab verify {place}"])


def _sweep(given: argparse.Namespace) -> int:
    from iris_lab.workflow.report import Job
    from iris_lab.workflow.sweep import sweep

    table = sweep(
        given.parameter,
        Job(output=given.output, force=given.force),
        jobs=given.jobs or -1,
        timeout=given.timeout,
        on_run=lambda run: print(f"{run.run}: {run.error or 'done'}", file=sys.stderr, flush=True),
    )
    print(f"table     {table}")
    return 0


def _predict(given: argparse.Namespace) -> int:
    from iris_lab.data.tables import Reading
    from iris_lab.prediction.tables import predict_file

    reading = Reading(given.separator, given.decimal, given.encoding)
    pieces = predict_file(given.run, given.table, reading, trust=given.trust)
    if given.output is None:
        for piece in pieces:
            sys.stdout.write(piece)
        return 0
    partial = given.output.with_name(f".{given.output.name}.partial")
    try:
        with partial.open("w", encoding="utf-8", newline="") as file:
            file.writelines(pieces)
        partial.replace(given.output)
    except OSError as error:
        raise InputError(f"cannot write {str(given.output)!r}: {error.strerror}; name another file") from error
    finally:
        partial.unlink(missing_ok=True)
    return 0


def _verify(given: argparse.Namespace) -> int:
    from iris_lab.progress import shown_progress
    from iris_lab.workflow.verification import verify

    if given.quick and (given.exact or given.report):
        raise InputError("--quick executes nothing to compare: leave out --exact and --report, or --quick")
    if given.report:
        from iris_lab.workflow.differences import check_page, write_differences

        check_page(given.report, given.run)
    try:
        with shown_progress() as progress:
            found = verify(
                given.run,
                quick=given.quick,
                trust=given.trust,
                timeout=given.timeout,
                on_progress=_unless_stopped(progress),
            )
    except IrisLabError as error:
        if given.json:
            print(json.dumps({"run": str(given.run), "problem": str(error), "exit_code": error.exit_code}, indent=1))
        raise
    if given.report:
        write_differences(found, given.report)
    if given.json:
        print(json.dumps({**found.as_json(), "exit_code": found.exit_code(exact=given.exact)}, indent=1))
    else:
        from iris_lab.workflow.summary import summarize

        text = summarize(found, coloured=sys.stdout.isatty() and "NO_COLOR" not in os.environ)
        encoding = sys.stdout.encoding or "utf-8"
        # A terminal may lack our characters, or those of a run.
        print(text.encode(encoding, "replace").decode(encoding))
    return found.exit_code(exact=given.exact)


def _serve(given: argparse.Namespace) -> int:
    from iris_lab.serving.servers.signals import ending_signals

    _fill_standard_streams()
    for number in ending_signals():  # no cleanup is needed yet, and interrupting an import can crash the interpreter
        signal.signal(number, _leave)
    numbers = {name: _whole(name, getattr(given, name.replace("-", "_"))) for name in ("port", "workers", "max-body")}
    from iris_lab.serving.servers.granian import serve
    from iris_lab.serving.servers.options import Options

    warnings.formatwarning = lambda message, *_: f"iris-lab: {message}\n"  # one line, without a place in our source
    options = Options(given.trust, numbers["max-body"], given.allow_host, given.allow_origin)
    serve(given.run, host=given.host, port=numbers["port"], workers=numbers["workers"], options=options)
    return 0


def _fill_standard_streams() -> None:
    """Let those of the descriptors 0, 1 and 2 that are closed lead nowhere; else our lines could go into a socket."""
    while (descriptor := os.open(os.devnull, os.O_RDWR)) <= STDERR:
        pass
    os.close(descriptor)


def _whole(name: str, text: str) -> int:
    if not text.removeprefix("-").isdecimal() or len(text) > 20:
        raise InputError(f"{name}={text[:60]!a}: expected a whole number")
    return int(text)
