"""Prints the classes that a model predicts for bodies of requests: ``python classes.py MODEL BODY…``."""

import json
import sys

import joblib
import pandas as pd

model = joblib.load(sys.argv[1])
for path in sys.argv[2:]:
    with open(path) as body:
        print(json.dumps(model.predict(pd.DataFrame(json.load(body)["data"])).tolist()))
