"""The command line: a module for each command, and the one place that turns errors into a line and an exit code."""

import argparse
import atexit
import signal
import sys
import warnings
from collections.abc import Sequence

from iris_lab import __version__
from iris_lab.cli.compare import add_parser as add_compare
from iris_lab.cli.predict import add_parser as add_predict
from iris_lab.cli.report import add_parser as add_report
from iris_lab.cli.serve import add_parser as add_serve
from iris_lab.cli.stopping import Stopping
from iris_lab.cli.streams import patient_streams
from iris_lab.cli.sweep import add_parser as add_sweep
from iris_lab.cli.verify import add_parser as add_verify
from iris_lab.errors import IrisLabError

COMMANDS = (add_report, add_sweep, add_compare, add_verify, add_serve, add_predict)
stopping = Stopping()
_stop, _unless_stopped = stopping.stop, stopping.checked  # for scripts that run a report as the command line does


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command and return its exit code.

    0: done; 1: a step failed, or a verified run is different; 2: an input cannot be used; 128 + N: stopped by signal N,
    as a shell reports it.
    """
    with patient_streams():
        given = _parser().parse_args(arguments)
        if "command" not in given:
            _parser().print_help()
            return 0
        code = _run(given)
        atexit.register(_ignore_signals)
        return code


def _ignore_signals() -> None:
    """Let a command that is done end with its own exit code: Python takes our handlers away before it has ended."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)


def _parser() -> argparse.ArgumentParser:
    """Return the parser of all commands."""
    whole = argparse.ArgumentParser(prog="iris-lab", description="A lab report that proves itself.")
    whole.add_argument("--version", action="version", version=f"iris-lab {__version__}")
    commands = whole.add_subparsers(title="commands", metavar="COMMAND")
    for add_parser in COMMANDS:
        add_parser(commands)
    return whole


def _run(given: argparse.Namespace) -> int:
    stopping.clear()
    given.stopping = stopping
    try:
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, _stop)
        # A stopped run leaves such coroutines in jupyter_client's event loop; a user can't do anything about them.
        warnings.filterwarnings("ignore", "coroutine .* was never awaited", RuntimeWarning)
        code: int = given.command(given)
    except IrisLabError as error:
        print(f"iris-lab: {error}", file=sys.stderr)
        return error.exit_code
    except (KeyboardInterrupt, Exception):
        if not stopping.number:  # an interrupted import can raise anything
            raise
    if stopping.number:
        print(stopping.line, file=sys.stderr)
        return stopping.exit_code
    return code
