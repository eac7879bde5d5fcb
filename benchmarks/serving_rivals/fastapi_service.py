"""(c) A typical service with FastAPI: pydantic models, the model loaded once, uvicorn with one worker."""

import sys

import joblib
import pandas as pd
import uvicorn
from fastapi import FastAPI
from pydantic import BaseModel, Field

app = FastAPI()
model = joblib.load("model.joblib")


class Sample(BaseModel):
    """One flower."""

    sepal_length: float = Field(alias="sepal length (cm)")
    sepal_width: float = Field(alias="sepal width (cm)")
    petal_length: float = Field(alias="petal length (cm)")
    petal_width: float = Field(alias="petal width (cm)")


class PredictionRequest(BaseModel):
    """Several flowers."""

    data: list[Sample]
    columns: list[str] | None = None


class PredictionResponse(BaseModel):
    """Their species, as codes."""

    result: list[int]


@app.post("/predict_species")
def predict_species(request: PredictionRequest) -> PredictionResponse:
    """Predict the species of each flower."""
    df = pd.DataFrame([sample.model_dump(by_alias=True) for sample in request.data])
    return PredictionResponse(result=model.predict(df).tolist())


if __name__ == "__main__":
    uvicorn.run(app, port=int(sys.argv[1]), log_level="info")
