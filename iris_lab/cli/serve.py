"""``iris-lab serve`` serves the model of a run."""

import argparse
import signal
import warnings

from iris_lab.cli.options import TRUST, add_run
from iris_lab.errors import InputError
from iris_lab.garbage import uncollected


def add_parser(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Declare the command."""
    parser = commands.add_parser("serve", help="serve the model of a run")
    add_run(parser)
    parser.add_argument("--host", default="127.0.0.1", help="address to bind (default: %(default)s, this machine only)")
    parser.add_argument("--port", default="5000", help="port to bind, 0 for any that is free (default: %(default)s)")
    parser.add_argument("--workers", default="1", metavar="N", help="worker processes (default: %(default)s)")
    parser.add_argument(
        "--max-body", default=str(16 * 2**20), metavar="BYTES", help="largest request body (default: %(default)s)"
    )
    parser.add_argument(
        "--allow-host",
        action="append",
        default=[],
        metavar="NAME",
        help="also accept this name in the Host header, such as that of a reverse proxy; * for any; repeatable",
    )
    parser.add_argument(
        "--allow-origin",
        action="append",
        default=[],
        metavar="ORIGIN",
        help="allow requests from web pages of this origin (CORS), such as https://example.org; * for any; repeatable",
    )
    parser.add_argument(
        "--share-samples",
        action="store_true",
        help="serve up to 300 training rows of your own table for the plot of the demo page (bundled data: always)",
    )
    parser.add_argument("--trust", action="store_true", help=TRUST)
    parser.set_defaults(command=serve)


def serve(given: argparse.Namespace) -> int:
    """Serve the model until a signal ends the server."""
    from iris_lab.serving.servers.signals import ending_signals

    for number in ending_signals():  # no cleanup is needed yet, and interrupting an import can crash the interpreter
        signal.signal(number, given.stopping.leave)
    numbers = {name: _whole(name, getattr(given, name.replace("-", "_"))) for name in ("port", "workers", "max-body")}
    with uncollected():
        from iris_lab.serving.servers import granian
        from iris_lab.serving.servers.options import Options

    warnings.formatwarning = lambda message, *_: f"iris-lab: {message}\n"  # one line, without file and line number
    options = Options(given.trust, numbers["max-body"], given.allow_host, given.allow_origin, given.share_samples)
    granian.serve(given.run, host=given.host, port=numbers["port"], workers=numbers["workers"], options=options)
    return 0


def _whole(name: str, text: str) -> int:
    if not text.removeprefix("-").isdecimal() or len(text) > 20:
        raise InputError(f"{name}={text[:60]!a}: expected a whole number")
    return int(text)
