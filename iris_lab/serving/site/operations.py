"""Operations in OpenAPI 3.1, as all routes describe themselves."""

from typing import Any

Json = dict[str, Any]
BODY_STATUSES = (400, 408, 413, 415, 422)  # refusals of a request that has a body


def operation(summary: str, answers: Json, statuses: tuple[int, ...] = (), **more: Any) -> Json:
    """Return an operation with its answers of status 200, by content type, and the statuses of its refusals."""
    refusals = {str(status): {"$ref": "#/components/responses/Problem"} for status in (*statuses, 421)}
    good = {"description": summary, "headers": request_id(), "content": answers}
    return {"summary": summary, **more, "responses": {"200": good, **refusals}}


def as_json(name: str) -> Json:
    """Return the content of an answer in JSON that has the schema of that name."""
    return {"application/json": {"schema": {"$ref": f"#/components/schemas/{name}"}}}


def request_id() -> Json:
    """Return the header that every answer has."""
    return {"X-Request-ID": {"$ref": "#/components/headers/X-Request-ID"}}
