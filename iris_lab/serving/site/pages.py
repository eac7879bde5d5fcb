"""The GET routes of the site: demo page, documentation, model, health, metrics."""

from collections.abc import Callable, Mapping
from functools import cache, partial
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from flask import render_template, request
from prometheus_client.exposition import CONTENT_TYPE_LATEST

from iris_lab.exploration import clearest_pair
from iris_lab.serving.http.problems import KINDS, HTTPProblem, Reply
from iris_lab.serving.http.telemetry import Telemetry
from iris_lab.serving.predictions.openapi import example_request
from iris_lab.serving.routes import (
    PREDICT_TABLE,
    Handler,
    Json,
    Route,
    always,
    as_json,
    json_reply,
    operation,
    predict_path,
)
from iris_lab.serving.site.demo import controls

if TYPE_CHECKING:
    from iris_lab.modeling import Model

HTML = ("Content-Type", "text/html; charset=utf-8")
TEXT = ("Content-Type", "text/plain; charset=utf-8")


def page_routes(
    model: "Model",
    metrics: Mapping[str, float],
    telemetry: Telemetry,
    document: Callable[[], Json],
    share_samples: bool,
) -> list[Route]:
    """Return the GET routes of the site.

    Parameters
    ----------
    model
        The model that is served.
    metrics
        The metrics of its run.
    telemetry
        Has the metrics of the endpoint.
    document
        Returns the OpenAPI document. It is called on request only, because it describes these routes, too.
    share_samples
        Whether training samples of data that are not bundled are served.
    """
    about = describe(model, metrics)
    form = controls(about["features"])
    axes = (0, min(1, len(form) - 1)) if model.is_private else clearest_pair(**model.info["samples"])
    shared = (share_samples or model.is_bundled) and not model.is_private
    name = f"{model.info['dataset']['name']} {model.info['target']} predictor API !"
    greeting = name[0].upper() + name[1:]
    table = PREDICT_TABLE.removeprefix("/")
    shown: dict[str, Any] = {
        "table": table,
        "model": about,
        "controls": form,
        "predict": predict_path(model).removeprefix("/"),
        "shared": shared,
    }

    def index(_: Any) -> Reply:
        if request.accept_mimetypes.best_match(["text/plain", "text/html"]) != "text/html":
            return Reply(200, [TEXT, ("Vary", "Accept")], greeting.encode())
        return Reply(200, [HTML, ("Vary", "Accept")], render_template("demo.html", axes=axes, **shown).encode())

    def docs(_: Any) -> Reply:
        own = {"openapi": document(), "kinds": KINDS, "host": _base_url(), "example": example_request(model)}
        return Reply(200, [HTML], render_template("docs.html", **own, **shown).encode())

    def exposition(_: Any) -> Reply:
        return Reply(200, [("Content-Type", CONTENT_TYPE_LATEST)], telemetry.exposition())

    openapi = cache(lambda: json_reply(document()))
    text, page, anything = _content("text/plain"), _content("text/html"), _content("application/json", "object")
    return [
        _get("/", "index", "A line of text, or for a browser the demo page", text | page, index),
        _get("/docs", "docs", "This description as a page", page, docs),
        _get("/openapi.json", "openapi", "This description", anything, lambda _: openapi()),
        _get("/model", "model", "The model, its training data, and its scores", as_json("Model"), always(about)),
        _get("/model/samples", "samples", "Training samples, evenly spaced, enough to draw", as_json("DrawnSamples"),
             always(model.info["samples"]) if shared else partial(_not_shared, model.is_private),
             () if shared else (404,)),
        _get("/health/live", "live", "The process answers", as_json("Health"), always({"status": "live"})),
        _get("/health/ready", "ready", "The model is loaded and checked", as_json("Health"),
             always({"status": "ready"})),  # the routes exist only once the model is loaded
        _get("/metrics", "metrics", "Requests, latency and predictions by class, for Prometheus", text, exposition),
    ]  # fmt: skip


def _base_url() -> str:
    # A client may take localhost for ::1, where another program may answer.
    url = urlsplit(request.host_url)
    near = url.hostname == "localhost" and ":" not in request.environ["SERVER_NAME"]
    return url._replace(netloc=url.netloc.replace("localhost", "127.0.0.1")).geturl() if near else request.host_url


def _content(media_type: str, kind: str = "string") -> Json:
    return {media_type: {"schema": {"type": kind}}}


def _get(path: str, name: str, summary: str, content: Json, handler: Handler, statuses: tuple[int, ...] = ()) -> Route:
    return Route(path, handler, operation(summary, content, statuses, operationId=name))


def _not_shared(private: bool, _: Any) -> Reply:
    detail = (
        "the run is private: it holds no training rows"
        if private
        else "the owner did not share training rows: start with iris-lab serve --share-samples or "
        "launch(share_samples=True)"
    )
    raise HTTPProblem(404, "not-shared", detail)


def describe(model: "Model", metrics: Mapping[str, float]) -> dict[str, Any]:
    """Return the answer of ``/model``: the content of ``model.json`` and the scores of the evaluation.

    A score has a 95 % interval if the run has one.
    """
    info = {name: value for name, value in model.info.items() if name not in ("model", "samples")}
    data = {name: value for name, value in info["dataset"].items() if name not in ("read", "reading")}  # maybe a path
    return {"name": model.name, **info, "dataset": data, "metrics": _scores(metrics)}


def _scores(metrics: Mapping[str, float]) -> dict[str, Any]:
    own = {name.removeprefix("evaluate."): value for name, value in metrics.items() if name.startswith("evaluate.")}
    scores: dict[str, Any] = {}
    for name, value in own.items():
        if f"{name}_low" in own:
            scores[name] = {"value": value, "low": own[f"{name}_low"], "high": own[f"{name}_high"], "confidence": 0.95}
        elif name.rsplit("_", 1)[-1] not in ("low", "high"):
            scores[name] = {"value": value}
    return scores
