"""Answers prediction requests."""

from typing import TYPE_CHECKING, Any
from wsgiref.types import WSGIEnvironment

import numpy as np
import orjson

from iris_lab.data.schema import UNKNOWN_LEVEL
from iris_lab.data.sources import Source
from iris_lab.errors import InputError
from iris_lab.prediction.predictor import Numbers, Predictor
from iris_lab.prediction.tables import predict_table
from iris_lab.serving.http.body_handler import BodyHandler
from iris_lab.serving.http.problems import MAX_PROBLEMS, HTTPProblem, Problem, Reply
from iris_lab.serving.http.telemetry import Telemetry
from iris_lab.serving.predictions.openapi import answer_schema, predict_operation, table_operation
from iris_lab.serving.predictions.schema import RequestSchema
from iris_lab.serving.routes import JSON, PREDICT, PREDICT_SPECIES, PREDICT_TABLE, Json, Route, predict_path

if TYPE_CHECKING:
    from iris_lab.modeling import Model


CSV = (("Content-Type", "text/csv; charset=utf-8"),)
TABLE_TYPES = ("text/csv", "text/csv; charset=utf-8", "application/vnd.ms-excel")  # the last is Windows' type of a CSV
LONGEST_DETAIL = 2000


class PredictionHandler:
    """Handles the prediction route.

    Parameters
    ----------
    model
        The evaluated model.
    predictor
        Its predictions.
    bodies
        Reads request bodies.
    telemetry
        Where predictions are counted.

    Attributes
    ----------
    schema
        Decodes the requests.
    """

    def __init__(self, model: "Model", predictor: Predictor, bodies: BodyHandler, telemetry: Telemetry) -> None:
        self.schema = RequestSchema(model.info["features"])
        self._model, self._predictor, self._classes = model, predictor, list(model.classes)
        self._bodies, self._telemetry = bodies, telemetry
        self._categories = {at: one.name for at, one in enumerate(model.schema) if one.kind == "category"}

    def routes(self) -> list[Route]:
        """Return its routes."""
        path = predict_path(self._model)
        other = PREDICT_SPECIES if path == PREDICT else PREDICT  # works, too, so that a client can stay as it is
        return [
            Route(path, self.handle, predict_operation(self._model), "POST"),
            Route(other, self.handle, None, "POST"),
            Route(PREDICT_TABLE, self.handle_table, table_operation(self._model), "POST"),
        ]

    def schemas(self) -> Json:
        """Return the JSON Schemas that the operation refers to, by name."""
        return self.schema.components() | {"PredictionAnswer": answer_schema(self._model)}

    def handle(self, environ: WSGIEnvironment) -> Reply:
        """Answer a prediction request, in the tutorial's format.

        Raises
        ------
        HTTPProblem
            The request is invalid, or over a limit.
        """
        return Reply(200, JSON, self._bodies.answer(environ, self._predict))

    def handle_table(self, environ: WSGIEnvironment) -> Reply:
        """Answer a CSV table with the table and its predictions.

        Raises
        ------
        HTTPProblem
            The table cannot be read, lacks a feature, or has an invalid value; or the request is over a limit.
        """
        return Reply(200, CSV, self._bodies.answer(environ, self._predict_table, *TABLE_TYPES))

    def _predict_table(self, body: bytes) -> bytes:
        try:
            lines = predict_table(self._model, self._predictor, Source("table.csv", body))
            return "".join(lines).encode()
        except InputError as error:
            detail = " ".join(str(error).split())[:LONGEST_DETAIL]
            raise HTTPProblem(422, "invalid-data", detail, [Problem(detail)]) from error

    def _predict(self, body: bytes) -> bytes:
        samples = self.schema.read(body)
        codes = self._predictor.codes(samples.values)
        result: dict[str, Any] = {"result": codes}
        if samples.probabilities:
            result |= {"classes": self._classes, "probabilities": self._predictor.probabilities(samples.values)}
        if unknown := self._unknown(samples.values):
            result["unknown"] = unknown
        self._telemetry.count_predictions(codes)
        return orjson.dumps(result, option=orjson.OPT_SERIALIZE_NUMPY)

    def _unknown(self, values: Numbers) -> list[dict[str, Any]]:
        """Return where a sample has a level that training did not have, up to a limit."""
        if not self._categories:
            return []
        found = np.argwhere(values[:, list(self._categories)] == UNKNOWN_LEVEL)[:MAX_PROBLEMS]
        names = list(self._categories.values())
        return [{"row": row, "feature": names[column]} for row, column in found.tolist()]
