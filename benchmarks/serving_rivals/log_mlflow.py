"""(d) Saves the tutorial's model the way MLflow serves it: ``mlflow models serve -m mlflow_model``."""

import joblib
import mlflow.sklearn
from mlflow.models import infer_signature
from sklearn.datasets import load_iris

model = joblib.load("model.joblib")
features = load_iris(as_frame=True).data
signature = infer_signature(features, model.predict(features))
mlflow.sklearn.save_model(model, "mlflow_model", signature=signature, input_example=features.head(2))
