"""The endpoint of one model, as the servers take it."""

from collections.abc import Iterable
from dataclasses import dataclass
from wsgiref.types import StartResponse, WSGIEnvironment

from flask import Flask

from iris_lab.serving.http.bodies import BodyReader
from iris_lab.serving.http.middleware import Rules


@dataclass(frozen=True)
class Endpoint:
    """A WSGI application that serves a model, and what a server needs to know of it.

    Attributes
    ----------
    app
        The Flask application behind it.
    bodies
        Reads the bodies of requests; a server that reads from sockets itself lets it watch for late ones.
    rules
        Limits and hosts.
    example
        A prediction request, as JSON text.
    """

    app: Flask
    bodies: BodyReader
    rules: Rules
    example: str

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request, as WSGI has it."""
        return self.app(environ, start_response)
