"""The endpoint's description in OpenAPI 3.1, from the declaration that checks the requests."""

from typing import Any

from iris_lab.modeling import Model
from iris_lab.serving.schema import RequestSchema


def openapi_document(model: Model, schema: RequestSchema) -> dict[str, Any]:
    """Return the OpenAPI document of the endpoint that serves a model."""
    return {
        "openapi": "3.1.0",
        "info": {"title": f"{model.name} on {model.info['dataset']['name']}", "version": "1"},
        "paths": {},
        "components": {"schemas": schema.components()},
    }
