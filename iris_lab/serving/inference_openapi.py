"""The routes of the Open Inference Protocol in OpenAPI 3.1, from the declarations in `protocol`."""

from collections.abc import Sequence
from typing import Any
from urllib.parse import quote

import msgspec

from iris_lab.modeling import Model
from iris_lab.serving.protocol import (
    FEATURES,
    HEADER_LENGTH,
    OUTPUTS,
    InferenceRequest,
    InferenceResponse,
    ModelMetadata,
    ModelReady,
    ServerLive,
    ServerMetadata,
    ServerReady,
    model_paths,
)
from iris_lab.serving.schema import LARGEST


def components(model: Model) -> dict[str, Any]:
    """Return the JSON Schemas of the messages, by name, for OpenAPI.

    A schema cannot say that a tensor has as many elements as its shape and datatype ask for. So that whatever agrees
    with ours is answered, it describes the requests for one sample; the protocol's specification describes the others.
    """
    kinds = [InferenceRequest, InferenceResponse, ServerMetadata, ServerLive, ServerReady, ModelMetadata, ModelReady]
    _, schemas = msgspec.json.schema_components(kinds, ref_template="#/components/schemas/{name}")
    count = len(model.features)
    number = {"type": "number", "minimum": -LARGEST, "maximum": LARGEST}
    one = schemas["RequestInput"]
    one["properties"] = {
        "name": {"const": FEATURES},
        "shape": {"const": [1, count]},
        "datatype": {"const": "FP64"},
        "data": {"type": "array", "items": number, "minItems": count, "maxItems": count},
    }
    one["required"] = list(one["properties"])
    schemas["InferenceRequest"]["properties"]["inputs"]["maxItems"] = 1
    schemas["InferenceRequest"]["properties"]["outputs"]["allOf"] = [
        {
            "contains": {"properties": {"name": {"const": name}}, "required": ["name"]},
            "minContains": 0,
            "maxContains": 1,
        }
        for name in OUTPUTS
    ]
    for name in ("InferenceRequest", "RequestOutput"):
        del schemas[name]["properties"]["parameters"]
    return schemas


def paths(model: Model) -> dict[str, Any]:
    """Return the routes for OpenAPI; they need what `openapi_document` shares, and the schemas in `components`."""
    found = {
        "/v2": _get("Server metadata", ServerMetadata),
        "/v2/health/live": _get("Whether the server answers", ServerLive),
        "/v2/health/ready": _get("Whether the model can be asked", ServerReady),
    }
    for path in model_paths(quote(model.name, safe="")):
        found[path] = _get("Model metadata", ModelMetadata)
        found[f"{path}/ready"] = _get("Whether the model can be asked", ModelReady)
        found[f"{path}/infer"] = _infer(model)
    return found


def _get(summary: str, answer: type) -> dict[str, Any]:
    return {"get": {"summary": summary, "tags": ["Open Inference Protocol"], "responses": _responses(answer, (421,))}}


def _infer(model: Model) -> dict[str, Any]:
    rows = [feature["median"] for feature in model.info["features"]]
    tensor = {"name": FEATURES, "shape": [1, len(rows)], "datatype": "FP64", "data": rows}
    operation = {
        "summary": "Predictions",
        "description": (
            f"The schema is that of a request for one sample. For several, send one input {FEATURES!r} of shape "
            f"[samples, {len(rows)}], features in the order of /model; or one input for each feature, by its name, in "
            "any order, of shape [samples] or [samples, 1]. Datatypes are those of the protocol's numbers. Binary "
            f"tensors follow the JSON, whose length the header {HEADER_LENGTH} then gives."
        ),
        "tags": ["Open Inference Protocol"],
        "requestBody": {
            "required": True,
            "content": _json(InferenceRequest, {"inputs": [tensor], "outputs": [{"name": OUTPUTS[0]}]}),
        },
        "responses": _responses(InferenceResponse, (400, 408, 413, 415, 421, 422)),
    }
    good: dict[str, Any] = operation["responses"]["200"]  # type: ignore[index]  # of dictionaries
    good["content"]["application/octet-stream"] = {}
    good["headers"][HEADER_LENGTH] = {
        "description": "Before binary tensors, of the JSON.",
        "schema": {"type": "integer"},
    }
    return {"post": operation}


def _responses(answer: type, problems: Sequence[int]) -> dict[str, Any]:
    problem = {str(status): {"$ref": "#/components/responses/Problem"} for status in problems}
    headers = {"X-Request-ID": {"$ref": "#/components/headers/X-Request-ID"}}
    return {"200": {"description": answer.__doc__, "headers": headers, "content": _json(answer)}, **problem}


def _json(kind: type, example: Any = None) -> dict[str, Any]:
    content: dict[str, Any] = {"schema": {"$ref": f"#/components/schemas/{kind.__name__}"}}
    return {"application/json": content | ({"example": example} if example else {})}
