"""Decodes prediction requests and describes them in OpenAPI, as declared in `contract`."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from iris_lab.modeling.description import feature_of
from iris_lab.serving.predictions.contract import AT_LEAST_ONE, BODY, sample_members, values_of
from iris_lab.serving.predictions.validation import examine

CHUNK_BYTES = 2**16  # converted at a time; larger buffers would be mapped and unmapped for every request


class Samples(NamedTuple):
    """A decoded request.

    Attributes
    ----------
    values
        Features in the order of training, shape (samples, features), as numbers (see `iris_lab.data.schema`).
    probabilities
        Whether the client requested them.
    """

    values: NDArray[np.float64]
    probabilities: bool


class RequestSchema:
    """The body of a prediction request, for the features of one model.

    Parameters
    ----------
    features
        The entries ``features`` of ``model.json``.
    """

    def __init__(self, features: Sequence[Mapping[str, Any]]) -> None:
        self.members, self._features = sample_members(features), [feature_of(described) for described in features]
        self.names = [member.name for member in self.members]
        # msgspec cannot use field names that need JSON escapes, and texts may hold quotes, which are counted to find
        # repeated keys: requests to such models take the slow path.
        self.plain = all(feature.is_plain for feature in self._features) and not any(
            set(name) & {'"', "\\"} or not name.isprintable() for name in self.names
        )
        self._booleans = [place for place, feature in enumerate(self._features) if feature.kind == "boolean"]
        fields = [f"feature_{index}" for index in range(len(self.members))]
        sample = msgspec.defstruct(
            "Sample",
            [
                (field, Annotated[member.kind.type, member.meta])
                for field, member in zip(fields, self.members, strict=True)
            ],
            rename=dict(zip(fields, self.names, strict=True)) if self.plain else None,
            forbid_unknown_fields=True,
            gc=False,
        )
        self.body = _request_struct(sample)
        self._decode = msgspec.json.Decoder(self.body).decode
        self._pack = msgspec.msgpack.Encoder().encode
        one = sample(*[0.0] * len(fields))  # only where all are numbers is it packed like this
        ends = np.cumsum([len(self._pack(name)) + 9 for name in one.__struct_encode_fields__])
        self._size = len(self._pack(one))
        self._offsets = (self._size - ends[-1] + ends - 8).tolist()  # of the numbers in a packed sample

    def read(self, body: bytes) -> Samples:
        """Decode a request.

        Raises
        ------
        HTTPProblem
            It is invalid; all problems are named, up to a limit.
        """
        if self.plain:
            try:
                request: Any = self._decode(body)
                if request.columns is not msgspec.UNSET:  # the decoder does not validate a raw member
                    body.isascii() or body.decode()
                    msgspec.json.decode(request.columns)
            except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
                pass  # the slow path finds the problems
            else:
                if self._has_no_repeated_key(body, request) and self._has_booleans(
                    values := self._values(request.data)
                ):
                    return Samples(values, request.probabilities is True)
        rows, probabilities = examine(body, self.members)
        columns = zip(self._features, zip(*rows, strict=True), strict=True)
        return Samples(np.column_stack([values_of(*column) for column in columns]), probabilities)

    def _has_no_repeated_key(self, body: bytes, request: Any) -> bool:
        # The decoder keeps the last of several equal keys. Every key has two quotes, and the decoded request has no
        # other quotes. Further quotes are those of a repeated or unknown key; the slow path decides which.
        keys = 1 + len(request.data) * len(self.names) + (request.probabilities is not msgspec.UNSET)
        if request.columns is msgspec.UNSET:
            return _quotes(body) == 2 * keys
        return _quotes(body) == 2 * keys + 2 + bytes(request.columns).count(b'"')

    def _has_booleans(self, values: NDArray[np.float64]) -> bool:
        """Say whether a boolean given as a number is 1 or 0."""
        return not self._booleans or bool(np.isin(values[:, self._booleans], (0, 1)).all())

    def _values(self, rows: list[Any]) -> NDArray[np.float64]:
        if len(rows) == 1:
            return np.array((msgspec.structs.astuple(rows[0]),), np.float64)
        # Extracting 40,000 numbers from 10,000 samples takes 0.8 ms in Python, 0.3 ms through MessagePack: there every
        # double has nine bytes, so a number has the same offset in every sample.
        values = np.empty((len(rows), len(self._offsets)))
        step = max(1, CHUNK_BYTES // self._size)
        for first in range(0, len(rows), step):
            self._unpack(rows[first : first + step], values[first : first + step])
        return values

    def _unpack(self, rows: list[Any], values: NDArray[np.float64]) -> None:
        packed = self._pack(rows)
        start = len(packed) - len(rows) * self._size
        if start < 0:  # some values are booleans, which have one byte
            values[:] = [msgspec.structs.astuple(row) for row in rows]
            return
        for column, offset in enumerate(self._offsets):
            values[:, column] = np.ndarray(len(rows), ">f8", packed, start + offset, self._size)

    def components(self) -> dict[str, Any]:
        """Return the JSON Schemas of the request, by name."""
        _, schemas = msgspec.json.schema_components([self.body], ref_template="#/components/schemas/{name}")
        sample = schemas["Sample"]
        sample["properties"] = dict(zip(self.names, sample["properties"].values(), strict=True))
        sample["required"] = self.names
        return schemas


def _request_struct(sample: type) -> type[msgspec.Struct]:
    samples = Annotated[list[sample], AT_LEAST_ONE]  # type: ignore[valid-type]  # a struct made at run time
    types = {member.name: member.kind.type for member in BODY} | {"data": samples}
    fields: list[tuple[str, Any] | tuple[str, Any, Any]] = []
    for member in BODY:
        kind = types[member.name]
        if member.required:
            fields.append((member.name, Annotated[kind, member.meta]))
        else:
            fields.append((member.name, Annotated[kind | msgspec.UnsetType, member.meta], msgspec.UNSET))
    return msgspec.defstruct("PredictionRequest", fields)


def _quotes(body: bytes) -> int:
    if len(body) < CHUNK_BYTES:
        return body.count(b'"')
    # NumPy takes 50 µs per megabyte, bytes.count 250.
    characters = np.frombuffer(body, np.uint8)
    chunks = (characters[start : start + CHUNK_BYTES] for start in range(0, len(body), CHUNK_BYTES))
    return sum(int(np.count_nonzero(chunk == ord('"'))) for chunk in chunks)
