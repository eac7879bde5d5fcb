"""The Flask application that serves a model."""

import json
from collections.abc import Callable, Mapping
from threading import Lock
from typing import Any
from wsgiref.types import WSGIEnvironment

import orjson
from flask import Flask, Response, request
from werkzeug.exceptions import HTTPException

from iris_lab.modeling import Model
from iris_lab.serving.bodies import BodyReader
from iris_lab.serving.gate import REQUEST_ID, ROUTE, Gate, Rules
from iris_lab.serving.pages import pages
from iris_lab.serving.predictor import Predictor
from iris_lab.serving.problems import Refusal, Reply
from iris_lab.serving.schema import RequestSchema
from iris_lab.serving.telemetry import Log, Telemetry

PREDICT = "/predict_species"
HUGE = 2**18  # bytes; such bodies take turns, so that several of them cannot keep small ones waiting
JSON = [("Content-Type", "application/json")]
Posts = dict[str, Callable[[WSGIEnvironment], Reply]]


class Answerer:
    """Requests to answers: the one function that Flask's route and the shortcut in front of it share."""

    def __init__(self, model: Model, telemetry: Telemetry) -> None:
        self.schema = RequestSchema(model.info["features"])
        self.predictor = Predictor(model)
        self.classes = list(model.classes)
        self.telemetry = telemetry
        self._turn = Lock()
        self._huge: list[None] = []  # as many as huge bodies wait for their answers

    def answer(self, body: bytes) -> bytes:
        """Return the answer to a request's body.

        Raises
        ------
        Refusal
            The request is not what the schema says, or its values are beyond what the model can compute with.
        """
        if len(body) < HUGE:
            return self._answer(body)
        self._huge.append(None)
        try:
            with self._turn:
                return self._answer(body)
        finally:
            self._huge.pop()

    def is_busy(self) -> bool:
        """Say whether a huge body waits for its answer."""
        return bool(self._huge)

    def _answer(self, body: bytes) -> bytes:
        samples = self.schema.read(body)
        codes = self.predictor.codes(samples.values)
        result: dict[str, Any] = {"result": codes}
        if samples.probabilities:
            result |= {"classes": self.classes, "probabilities": self.predictor.probabilities(samples.values)}
        self.telemetry.count_predictions(codes)
        return orjson.dumps(result, option=orjson.OPT_SERIALIZE_NUMPY)


def check_content_type(environ: Mapping[str, Any]) -> None:
    """Refuse a body that is not declared to be JSON in UTF-8.

    Raises
    ------
    Refusal
        415.
    """
    if environ.get("HTTP_CONTENT_ENCODING", "identity") != "identity":
        raise Refusal(415, "content-type", "Content-Encoding is not supported, expected a body as it is")
    given = environ.get("CONTENT_TYPE", "")
    if given == "application/json":
        return
    media_type, _, parameters = given.partition(";")
    charset = parameters.strip().lower().replace('"', "")
    if media_type.strip().lower() != "application/json" or charset not in ("", "charset=utf-8"):
        came = f"is {given[:60]!a}" if given else "is missing"
        raise Refusal(415, "content-type", f"Content-Type {came}, expected application/json")


def create_app(
    model: Model,
    *,
    metrics: Mapping[str, float] | None = None,
    rules: Rules | None = None,
    log: Log | None = None,
    shortcut: bool = True,
) -> Flask:
    """Return the application that serves a model.

    Parameters
    ----------
    model
        The evaluated model.
    metrics
        The numbers of its run, as in ``metrics.json``; those called ``evaluate.…`` are shown at ``/model``.
    rules
        Limits and hosts.
    log
        Takes one line a request; None for no log.
    shortcut
        Whether predictions are answered in front of Flask's dispatch; the answers are the same.
    """
    rules = rules or Rules()
    telemetry = Telemetry(model.classes, log)
    answerer = Answerer(model, telemetry)
    bodies = BodyReader(rules.max_body, rules.body_seconds, answerer.is_busy)

    def predict(environ: WSGIEnvironment) -> Reply:
        check_content_type(environ)
        return Reply(200, JSON, answerer.answer(bodies.read(environ)))

    posts: Posts = {PREDICT: predict}
    app = Flask(__name__)
    app.url_map.merge_slashes = False
    app.json.sort_keys = False  # type: ignore[attr-defined]  # Flask's default provider has it
    app.config.update(RULES=rules, BODIES=bodies, EXAMPLE=_example(model))
    app.register_blueprint(pages(model, metrics or {}, answerer.schema, telemetry))
    for path, answer in posts.items():
        app.add_url_rule(path, path, _view(answer), methods=["POST"])
    app.before_request(_note_route)
    app.register_error_handler(Refusal, _refuse)
    app.register_error_handler(HTTPException, lambda error: _refuse(_refusal(error)))
    app.wsgi_app = Gate(app.wsgi_app, rules, telemetry, posts if shortcut else {})  # type: ignore[method-assign]  # Flask's own way to put something in front
    return app


def _view(answer: Callable[[WSGIEnvironment], Reply]) -> Callable[[], Response]:
    return lambda: _response(answer(request.environ))


def _response(reply: Reply) -> Response:
    return Response(reply.body, reply.status, reply.headers)


def _note_route() -> None:
    request.environ[ROUTE] = request.url_rule.rule if request.url_rule else "other"


def _refuse(refusal: Refusal) -> Response:
    return _response(refusal.reply(request.environ[REQUEST_ID]))


def _example(model: Model) -> str:
    """Return a request: the sample in the middle of the training data."""
    return json.dumps({"data": [{feature["name"]: feature["median"] for feature in model.info["features"]}]})


def _refusal(error: HTTPException) -> Refusal:
    """Return Flask's refusal (no such route, wrong method) in our words."""
    headers = {}
    if error.code == 405:
        headers["Allow"] = ", ".join(sorted(getattr(error, "valid_methods", None) or ()))
        detail = f"{request.method} is not allowed at {request.path[:60]!a}, expected {headers['Allow']}"
        return Refusal(405, "method", detail, headers=headers)
    if error.code == 404:
        return Refusal(404, "route", f"nothing is at {request.path[:60]!a}; predictions are at POST {PREDICT}")
    return Refusal(error.code or 500, "internal", "the endpoint failed; its log says why")
