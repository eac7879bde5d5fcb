"""The prediction route in OpenAPI 3.1."""

import re
from typing import TYPE_CHECKING

from iris_lab.serving.predictions.contract import example_value
from iris_lab.serving.routes import BODY_STATUSES, Json, as_json, operation

if TYPE_CHECKING:
    from iris_lab.modeling import Model


SIMPLE_VALUES = {
    "number": r"[1-9]\.[0-9]",
    "boolean": "(true|false)",
    "category": "[a-z]{3,9}",
    "date": "20[0-9]{2}-0[1-9]-[12][0-8]",
}  # by kind, as regular expressions


def example_request(model: "Model") -> Json:
    """Return a request for one sample, the median of each feature in the training data."""
    return {"data": [{feature["name"]: example_value(feature) for feature in model.info["features"]}]}


def predict_operation(model: "Model") -> Json:
    """Return the operation of the prediction route."""
    content = as_json("PredictionRequest")
    content["application/json"]["example"] = example_request(model)
    return operation(
        "Predict the class of samples",
        as_json("PredictionAnswer"),
        BODY_STATUSES,
        operationId="predict",
        description="Features are matched by name, in any order. The answers are those of the evaluated model, in "
        "the order of the samples.",
        requestBody={"required": True, "content": content},
    )


def table_operation(model: "Model") -> Json:
    """Return the operation of the route for whole tables.

    The schema of the request is that of the simplest tables, so that every table that matches it is valid.
    """
    text = {"text/csv": {"schema": {"type": "string"}}}
    header = ",".join(re.escape('"' + name.replace('"', '""') + '"') for name in model.features)
    row = ",".join(SIMPLE_VALUES[feature.kind] for feature in model.schema)
    content = {"text/csv": {"schema": {"type": "string", "pattern": f"^{header}\\n({row}\\n){{1,9}}$"}}}
    return operation(
        "Predict the class of each row of a CSV table",
        text,
        BODY_STATUSES,
        operationId="predictTable",
        description="Read like training data, with a column for each feature, in any order. Other columns are copied. "
        "The answer is the table with the predicted class and the probability of each class.",
        requestBody={"required": True, "content": content},
    )


def answer_schema(model: "Model") -> Json:
    """Return the schema of an answer."""
    probability = {"type": "number", "minimum": 0, "maximum": 1}
    count = len(model.classes)
    by_class = {"type": "array", "items": probability, "minItems": count, "maxItems": count}
    properties = {
        "result": codes_schema(model) | {"description": "Indices into the class names, one per sample."},
        "classes": names_schema(model) | {"description": "Class names, if probabilities were requested."},
        "probabilities": {"type": "array", "items": by_class, "description": "One list per sample, in class order."},
    }
    if any(feature.kind == "category" for feature in model.schema):
        place = {"row": {"type": "integer"}, "feature": {"type": "string"}}
        properties["unknown"] = {
            "type": "array",
            "items": {"type": "object", "properties": place, "required": list(place)},
            "description": "Where a category has a level that training did not have; absent if there is none.",
        }
    return {"type": "object", "properties": properties, "required": ["result"]}


def codes_schema(model: "Model") -> Json:
    """Return the schema of a list of class codes."""
    return {"type": "array", "items": {"type": "integer", "minimum": 0, "maximum": len(model.classes) - 1}}


def names_schema(model: "Model") -> Json:
    """Return the schema of a list of class names."""
    return {"type": "array", "items": {"type": "string", "enum": list(model.classes)}}
