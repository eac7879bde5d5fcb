"""From requests to answers: what Flask's routes and the shortcut in front of it share."""

import gc
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from threading import Lock
from typing import Any, TypeVar
from wsgiref.types import WSGIEnvironment

import orjson
from werkzeug.http import parse_options_header

from iris_lab.modeling import Model
from iris_lab.prediction.predictor import Predictor
from iris_lab.serving.http.bodies import BodyReader
from iris_lab.serving.http.middleware import ROUTE, Rules
from iris_lab.serving.http.problems import Refusal, Reply
from iris_lab.serving.http.telemetry import Telemetry
from iris_lab.serving.oip.inference import BINARY_TYPE, INFER, Inference
from iris_lab.serving.predictions.schema import RequestSchema

PREDICT = "/predict_species"
HUGE = 2**18  # bytes; such bodies take turns, so that several of them cannot keep small ones waiting
JSON = [("Content-Type", "application/json")]
Posts = dict[str, Callable[[WSGIEnvironment], Reply]]
_Answer = TypeVar("_Answer")


class Answers:
    """Answers the requests that have a body.

    Parameters
    ----------
    model
        The evaluated model.
    rules
        Limits of size and time.
    telemetry
        Where predictions are counted.

    Attributes
    ----------
    posts
        What answers a POST, by path as WSGI has it; the paths of `RULES`, in that order.
    """

    RULES = (PREDICT, *INFER)

    def __init__(self, model: Model, rules: Rules, telemetry: Telemetry) -> None:
        self.schema = RequestSchema(model.info["features"])
        self.bodies = BodyReader(rules.max_body, rules.body_seconds, self._is_busy)
        self._predictor, self._classes, self._telemetry = Predictor(model), list(model.classes), telemetry
        self._inference = Inference(model, self._predictor, telemetry)
        self.posts: Posts = {PREDICT: self.predict, **dict.fromkeys(self._inference.paths, self.infer)}
        self._turn = Lock()
        self._huge: list[None] = []  # as many as huge bodies wait for their answers

    def predict(self, environ: WSGIEnvironment) -> Reply:
        """Answer as the tutorial did.

        Raises
        ------
        Refusal
            The request is not what the schema says, or over the limits.
        """
        check_content_type(environ)
        return Reply(200, JSON, self._in_turn(self._predict, self.bodies.read(environ)))

    def _predict(self, body: bytes) -> bytes:
        samples = self.schema.read(body)
        codes = self._predictor.codes(samples.values)
        result: dict[str, Any] = {"result": codes}
        if samples.probabilities:
            result |= {"classes": self._classes, "probabilities": self._predictor.probabilities(samples.values)}
        self._telemetry.count_predictions(codes)
        return orjson.dumps(result, option=orjson.OPT_SERIALIZE_NUMPY)

    def infer(self, environ: WSGIEnvironment) -> Reply:
        """Answer in the Open Inference Protocol.

        Raises
        ------
        Refusal
            The request is not what the protocol and the model expect, or over the limits.
        """
        environ[ROUTE] = INFER[0]
        header_length = environ.get("HTTP_INFERENCE_HEADER_CONTENT_LENGTH", "")
        check_content_type(environ, "", BINARY_TYPE if header_length else "")  # tritonclient declares no type
        return self._in_turn(lambda body: self._inference.answer(body, header_length), self.bodies.read(environ))

    def _in_turn(self, answer: Callable[[bytes], _Answer], body: bytes) -> _Answer:
        if len(body) < HUGE:
            return answer(body)
        self._huge.append(None)
        try:
            with self._turn, _no_collection():
                try:
                    return answer(body)
                except Refusal as refusal:
                    raise refusal.with_traceback(None) from None  # or its frames would keep what was read
        finally:
            self._huge.pop()

    def _is_busy(self) -> bool:
        return bool(self._huge)


@contextmanager
def _no_collection() -> Iterator[None]:
    # None of the millions of objects in a body is garbage, but the collector looks through them again and again, and
    # no other thread runs meanwhile: with 16 MB of nested lists for 4.5 s, without the collector for 0.5.
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


def check_content_type(environ: Mapping[str, Any], *others: str) -> None:
    """Refuse a body that is declared to be neither JSON in UTF-8 nor one of the others; the empty one is no type.

    Raises
    ------
    Refusal
        415.
    """
    encoding = environ.get("HTTP_CONTENT_ENCODING")
    if encoding and encoding.lower() != "identity":
        detail = f"Content-Encoding is {encoding[:60]!a}, expected a body as it is"
        raise Refusal(415, "content-type", detail, headers={"Accept-Encoding": "identity"})
    given = environ.get("CONTENT_TYPE", "")
    if given == "application/json" or given in others:
        return
    media_type, parameters = parse_options_header(given)
    if media_type.lower() != "application/json" or parameters.get("charset", "utf-8").lower() not in ("utf-8", "utf8"):
        came = f"is {given[:60]!a}" if given else "is missing"
        raise Refusal(415, "content-type", f"Content-Type {came}, expected application/json in UTF-8")
