"""A route that answers requests with a body: said once, for Flask's rules and for the fast path in front of Flask."""

from collections.abc import Callable
from dataclasses import dataclass
from wsgiref.types import WSGIEnvironment

from iris_lab.serving.http.problems import Reply

PREDICT = "/predict_species"
Handler = Callable[[WSGIEnvironment], Reply]


@dataclass(frozen=True)
class Route:
    """A POST route.

    Attributes
    ----------
    rule
        As Flask has it, such as ``/v2/models/<model:name>/infer``.
    path
        The same for the model that is served, as WSGI has it in ``PATH_INFO``.
    handler
        From a request to its reply.
    label
        The route's name in the metrics.
    """

    rule: str
    path: str
    handler: Handler
    label: str
