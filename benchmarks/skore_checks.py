#!/usr/bin/env python3
"""Prints, as JSON, what skore's checks say of models of tables: ``skore_checks.py FOLDER``, in skore's environment.

Each table is a CSV whose last column is the target. The model is the forest of skrub's `tabular_pipeline`; the report
is skore's own of a held-out quarter.
"""

import json
import sys
import warnings
from pathlib import Path

import pandas as pd
from sklearn.ensemble import RandomForestClassifier
from skore import evaluate
from skrub import tabular_pipeline


def codes_of(path: Path) -> dict[str, str]:
    """Return the codes of the checks that have something to say, each with its section: issue or tip."""
    table = pd.read_csv(path)
    model = tabular_pipeline(RandomForestClassifier(random_state=0))
    checks = evaluate(model, table.iloc[:, :-1], table.iloc[:, -1], splitter=0.25).checks.summarize().frame()
    said = checks[checks["section"].isin(["issue", "tip"])]
    return dict(zip(said["code"], said["section"], strict=True))


def main() -> None:
    """Print the codes of every table in the folder, by its name; an empty list where skore refuses it."""
    warnings.simplefilter("ignore")
    found = {}
    for path in sorted(Path(sys.argv[1]).glob("*.csv")):
        try:
            found[path.stem] = codes_of(path)
        except Exception as error:
            found[path.stem] = {"refused": f"{type(error).__name__}: {str(error)[:100]}"}
    print(json.dumps(found))


if __name__ == "__main__":
    main()
