"""The OpenAPI 3.1 document: operations from the routes, request schemas from the declarations that check requests."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from iris_lab.serving.http.problems import KINDS, MAX_PROBLEMS, PROBLEM_TYPE
from iris_lab.serving.predictions.openapi import codes_schema, names_schema
from iris_lab.serving.routes import Json, Route, paths, request_id

if TYPE_CHECKING:
    from iris_lab.modeling import Model

_TEXT, _NUMBER, _COUNT = {"type": "string"}, {"type": "number"}, {"type": "integer", "minimum": 0}


def openapi_document(model: "Model", routes: Sequence[Route], schemas: Json) -> Json:
    """Return the OpenAPI document of the endpoint that serves a model.

    Parameters
    ----------
    model
        The model that is served.
    routes
        All routes of the endpoint.
    schemas
        The JSON Schemas that their operations refer to, by name.
    """
    data = model.info["dataset"]["name"]
    return {
        "openapi": "3.1.0",
        "info": {
            "title": f"{model.info['target']} predictor",
            "summary": f"The model {model.name}, trained on {data}",
            "description": "Every response has an X-Request-ID: that of the request, or a new one.",
            "version": str(model.info["sha256"])[:12],
        },
        "paths": paths(routes, model.name),
        "components": {
            "schemas": schemas,
            "responses": {"Problem": _problem_response()},
            "headers": {"X-Request-ID": {"description": "Names the request in the endpoint's log.", "schema": _TEXT}},
        },
    }


def page_schemas(model: "Model") -> Json:
    """Return the JSON Schemas of the pages' answers and of problem documents, by name."""
    feature = {"name": _TEXT, "unit": _TEXT, "min": _NUMBER, "max": _NUMBER, "median": _NUMBER}
    score = _object({"value": _NUMBER, "low": _NUMBER, "high": _NUMBER, "confidence": _NUMBER}, required=["value"])
    about = {
        "name": _TEXT,
        "target": _TEXT,
        "classes": names_schema(model),
        "features": {"type": "array", "items": _object(feature)},
        "metrics": {"type": "object", "additionalProperties": score, "description": "On samples held out of training."},
        "sha256": {"type": "string", "description": "Digest of model.joblib."},
        "versions": {"type": "object", "additionalProperties": _TEXT},
        "dataset": {"type": "object"},
    }
    rows = {"type": "array", "items": {"type": "array", "items": _NUMBER}}
    return {
        "Model": _object(about),
        "DrawnSamples": _object({"rows": rows, "classes": codes_schema(model)}),
        "Health": _object({"status": {"enum": ["live", "ready"]}}),
        "Problem": _problem(),
    }


def _problem() -> Json:
    one = {"detail": _TEXT, "row": _COUNT, "feature": _TEXT, "given": _TEXT, "expected": _TEXT}
    several = {"type": "array", "items": _object(one, required=["detail"]), "maxItems": MAX_PROBLEMS}
    problem = {
        "type": {"type": "string", "format": "uri-reference", "enum": [f"/docs#{kind}" for kind in KINDS]},
        "title": _TEXT,
        "status": {"type": "integer", "enum": sorted({status for status, _ in KINDS.values()})},
        "detail": {"type": "string", "description": "What was received, and what was expected."},
        "request_id": _TEXT,
        "error": {"type": "string", "description": "The detail again, for clients of the Open Inference Protocol."},
        "problems": several | {"description": f"All problems of the data, up to {MAX_PROBLEMS}."},
    }
    return _object(problem, required=[name for name in problem if name != "problems"])


def _problem_response() -> Json:
    schema = {"$ref": "#/components/schemas/Problem"}
    return {
        "description": "The request was refused; the problem document (RFC 9457) says why",
        "headers": request_id(),
        "content": {PROBLEM_TYPE: {"schema": schema}},
    }


def _object(properties: Json, *, required: list[str] | None = None) -> Json:
    return {"type": "object", "properties": properties, "required": required or list(properties)}
