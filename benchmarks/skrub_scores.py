"""Scores skrub's `tabular_pipeline` on given folds; for an environment that has skrub, and nothing of ours.

Usage: skrub_scores.py TABLE.csv FOLDS.json, where the folds are a list of [training rows, test rows].
"""

import json
import sys
from pathlib import Path

import pandas as pd
from skrub import tabular_pipeline

table = pd.read_csv(sys.argv[1])
target = table.pop(table.columns[-1]).astype(str)
scores = []
for train, test in json.loads(Path(sys.argv[2]).read_text()):
    model = tabular_pipeline("classification").fit(table.iloc[train], target.iloc[train])
    scores.append(float((model.predict(table.iloc[test]) == target.iloc[test]).mean()))
print(json.dumps(scores))
