"""The Open Inference Protocol, version 2, for clients of other model servers."""

import re
from importlib.metadata import version
from typing import TYPE_CHECKING, Any
from urllib.parse import quote
from wsgiref.types import WSGIEnvironment

import msgspec
import numpy as np
import orjson
from numpy.typing import NDArray
from werkzeug.routing import BaseConverter

from iris_lab.prediction.predictor import Codes, Numbers, Predictor
from iris_lab.serving.http.body_handler import BodyHandler
from iris_lab.serving.http.problems import Reply, quoted
from iris_lab.serving.http.telemetry import Telemetry
from iris_lab.serving.oip.openapi import components, get_operation, infer_operation
from iris_lab.serving.oip.protocol import (
    ALL_BINARY,
    BINARY,
    BINARY_SIZE,
    HEADER_LENGTH,
    MODEL_RULES,
    MODELS,
    OUTPUTS,
    VERSION,
    ModelReady,
    RequestOutput,
    ServerLive,
    ServerMetadata,
    ServerReady,
    model_metadata,
)
from iris_lab.serving.oip.requests import RequestReader
from iris_lab.serving.routes import JSON, Json, Route, always

if TYPE_CHECKING:
    from iris_lab.modeling import Model

BINARY_TYPE = "application/octet-stream"


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
        self._model, self.name, self.classes = model, model.name, model.classes
        self._reader, self._predictor = RequestReader(model.schema), predictor
        self._bodies, self._telemetry = bodies, telemetry

    def routes(self) -> list[Route]:
        """Return the routes of the protocol; rules name the model by `exactly`."""
        server = ServerMetadata("iris-lab", version("iris-lab"), ["binary_tensor_data"])
        ready, infer = "Whether the model can be asked", infer_operation(self._model)
        routes = [
            _get("/v2", "Server metadata", server),
            Route("/v2/", always(server), None),  # the path in the specification's OpenAPI file
            _get("/v2/health/live", "Whether the server answers", ServerLive(True)),
            _get("/v2/health/ready", ready, ServerReady(True, True)),
        ]
        for rule in MODEL_RULES:
            routes += [
                _get(rule, "Model metadata", model_metadata(self._model)),
                _get(f"{rule}/ready", ready, ModelReady(self.name, True)),
                Route(f"{rule}/infer", self.handle, infer, "POST", metric=f"{MODEL_RULES[0]}/infer"),
            ]
        return routes

    def schemas(self) -> Json:
        """Return the JSON Schemas that the operations refer to, by name."""
        return components(self._model)

    def handle(self, environ: WSGIEnvironment) -> Reply:
        """Answer in the Open Inference Protocol.

        Raises
        ------
        HTTPProblem
            The request is invalid for the protocol or the model, or over a limit.
        """
        header_length = environ.get("HTTP_INFERENCE_HEADER_CONTENT_LENGTH", "")
        types = ("", BINARY_TYPE if header_length else "")  # tritonclient sends no Content-Type
        return self._bodies.answer(environ, lambda body: self.answer(body, header_length), *types)

    def answer(self, body: bytes, header_length: str = "") -> Reply:
        """Return the answer to a request body.

        Parameters
        ----------
        body
            JSON, followed by binary data if there is any.
        header_length
            Length of the JSON in bytes; empty if the body is all JSON.

        Raises
        ------
        HTTPProblem
            The request is invalid.
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
            return Reply(200, JSON, text)
        return Reply(200, [("Content-Type", BINARY_TYPE), (HEADER_LENGTH, str(len(text)))], text + binary)

    def _output(self, name: str, codes: Codes, samples: Numbers) -> dict[str, Any]:
        predict, probabilities, _ = OUTPUTS
        if name == predict:
            return _tensor(name, "INT64", codes)
        if name == probabilities:
            return _tensor(name, "FP64", self._predictor.probabilities(samples))
        names = [self.classes[code] for code in codes]
        return {"name": name, "datatype": "BYTES", "shape": [len(names)], "data": names}


def _get(rule: str, summary: str, message: msgspec.Struct) -> Route:
    return Route(rule, always(message), get_operation(summary, type(message).__name__))


def _tensor(name: str, datatype: str, values: NDArray[Any]) -> dict[str, Any]:
    return {"name": name, "datatype": datatype, "shape": values.shape, "data": np.ascontiguousarray(values).ravel()}


def _bytes_of(data: Any) -> bytes:
    if isinstance(data, np.ndarray):
        return data.astype(data.dtype.newbyteorder("<")).tobytes()
    texts = [text.encode() for text in data]
    return b"".join(len(text).to_bytes(4, "little") + text for text in texts)


def exactly(name: str) -> type[BaseConverter]:
    """Return a converter for Flask rules that matches only this name; it may contain any characters."""
    return type("Exactly", (BaseConverter,), {"regex": re.escape(name), "part_isolating": False})


def nothing_at(path: str, model: str) -> str:
    """Return the message for a request to another model or version."""
    known = f"{quoted(model)}, version {quoted(VERSION)}, at {MODELS}{quote(model, safe='')}"
    return f"nothing is at {path[:60]!a}; the model here is {known}"
