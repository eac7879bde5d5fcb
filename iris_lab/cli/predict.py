"""``iris-lab predict`` predicts the class of each row of a table."""

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path

from iris_lab.cli.options import TRUST, add_run
from iris_lab.cli.streams import PatientStream
from iris_lab.errors import InputError
from iris_lab.garbage import uncollected


def add_parser(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Declare the command."""
    parser = commands.add_parser("predict", help="predict the classes of a table's rows with the model of a run")
    add_run(parser)
    parser.add_argument(
        "table", type=Path, metavar="TABLE", help="text table, Parquet, Feather or .xlsx file with the model's features"
    )
    texts = {"separator": "column separator", "decimal": "decimal separator", "encoding": "encoding"}
    for name, what in texts.items():
        parser.add_argument(f"--{name}", default="", metavar="TEXT", help=f"{what} of a text table (default: detected)")
    parser.add_argument("--sheet", default="", metavar="NAME", help="sheet of a spreadsheet (default: the first)")
    parser.add_argument("-o", "--output", type=Path, metavar="FILE", help="write CSV there (default: standard output)")
    parser.add_argument("--trust", action="store_true", help=TRUST)
    parser.set_defaults(command=predict)


def predict(given: argparse.Namespace) -> int:
    """Predict the classes, and write the table with them."""
    with uncollected():
        from iris_lab.data.tables import Reading
        from iris_lab.prediction.tables import predict_file

    reading = Reading(given.separator, given.decimal, given.encoding, given.sheet)
    pieces = predict_file(given.run, given.table, reading, trust=given.trust)
    if given.output is None:
        _print(pieces)
    else:
        _write(given.output, pieces)
    return 0


def _print(pieces: Iterator[str]) -> None:
    """Print until the end, or until the reader closes the pipe."""
    for piece in pieces:
        sys.stdout.write(piece)
        sys.stdout.flush()
        if isinstance(sys.stdout, PatientStream) and sys.stdout.failure:
            if not sys.stdout.is_closed_pipe:
                raise InputError(f"cannot write standard output: {sys.stdout.failure.strerror}; name a file with -o")
            return


def _write(output: Path, pieces: Iterator[str]) -> None:
    """Write the whole file, or none."""
    partial = output.with_name(f".{output.name}.partial")
    try:
        with partial.open("w", encoding="utf-8", newline="") as file:
            file.writelines(pieces)
        partial.replace(output)
    except OSError as error:
        raise InputError(f"cannot write {str(output)!r}: {error.strerror}; name another file") from error
    finally:
        partial.unlink(missing_ok=True)
