"""``iris-lab compare`` says which runs can be told apart by their scores, and which cannot."""

import argparse
import sys
from pathlib import Path


def add_parser(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Declare the command."""
    parser = commands.add_parser(
        "compare",
        help="which runs can be told apart by their scores",
        description="Compare runs in pairs on equal test sets: over several seeds by the corrected resampled t-test of "
        "their paired differences, on a single test set sample by sample. Runs with different test sets are told "
        "apart, not compared.",
    )
    parser.add_argument("runs", type=Path, nargs="+", metavar="RUN", help="run directory, or the folder of a sweep")
    parser.add_argument(
        "--score", default="accuracy", metavar="NAME", help="such as roc_auc or log_loss (default: accuracy)"
    )
    parser.add_argument(
        "-o",
        "--output",
        type=Path,
        action="append",
        default=[],
        metavar="FILE",
        help="write an HTML page (.html), or its figure (.svg, .png); may be repeated",
    )
    parser.set_defaults(command=compare)


def compare(given: argparse.Namespace) -> int:
    """Compare runs, and print what was found."""
    from iris_lab.workflow.compare import compare_runs
    from iris_lab.workflow.compare_files import check_output, write_output
    from iris_lab.workflow.compare_text import summarize

    for output in given.output:
        check_output(output)
    found = compare_runs(given.runs, score=given.score)
    for output in given.output:
        write_output(found, output)
    encoding = sys.stdout.encoding or "utf-8"
    print(summarize(found).encode(encoding, "replace").decode(encoding))
    return 0
