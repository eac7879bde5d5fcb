#!/usr/bin/env python3
"""Takes forty tables all the way with no flags at all, and prints what came of each as a Markdown table.

Each is a CSV file. The columns say: whether `iris-lab report -p data=…` made a report, and `iris-lab verify` found it
identical; whether `iris-lab serve` answered the rows of the file, sent as pandas reads them, as the pipeline does;
whether the demo page has a field for each feature; and the accuracy in cross-validation of `logistic` (the report's own
number) and `boosting`, beside skrub's `tabular_pipeline` on the same folds.

The tables, and skrub into an environment of its own, are downloaded from PyPI into a temporary folder. It takes an
hour on two cores; `--only iris,wine` takes a few of them, `--quick` compares digests in place of verifying.
"""

import argparse
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import urllib.request
import venv
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, fields
from pathlib import Path

os.environ |= {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}  # before NumPy: two pools only wait for each other

import numpy as np
import pandas as pd
from forty_tables import download, installer, write_tables

from iris_lab.data import load_dataset
from iris_lab.data.dataset import Dataset
from iris_lab.errors import IrisLabError
from iris_lab.modeling import Split, cross_validate, load_model, make_estimator, make_split
from iris_lab.modeling.estimators import folds_of

OURS = [sys.executable, "-m", "iris_lab"]
SKRUB = "skrub==0.11.0"
MOST_ROWS = 1000  # that the endpoint is asked about
NEAR = 0.01  # of accuracy


@dataclass
class Row:
    """What came of a table; the fields are the columns that are printed."""

    table: str
    size: str = ""
    classes: int = 0
    report: str = "no"
    verify: str = "no"
    endpoint: str = "no"
    page: str = "no"
    logistic: float = float("nan")
    boosting: float = float("nan")
    skrub: float = float("nan")

    @property
    def whole(self) -> bool:
        """Whether there is a report, an endpoint and a page."""
        return self.report == "yes" and self.endpoint.endswith("equal") and self.page.endswith("fields")

    @property
    def near(self) -> bool:
        """Whether the better of our two is no more than a hundredth below skrub."""
        return bool(np.nanmax([self.logistic, self.boosting, -1]) >= self.skrub - NEAR)

    def __str__(self) -> str:
        values = [getattr(self, field.name) for field in fields(self)]
        return "| " + " | ".join(f"{one:.3f}" if isinstance(one, float) else str(one) for one in values) + " |"


def run(*command: str, cwd: Path | None = None) -> tuple[int, str]:
    """Run a command of ours; return its exit code and the last line it said."""
    done = subprocess.run([*OURS, *command], capture_output=True, text=True, cwd=cwd)
    lines = (done.stderr.strip() if done.returncode else done.stdout.strip()).splitlines()
    return done.returncode, lines[-1] if lines else ""


