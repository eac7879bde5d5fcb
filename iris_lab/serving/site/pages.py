"""What the endpoint says of itself: demo page, documentation, model, health, metrics."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from flask import Blueprint, Response, jsonify, render_template, request
from prometheus_client.exposition import CONTENT_TYPE_LATEST

from iris_lab.serving.http.problems import KINDS
from iris_lab.serving.http.telemetry import Telemetry
from iris_lab.serving.predictions.schema import RequestSchema
from iris_lab.serving.site.demo import clearest_pair, controls
from iris_lab.serving.site.openapi import example_request, openapi_document

if TYPE_CHECKING:
    from iris_lab.modeling import Model

GREETING = "Iris species predictor API !"


def pages(model: "Model", metrics: Mapping[str, float], schema: RequestSchema, telemetry: Telemetry) -> Blueprint:
    """Return the routes that need no request body.

    Parameters
    ----------
    model
        The model that is served.
    metrics
        The numbers of its run.
    schema
        What requests are checked against.
    telemetry
        Where requests are counted.
    """
    about = describe(model, metrics)
    openapi, example = openapi_document(model, schema), example_request(model)
    form, axes = controls(about["features"]), clearest_pair(**model.info["samples"])
    routes = Blueprint("pages", __name__)

    @routes.get("/")
    def index() -> Response:
        if request.accept_mimetypes.best_match(["text/plain", "text/html"]) == "text/html":
            answer = Response(render_template("demo.html", model=about, controls=form, axes=axes))
        else:
            answer = Response(GREETING, mimetype="text/plain")
        answer.vary.add("Accept")
        return answer

    @routes.get("/docs")
    def docs() -> Response:
        shown = {"openapi": openapi, "model": about, "controls": form, "kinds": KINDS, "host": request.host_url}
        return Response(render_template("docs.html", example=example, **shown))

    routes.add_url_rule("/openapi.json", "openapi", lambda: jsonify(openapi))
    routes.add_url_rule("/model", "model", lambda: jsonify(about))
    routes.add_url_rule("/model/samples", "samples", lambda: jsonify(model.info["samples"]))
    routes.add_url_rule("/health/live", "live", lambda: jsonify(status="live"))
    routes.add_url_rule("/health/ready", "ready", lambda: jsonify(status="ready"))  # answers once the model is loaded

    @routes.get("/metrics")
    def exposition() -> Response:
        return Response(telemetry.exposition(), content_type=CONTENT_TYPE_LATEST)

    return routes


def describe(model: "Model", metrics: Mapping[str, float]) -> dict[str, Any]:
    """Return what ``/model`` says: the content of ``model.json``, and how the model was evaluated.

    Scores have a 95 % interval where the run has one.
    """
    info = {name: value for name, value in model.info.items() if name not in ("model", "samples")}
    return {"name": model.name, **info, "metrics": _scores(metrics)}


def _scores(metrics: Mapping[str, float]) -> dict[str, Any]:
    own = {name.removeprefix("evaluate."): value for name, value in metrics.items() if name.startswith("evaluate.")}
    scores: dict[str, Any] = {}
    for name, value in own.items():
        if f"{name}_low" in own:
            scores[name] = {"value": value, "low": own[f"{name}_low"], "high": own[f"{name}_high"], "confidence": 0.95}
        elif name.rsplit("_", 1)[-1] not in ("low", "high"):
            scores[name] = {"value": value}
    return scores
