"""Routes, each declared once: Flask takes its rules from them, the fast path its handlers, OpenAPI its operations."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import quote
from wsgiref.types import WSGIEnvironment

import msgspec

from iris_lab.serving.http.problems import Reply

if TYPE_CHECKING:
    from iris_lab.modeling import Model

PREDICT, PREDICT_SPECIES = "/predict", "/predict_species"
PREDICT_TABLE = "/predict_table"
MODEL = "<model:name>"  # in a rule; stands for the name of the served model
JSON = (("Content-Type", "application/json"),)  # headers of a response
BODY_STATUSES = (400, 408, 411, 413, 415, 422, 501)  # of the problems of a request with a body
Handler = Callable[[WSGIEnvironment], Reply]
Json = dict[str, Any]


@dataclass(frozen=True)
class Route:
    """One method at one URL path.

    Attributes
    ----------
    rule
        The path as a Flask rule, such as ``/v2/models/<model:name>/infer``.
    handler
        Takes the WSGI environment of a request and returns the reply. GET handlers may use Flask's request context.
    operation
        The OpenAPI operation; None keeps the route out of the document.
    method
        The fast path answers POST routes only; Flask answers both.
    metric
        The route's name in the metrics; by default its rule.
    """

    rule: str
    handler: Handler
    operation: Json | None
    method: Literal["GET", "POST"] = "GET"
    metric: str = ""

    @property
    def label(self) -> str:
        """The route's name in the metrics."""
        return self.metric or self.rule

    def path_info(self, model: str) -> str:
        """Return the path for a model of this name as WSGI has it in ``PATH_INFO``."""
        return self.rule.replace(MODEL, model).encode().decode("latin-1")

    def url_path(self, model: str) -> str:
        """Return the path for a model of this name as a URL has it."""
        return self.rule.replace(MODEL, quote(model, safe=""))


def predict_path(model: "Model") -> str:
    """Return the path of predictions: for iris, that of the tutorial."""
    return PREDICT_SPECIES if model.is_iris else PREDICT


def json_reply(document: Any) -> Reply:
    """Return a JSON document as a reply."""
    return Reply(200, JSON, msgspec.json.encode(document))


def always(document: Any) -> Handler:
    """Return a handler that answers every request with the same JSON document."""
    reply = json_reply(document)
    return lambda _: reply


def paths(routes: Sequence[Route], model: str) -> Json:
    """Return the member ``paths`` of an OpenAPI document, in the order of the routes."""
    found: Json = {}
    for route in routes:
        if route.operation is not None:
            found.setdefault(route.url_path(model), {})[route.method.lower()] = route.operation
    return found


def operation(summary: str, answers: Json, statuses: tuple[int, ...] = (), **more: Any) -> Json:
    """Return an OpenAPI operation.

    Parameters
    ----------
    summary
        What it answers.
    answers
        Content of the 200 response, by media type.
    statuses
        Status codes of its problems; 421 is added for every route.
    more
        Further members of the operation.
    """
    problems = {str(status): {"$ref": "#/components/responses/Problem"} for status in (*statuses, 421)}
    good = {"description": summary, "headers": request_id(), "content": answers}
    return {"summary": summary, **more, "responses": {"200": good, **problems}}


def as_json(name: str) -> Json:
    """Return the content of a JSON response that has the schema of that name."""
    return {"application/json": {"schema": {"$ref": f"#/components/schemas/{name}"}}}


def request_id() -> Json:
    """Return the header that every response has."""
    return {"X-Request-ID": {"$ref": "#/components/headers/X-Request-ID"}}