@contextmanager
def serving(folder: Path) -> Iterator[str]:
    """Serve a run; yield the URL."""
    process = subprocess.Popen(
        [*OURS, "serve", str(folder), "--port", "0"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    try:
        found = re.search(r"at (http://\S+) ", process.stdout.readline())
        if not found:
            raise IrisLabError("the endpoint did not start")
        yield found[1].rstrip("/")
    finally:
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=60)


def answer(url: str, body: object = None) -> tuple[int, str]:
    """Ask an endpoint; return status and text."""
    data = None if body is None else json.dumps(body).encode()
    headers = {"Accept": "text/html"} if body is None else {"Content-Type": "application/json"}
    try:
        with urllib.request.urlopen(urllib.request.Request(url, data, headers), timeout=120) as reply:
            return reply.status, reply.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def ask(row: Row, path: Path, folder: Path, dataset: Dataset) -> None:
    """Compare what the endpoint answers for the file's rows with the pipeline, and look at the demo page."""
    model = load_model(folder)
    expected = model.estimator.predict(dataset.features[list(model.features)].head(MOST_ROWS)).tolist()
    sent = pd.read_csv(path, nrows=MOST_ROWS)[list(model.features)]
    sent = sent.astype(object).where(sent.notna(), None)
    with serving(folder) as url:
        status, text = answer(f"{url}/predict", {"data": sent.to_dict("records")})
        given = json.loads(text).get("result") if status == 200 else text[:200]
        row.endpoint = (
            f"{len(expected)} equal" if given == expected else f"{status}: {given if status != 200 else 'other'}"
        )
        status, text = answer(f"{url}/")
    controls = len(re.findall(r'<label for="number-\d+"', text))
    row.page = f"{controls} fields" if status == 200 and controls == len(model.features) else f"{status}: {controls}"


def skrub_accuracy(python: Path, path: Path, split: Split, folder: Path) -> float:
    """Return the mean accuracy of skrub on our folds."""
    folds = [[split.train[part].tolist() for part in fold] for fold in folds_of(split, 5, 0)]
    (folder / "folds.json").write_text(json.dumps(folds))
    command = [str(python), str(Path(__file__).with_name("skrub_scores.py")), str(path), str(folder / "folds.json")]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        raise IrisLabError(f"skrub: {done.stderr.strip().splitlines()[-1]}")
    return float(np.mean(json.loads(done.stdout.splitlines()[-1])))


def measure(path: Path, folder: Path, python: Path | None, *, quick: bool) -> Row:
    """Take a table all the way."""
    row, run_folder = Row(path.stem), folder / path.stem
    code, said = run("report", "-p", f"data={path}", "-o", str(run_folder), "--force")
    row.report = "no" if code else "yes"
    if code:
        print(f"{path.stem}: {said}", file=sys.stderr)
        return row
    code, said = run("verify", *(["--quick"] if quick else []), str(run_folder))
    right = "intact" if quick else "identical"
    row.verify = right if not code and f"verdict {right}:" in " ".join(said.split()) else said
    dataset = load_dataset(path)
    row.size, row.classes = " × ".join(map(str, dataset.features.shape)), len(dataset.classes)
    ask(row, path, run_folder, dataset)
    split = make_split(dataset)
    row.logistic = json.loads((run_folder / "metrics.json").read_text())["train.accuracy_mean"]
    row.boosting = float(cross_validate(make_estimator("boosting", 0, dataset.schema), split).mean())
    row.skrub = skrub_accuracy(python, path, split, folder) if python else float("nan")
    return row


def make_rival(folder: Path) -> Path:
    """Return the interpreter of an environment that has skrub, and nothing of ours."""
    python = folder / "bin" / "python"
    if python.exists():
        return python
    venv.create(folder, with_pip=installer()[0] == sys.executable)
    if (done := subprocess.run([*installer(python), SKRUB], capture_output=True, text=True)).returncode:
        raise SystemExit(done.stderr)
    return python


def main() -> None:
    """Print a row for each table, and how many came through."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", default="", help="names of tables, with commas between them")
    parser.add_argument("--larger", action="store_true", help="eleven larger tables, too")
    parser.add_argument("--quick", action="store_true", help="compare digests only")
    parser.add_argument("--keep", type=Path, help="folder for downloads and runs, which stay there")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = (given.keep or Path(name)).resolve()
        python = make_rival(folder / "skrub")
        (folder / "tables").mkdir(exist_ok=True)
        paths = write_tables(download(folder / "packages"), folder / "tables", larger=given.larger)
        wanted = given.only.split(",") if given.only else [path.stem for path in paths]
        print("| " + " | ".join(field.name for field in fields(Row)) + " |\n" + "|---" * len(fields(Row)) + "|")
        rows = []
        for path in [path for path in paths if path.stem in wanted]:
            try:
                rows.append(measure(path, folder, python, quick=given.quick))
            except (IrisLabError, OSError) as error:
                print(f"{path.stem}: {error}", file=sys.stderr)
                rows.append(Row(path.stem))
            print(rows[-1], flush=True)
    print(f"\n{sum(row.whole for row in rows)} of {len(rows)} give a report, an endpoint and a demo page; the accuracy "
          f"of logistic or boosting is at least skrub's less {NEAR} on {sum(row.near for row in rows)}.")  # fmt: skip


if __name__ == "__main__":
    main()
