"""The Open Inference Protocol, version 2: predictions for the clients of other model servers."""

import re
from collections.abc import Callable
from importlib.metadata import version
from typing import TYPE_CHECKING, Any
from urllib.parse import quote
from wsgiref.types import WSGIEnvironment

import msgspec
import numpy as np
import orjson
from flask import Blueprint, Response
from numpy.typing import NDArray
from werkzeug.routing import BaseConverter

from iris_lab.prediction.predictor import Codes, Numbers, Predictor
from iris_lab.serving.http.body_handler import BodyHandler
from iris_lab.serving.http.problems import Reply, quoted
from iris_lab.serving.http.telemetry import Telemetry
from iris_lab.serving.oip.protocol import (
    ALL_BINARY,
    BINARY,
    BINARY_SIZE,
    HEADER_LENGTH,
    OUTPUTS,
    VERSION,
    ModelReady,
    RequestOutput,
    ServerLive,
    ServerMetadata,
    ServerReady,
    model_metadata,
    model_paths,
)
from iris_lab.serving.oip.requests import RequestReader
from iris_lab.serving.routes import Route

if TYPE_CHECKING:
    from iris_lab.modeling import Model

BINARY_TYPE = "application/octet-stream"
MODELS = "/v2/models/"


class Inference:
    """Answers inference requests.

    Parameters
    ----------
    model
        The model that is served.
    predictor
        Its predictions.
    bodies
        Reads the bodies of requests.
    telemetry
        Where predictions are counted.
    """

    def __init__(self, model: "Model", predictor: Predictor, bodies: BodyHandler, telemetry: Telemetry) -> None:
        self.name, self.classes = model.name, model.classes
        self._reader, self._predictor = RequestReader(model.features), predictor
        self._bodies, self._telemetry = bodies, telemetry

    def routes(self) -> list[Route]:
        """Return the routes for inference requests; rules name the model by `exactly`."""
        rules = [f"{path}/infer" for path in model_paths("<model:name>")]
        paths = [f"{path}/infer".encode().decode("latin-1") for path in model_paths(self.name)]
        return [Route(rule, path, self.handle, rules[0]) for rule, path in zip(rules, paths, strict=True)]

    def handle(self, environ: WSGIEnvironment) -> Reply:
        """Answer in the Open Inference Protocol.

        Raises
        ------
        Refusal
            The request is not what the protocol and the model expect, or over the limits.
        """
        header_length = environ.get("HTTP_INFERENCE_HEADER_CONTENT_LENGTH", "")
        types = ("", BINARY_TYPE if header_length else "")  # tritonclient declares no type
        return self._bodies.answer(environ, lambda body: self.answer(body, header_length), *types)

    def answer(self, body: bytes, header_length: str = "") -> Reply:
        """Return the answer to a request's body: JSON of the length given, then binary data.

        Raises
        ------
        Refusal
            Something is wrong with the request.
        """
        request, samples = self._reader.read(body, header_length)
        codes = self._predictor.codes(samples)
        self._telemetry.count_predictions(codes)
        everything = request.parameters.get(ALL_BINARY)
        outputs, binary = [], b""
        for wanted in request.outputs or map(RequestOutput, OUTPUTS):
            output = self._output(wanted.name, codes, samples)
            if wanted.parameters.get(BINARY, everything) is True:
                data = _bytes_of(output.pop("data"))
                output["parameters"] = {BINARY_SIZE: len(data)}
                binary += data
            outputs.append(output)
        identifier = {} if request.id is msgspec.UNSET else {"id": request.id}
        document = {"model_name": self.name, "model_version": VERSION, **identifier, "outputs": outputs}
        text = orjson.dumps(document, option=orjson.OPT_SERIALIZE_NUMPY)
        if not binary:
            return Reply(200, [("Content-Type", "application/json")], text)
        return Reply(200, [("Content-Type", BINARY_TYPE), (HEADER_LENGTH, str(len(text)))], text + binary)

    def _output(self, name: str, codes: Codes, samples: Numbers) -> dict[str, Any]:
        predict, likely, _ = OUTPUTS
        if name == predict:
            return _tensor(name, "INT64", codes)
        if name == likely:
            return _tensor(name, "FP64", self._predictor.probabilities(samples))
        names = [self.classes[code] for code in codes]
        return {"name": name, "datatype": "BYTES", "shape": [len(names)], "data": names}


def _tensor(name: str, datatype: str, values: NDArray[Any]) -> dict[str, Any]:
    return {"name": name, "datatype": datatype, "shape": values.shape, "data": np.ascontiguousarray(values).ravel()}


def _bytes_of(data: Any) -> bytes:
    if isinstance(data, np.ndarray):
        return data.astype(data.dtype.newbyteorder("<")).tobytes()
    texts = [text.encode() for text in data]
    return b"".join(len(text).to_bytes(4, "little") + text for text in texts)


def exactly(name: str) -> type[BaseConverter]:
    """Return the part of a Flask rule that matches a name and nothing else, whatever characters it has."""
    return type("Exactly", (BaseConverter,), {"regex": re.escape(name), "part_isolating": False})


def inference_routes(model: "Model") -> Blueprint:
    """Return the routes of the protocol that need no request body; rules name the model by `exactly`."""
    routes = Blueprint("inference", __name__)
    server = ServerMetadata("iris-lab", version("iris-lab"), ["binary_tensor_data"])
    messages: dict[str, msgspec.Struct] = {
        "/v2": server,
        "/v2/": server,  # as the specification's OpenAPI file has it
        "/v2/health/live": ServerLive(True),
        "/v2/health/ready": ServerReady(True, True),
    }
    for rule in model_paths("<model:name>"):
        messages[rule] = model_metadata(model)
        messages[f"{rule}/ready"] = ModelReady(model.name, True)
    for rule, message in messages.items():
        routes.add_url_rule(rule, rule, _always(msgspec.json.encode(message)))
    return routes


def _always(body: bytes) -> Callable[..., Response]:
    return lambda **_: Response(body, mimetype="application/json")


def nothing_at(path: str, model: str) -> str:
    """Return what to say to a request for another model, or another version."""
    known = f"{quoted(model)}, version {quoted(VERSION)}, at {MODELS}{quote(model, safe='')}"
    return f"nothing is at {path[:60]!a}; the model here is {known}"
