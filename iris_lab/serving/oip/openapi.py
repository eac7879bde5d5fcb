"""OpenAPI 3.1 operations and schemas of the Open Inference Protocol, from the declarations in `protocol`."""

from typing import TYPE_CHECKING

import msgspec

from iris_lab.data.schema import LARGEST
from iris_lab.serving.oip.protocol import (
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
)
from iris_lab.serving.routes import BODY_STATUSES, Json, as_json, operation

if TYPE_CHECKING:
    from iris_lab.modeling import Model

TAGS = ["Open Inference Protocol"]


def components(model: "Model") -> Json:
    """Return the JSON Schemas of the messages, by name.

    A JSON Schema cannot relate the number of elements of a tensor to its shape and datatype. The schema of a request
    therefore covers requests for one sample only, so that every request that matches it is valid.
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


def get_operation(summary: str, answer: str) -> Json:
    """Return the operation of a route that answers with the message of that name."""
    return operation(summary, as_json(answer), tags=TAGS)


def infer_operation(model: "Model") -> Json:
    """Return the operation of the inference routes."""
    rows = [feature["median"] for feature in model.info["features"]]
    tensor = {"name": FEATURES, "shape": [1, len(rows)], "datatype": "FP64", "data": rows}
    content = as_json(InferenceRequest.__name__)
    content["application/json"]["example"] = {"inputs": [tensor], "outputs": [{"name": OUTPUTS[0]}]}
    post = operation(
        "Predictions",
        as_json(InferenceResponse.__name__) | {"application/octet-stream": {}},
        BODY_STATUSES,
        tags=TAGS,
        description=f"The schema is that of a request for one sample. For several, send one input {FEATURES!r} of "
        f"shape [samples, {len(rows)}], features in the order of /model; or one input for each feature, by its name, "
        "in any order, of shape [samples] or [samples, 1]. Datatypes are those of the protocol's numbers. Binary "
        f"tensors follow the JSON, whose length the header {HEADER_LENGTH} then gives.",
        requestBody={"required": True, "content": content},
    )
    length = {"description": "Before binary tensors, of the JSON.", "schema": {"type": "integer"}}
    post["responses"]["200"]["headers"][HEADER_LENGTH] = length
    return post
