"""The Flask application that serves a model."""

import json
import mimetypes
import shlex
from collections.abc import Callable, Mapping, Sequence
from functools import cache, partial
from pathlib import Path

from flask import Flask, Response, request
from werkzeug.exceptions import HTTPException

from iris_lab.artifacts import open_run
from iris_lab.modeling import Model
from iris_lab.prediction.predictor import Predictor
from iris_lab.serving.endpoint import Endpoint
from iris_lab.serving.http.body_handler import BodyHandler
from iris_lab.serving.http.middleware import REQUEST_ID, ROUTE, Middleware, Rules
from iris_lab.serving.http.problems import HTTPProblem, Reply
from iris_lab.serving.http.telemetry import Log, Telemetry
from iris_lab.serving.oip.inference import Inference, exactly, nothing_at
from iris_lab.serving.oip.protocol import MODELS
from iris_lab.serving.predictions.handlers import PredictionHandler
from iris_lab.serving.predictions.openapi import example_request
from iris_lab.serving.routes import Handler, Route, predict_path
from iris_lab.serving.site.openapi import openapi_document, page_schemas
from iris_lab.serving.site.pages import page_routes


def create_app(
    model: Model,
    *,
    metrics: Mapping[str, float] | None = None,
    rules: Rules | None = None,
    log: Log | None = None,
    fast_path: bool = True,
) -> Endpoint:
    """Return the endpoint of a model.

    Parameters
    ----------
    model
        The evaluated model.
    metrics
        The metrics of its run, as in ``metrics.json``; ``/model`` shows those named ``evaluate.…``.
    rules
        Limits, and accepted hosts and origins.
    log
        Receives one line per request; None for no log.
    fast_path
        Whether predictions bypass Flask's dispatch. The answers are the same.
    """
    rules = rules or Rules()
    telemetry = Telemetry(model.classes, log)
    bodies, predictor = BodyHandler(rules), Predictor(model)
    predictions = PredictionHandler(model, predictor, bodies, telemetry)
    inference = Inference(model, predictor, bodies, telemetry)
    schemas = predictions.schemas() | page_schemas(model) | inference.schemas()
    routes: list[Route] = []
    document = cache(lambda: openapi_document(model, routes, schemas))  # called once all routes are known
    pages = page_routes(model, metrics or {}, telemetry, document, rules.share_samples)
    routes += predictions.routes() + pages + inference.routes()
    predict = predict_path(model)
    app = _flask_app(routes, model.name, predict)
    fast = {route.path_info(model.name): route for route in routes if fast_path and route.method == "POST"}
    middleware = Middleware(app.wsgi_app, rules, telemetry, fast, bodies.reader)
    app.wsgi_app = middleware  # type: ignore[method-assign]  # documented by Flask for middleware
    return Endpoint(
        app, bodies.reader, rules, predict, json.dumps(example_request(model)), telemetry, middleware.accept_host
    )


def _flask_app(routes: Sequence[Route], model: str, predict: str) -> Flask:
    mimetypes.add_type("text/javascript", ".js")  # Windows may have another type in its registry; browsers want this
    app = Flask("iris_lab.serving.site")  # the folder with templates and static files
    app.url_map.merge_slashes = False
    readable = partial(json.dumps, ensure_ascii=False)
    app.jinja_env.filters |= {"shell_quoted": shlex.quote, "as_json": partial(readable, indent=2), "as_line": readable}
    app.url_map.converters["model"] = exactly(model)
    for route in routes:
        app.add_url_rule(route.rule, route.rule, _view(route.handler), methods=[route.method])
    app.before_request(partial(_note_route, {route.rule: route.label for route in routes}))
    app.register_error_handler(HTTPProblem, _problem_response)
    app.register_error_handler(HTTPException, lambda error: _problem_response(_as_problem(error, model, predict)))
    return app


def endpoint_of(
    model_or_run: Model | Path | str, *, trust: bool = False, rules: Rules | None = None, log: Log | None = None
) -> Endpoint:
    """Return the endpoint of a model, or of the model of a run.

    Raises
    ------
    ArtifactError
        The run cannot be used.
    """
    if isinstance(model_or_run, Model):
        return create_app(model_or_run, rules=rules, log=log)
    model, metrics = open_run(Path(model_or_run), trust=trust)
    return create_app(model, metrics=metrics, rules=rules, log=log)


def _view(answer: Handler) -> Callable[..., Response]:
    return lambda **_: _response(answer(request.environ))


def _response(reply: Reply) -> Response:
    return Response(reply.body, reply.status, reply.headers)


def _note_route(labels: Mapping[str, str]) -> None:
    rule = request.url_rule.rule if request.url_rule else "other"
    request.environ[ROUTE] = labels.get(rule, rule)


def _problem_response(problem: HTTPProblem) -> Response:
    return _response(problem.reply(request.environ[REQUEST_ID]))


def _as_problem(error: HTTPException, model: str, predict: str) -> HTTPProblem:
    """Return an error of Flask (no such route, wrong method) as a problem document."""
    headers = {}
    if error.code == 405:
        headers["Allow"] = ", ".join(sorted(getattr(error, "valid_methods", None) or ()))
        detail = f"{request.method} is not allowed at {request.path[:60]!a}, expected {headers['Allow']}"
        return HTTPProblem(405, "method", detail, headers=headers)
    if error.code == 404 and request.path.startswith(MODELS):
        return HTTPProblem(404, "route", nothing_at(request.path, model))
    if error.code == 404:
        return HTTPProblem(404, "route", f"nothing is at {request.path[:60]!a}; predictions are at POST {predict}")
    if error.code and error.code < 500:
        return HTTPProblem(error.code, "request", error.description or error.name)
    return HTTPProblem(500, "internal", "the endpoint failed; its log says why")
