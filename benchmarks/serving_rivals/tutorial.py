"""(b) A tutorial's code as it stands, under Flask's development server."""

import sys

import joblib
import pandas as pd
from flask import Flask, jsonify, request

app = Flask(__name__)


@app.route("/")
def index():
    return "Iris species predictor API !"


@app.route("/predict_species", methods=["POST"])
def predict_species():
    model = joblib.load("model.joblib")
    data = request.get_json()
    df = pd.DataFrame(data["data"])
    prediction = model.predict(df)
    return jsonify({"result": prediction.tolist()})


if __name__ == "__main__":
    app.run(port=int(sys.argv[1]))
