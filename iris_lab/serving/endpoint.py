"""The endpoint of a model in the form that servers need."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from wsgiref.types import StartResponse, WSGIEnvironment

from flask import Flask

from iris_lab.serving.http.bodies import BodyReader
from iris_lab.serving.http.middleware import Rules
from iris_lab.serving.http.telemetry import Telemetry


@dataclass(frozen=True)
class Endpoint:
    """A WSGI application that serves a model, with what a server needs to know about it.

    Attributes
    ----------
    app
        The Flask application behind it.
    bodies
        Reads request bodies. A server in which the application reads from the socket calls its `watch`.
    rules
        Limits and hosts.
    predict
        Path of predictions.
    example
        A prediction request, as JSON text.
    telemetry
        Counts requests; a server reports those to it that it refuses by itself.
    accept_host
        Lets requests with a further Host header pass.
    """

    app: Flask
    bodies: BodyReader
    rules: Rules
    predict: str
    example: str
    telemetry: Telemetry
    accept_host: Callable[[str], None]

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer one WSGI request."""
        return self.app(environ, start_response)
