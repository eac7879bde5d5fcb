"""The endpoint's description in OpenAPI 3.1, its request part from the declaration that checks the requests."""

import json
from typing import TYPE_CHECKING

from iris_lab.serving.http.problems import KINDS, MAX_PROBLEMS, PROBLEM_TYPE
from iris_lab.serving.oip.openapi import components, paths
from iris_lab.serving.predictions.schema import RequestSchema
from iris_lab.serving.routes import PREDICT
from iris_lab.serving.site.operations import BODY_STATUSES, Json, as_json, operation, request_id

if TYPE_CHECKING:
    from iris_lab.modeling import Model

_TEXT, _NUMBER, _COUNT = {"type": "string"}, {"type": "number"}, {"type": "integer", "minimum": 0}


def openapi_document(model: "Model", schema: RequestSchema) -> Json:
    """Return the OpenAPI document of the endpoint that serves a model.

    Parameters
    ----------
    model
        The model that is served.
    schema
        What its requests are checked against.
    """
    data = model.info["dataset"]["name"]
    return {
        "openapi": "3.1.0",
        "info": {
            "title": f"{model.info['target']} predictor",
            "summary": f"The model {model.name}, trained on {data}",
            "description": "Every answer has an X-Request-ID: that of the request, or a new one.",
            "version": str(model.info["sha256"])[:12],
        },
        "paths": {**_prediction(model), **_pages(), **paths(model)},
        "components": {
            "schemas": {**schema.components(), **_answers(model), **_problems(), **components(model)},
            "responses": {"Problem": _problem_response()},
            "headers": {"X-Request-ID": {"description": "The request, in the endpoint's log.", "schema": _TEXT}},
        },
    }


def example_request(model: "Model") -> Json:
    """Return a request: the sample in the middle of the training data."""
    # Twelve figures: the mean of two values has noise in its last bits.
    return {"data": [{feature["name"]: float(f"{feature['median']:.12g}") for feature in model.info["features"]}]}


def _prediction(model: "Model") -> Json:
    content = as_json("PredictionRequest")
    content["application/json"]["example"] = example_request(model)
    post = operation(
        "Predict the class of samples",
        as_json("PredictionAnswer"),
        BODY_STATUSES,
        operationId="predict",
        description="Features are matched by name, in any order. The answers are those of the evaluated model, in "
        "the order of the samples.",
        requestBody={"required": True, "content": content},
    )
    return {PREDICT: {"post": post}}


def _pages() -> Json:
    text, page = {"text/plain": {"schema": _TEXT}}, {"text/html": {"schema": _TEXT}}
    gets: dict[str, tuple[str, str, Json]] = {
        "/": ("index", "A line of text, or for a browser the demo page", text | page),
        "/docs": ("docs", "This description as a page", page),
        "/openapi.json": ("openapi", "This description", {"application/json": {"schema": {"type": "object"}}}),
        "/model": ("model", "What the model is, what it was trained on, and how good it is", as_json("Model")),
        "/model/samples": ("samples", "Training samples, evenly spaced, enough to draw", as_json("DrawnSamples")),
        "/health/live": ("live", "The process answers", as_json("Health")),
        "/health/ready": ("ready", "The model is loaded and checked", as_json("Health")),
        "/metrics": ("metrics", "Requests, latency and predictions by class, for Prometheus", text),
    }
    return {
        path: {"get": operation(summary, answers, operationId=name)} for path, (name, summary, answers) in gets.items()
    }


def _answers(model: "Model") -> Json:
    codes = {"type": "array", "items": {"type": "integer", "minimum": 0, "maximum": len(model.classes) - 1}}
    names = {"type": "array", "items": {"type": "string", "enum": list(model.classes)}}
    share = {"type": "number", "minimum": 0, "maximum": 1}
    by_class = {"type": "array", "items": share, "minItems": len(model.classes), "maxItems": len(model.classes)}
    feature = {"name": _TEXT, "unit": _TEXT, "min": _NUMBER, "max": _NUMBER, "median": _NUMBER}
    score = _object({"value": _NUMBER, "low": _NUMBER, "high": _NUMBER, "confidence": _NUMBER}, required=["value"])
    about = {
        "name": _TEXT,
        "target": _TEXT,
        "classes": names,
        "features": {"type": "array", "items": _object(feature)},
        "metrics": {"type": "object", "additionalProperties": score, "description": "On samples held out of training."},
        "sha256": {"type": "string", "description": "Digest of model.joblib."},
        "versions": {"type": "object", "additionalProperties": _TEXT},
        "dataset": {"type": "object"},
    }
    answer = {
        "result": codes | {"description": "Indices into the class names, one a sample."},
        "classes": names | {"description": "Class names, where probabilities were asked for."},
        "probabilities": {"type": "array", "items": by_class, "description": "One list a sample, in class order."},
    }
    samples = {"rows": {"type": "array", "items": {"type": "array", "items": _NUMBER}}, "classes": codes}
    return {
        "PredictionAnswer": _object(answer, required=["result"]),
        "Model": _object(about),
        "DrawnSamples": _object(samples),
        "Health": _object({"status": {"enum": ["live", "ready"]}}),
    }


def _problems() -> Json:
    one = {"detail": _TEXT, "row": _COUNT, "feature": _TEXT, "given": _TEXT, "expected": _TEXT}
    several = {"type": "array", "items": _object(one, required=["detail"]), "maxItems": MAX_PROBLEMS}
    problem = {
        "type": {"type": "string", "format": "uri-reference", "enum": [f"/docs#{kind}" for kind in KINDS]},
        "title": _TEXT,
        "status": {"type": "integer", "enum": sorted({status for status, _ in KINDS.values()})},
        "detail": {"type": "string", "description": "What was given, and what was expected."},
        "request_id": _TEXT,
        "error": {"type": "string", "description": "The detail, under the name that inference clients look for."},
        "problems": several | {"description": f"All that is wrong with the data, up to {MAX_PROBLEMS}."},
    }
    return {"Problem": _object(problem, required=[name for name in problem if name != "problems"])}


def _problem_response() -> Json:
    schema = {"$ref": "#/components/schemas/Problem"}
    return {
        "description": "The request was refused; the problem document (RFC 9457) says why",
        "headers": request_id(),
        "content": {PROBLEM_TYPE: {"schema": schema}},
    }


def _object(properties: Json, *, required: list[str] | None = None) -> Json:
    return {"type": "object", "properties": properties, "required": required or list(properties)}


def example_text(model: "Model") -> str:
    """Return the example as JSON text."""
    return json.dumps(example_request(model))
