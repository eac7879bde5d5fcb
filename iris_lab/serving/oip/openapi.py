"""OpenAPI 3.1 operations and schemas of the Open Inference Protocol, from the declarations in `protocol`."""

from typing import TYPE_CHECKING

import msgspec

from iris_lab.data.schema import LARGEST, Feature
from iris_lab.serving.oip.protocol import (
    BOOL,
    BYTES,
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
    Tensor,
    inputs_of,
)
from iris_lab.serving.predictions.contract import example_value
from iris_lab.serving.routes import BODY_STATUSES, Json, as_json, operation

if TYPE_CHECKING:
    from iris_lab.modeling import Model

TAGS = ["Open Inference Protocol"]


def components(model: "Model") -> Json:
    """Return the JSON Schemas of the messages, by name.

    A JSON Schema cannot relate the number of elements of a tensor to its shape and datatype. The schema of a request
    therefore covers requests for one sample only, so that every request that matches it is valid.
    """
    messages = [InferenceRequest, InferenceResponse, ServerMetadata, ServerLive, ServerReady, ModelMetadata, ModelReady]
    _, schemas = msgspec.json.schema_components(messages, ref_template="#/components/schemas/{name}")
    inputs = inputs_of(model.schema)
    schemas["RequestInput"] = {"anyOf": [_one_sample(tensor, model) for tensor in inputs]}
    count = {"minItems": len(inputs), "maxItems": len(inputs)}
    schemas["InferenceRequest"]["properties"]["inputs"] |= count | {
        "allOf": [{"contains": {"properties": {"name": {"const": tensor.name}}}} for tensor in inputs]
    }
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


def _one_sample(tensor: Tensor, model: "Model") -> Json:
    """Return the schema of an input with one sample."""
    _, width = tensor.shape
    features = model.schema if width == len(model.schema) else [one for one in model.schema if one.name == tensor.name]
    elements = [_element(tensor.datatype, one) for one in features]
    alike = all(element == elements[0] for element in elements)
    properties = {
        "name": {"const": tensor.name},
        "shape": {"const": [1, width]},
        "datatype": {"const": tensor.datatype},
        "data": {"type": "array", "minItems": width, "maxItems": width}
        | ({"items": elements[0]} if alike else {"prefixItems": elements}),
    }
    return {"type": "object", "properties": properties, "required": list(properties)}


def _element(datatype: str, feature: Feature) -> Json:
    """Return the schema of a feature's value in a tensor of that datatype."""
    if datatype == BOOL:
        return {"type": "boolean"}
    if datatype == BYTES:
        return {"type": "string"} | ({"format": "date"} if feature.kind == "date" else {})
    if feature.kind == "boolean":
        return {"enum": [0, 1]}
    return {"type": "number", "minimum": -LARGEST, "maximum": LARGEST}


def get_operation(summary: str, answer: str) -> Json:
    """Return the operation of a route that answers with the message of that name."""
    return operation(summary, as_json(answer), tags=TAGS)


def infer_operation(model: "Model") -> Json:
    """Return the operation of the inference routes."""
    medians = [[example_value(feature)] for feature in model.info["features"]]
    tensors = inputs_of(model.schema)
    if tensors[0].name == FEATURES and tensors[0].datatype == "FP64":
        medians = [[feature["median"] for feature in model.info["features"]]]
    inputs = [
        {"name": tensor.name, "shape": [1, len(data)], "datatype": tensor.datatype, "data": data}
        for tensor, data in zip(tensors, medians, strict=True)
    ]
    content = as_json(InferenceRequest.__name__)
    content["application/json"]["example"] = {"inputs": inputs, "outputs": [{"name": OUTPUTS[0]}]}
    post = operation(
        "Predictions",
        as_json(InferenceResponse.__name__) | {"application/octet-stream": {}},
        BODY_STATUSES,
        tags=TAGS,
        description=f"The schema is that of a request for one sample. {_several(model)} Binary tensors follow the "
        f"JSON, whose length the header {HEADER_LENGTH} gives.",
        requestBody={"required": True, "content": content},
    )
    length = {"description": "Before binary tensors, of the JSON.", "schema": {"type": "integer"}}
    post["responses"]["200"]["headers"][HEADER_LENGTH] = length
    return post


def _several(model: "Model") -> str:
    each = "one input for each feature, by its name, in any order, of shape [samples] or [samples, 1]"
    if inputs_of(model.schema)[0].name != FEATURES or len(model.features) == 1:
        return (
            f"For several, send {each}: datatype BYTES for texts and dates, BOOL for true and false, any of the "
            "protocol's numbers for numbers; null where a value is missing."
        )
    return (
        f"For several, send one input {FEATURES!r} of shape [samples, {len(model.features)}], features in the order of "
        f"/model; or {each}. Datatypes are those of the protocol's numbers."
    )
