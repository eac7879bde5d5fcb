"""Decodes inference requests."""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from iris_lab.data.schema import Feature
from iris_lab.serving.http.problems import HTTPProblem, Problem, quoted
from iris_lab.serving.oip.protocol import (
    BINARY_SIZE,
    FEATURES,
    HEADER_LENGTH,
    OUTPUTS,
    InferenceRequest,
    RequestInput,
    RequestOutput,
)
from iris_lab.serving.oip.tensors import InputTensor
from iris_lab.serving.predictions.validation import misspelling, parse, refuse_any, repeated_members, suggestion

UNSUPPORTED = {"classification", "shared_memory_region"}  # parameters of Triton that would change the answer
_WORDS = {"array": "a list", "object": "an object", "Object": "object", "str": "text", "int": "an integer",
          "float": "a number", "bool": "true or false", "NotFinite": "a number that is not finite"}  # fmt: skip


class RequestReader:
    """Reads inference requests to a model.

    Parameters
    ----------
    features
        Its features, in the order of training.
    """

    def __init__(self, features: Sequence[Feature]) -> None:
        self.schema = {feature.name: feature for feature in features}
        self.features = tuple(self.schema)

    def read(self, body: bytes, header_length: str = "") -> tuple[InferenceRequest, NDArray[np.float64]]:
        """Return a request, and its samples: finite numbers, shape (samples, features).

        Parameters
        ----------
        body
            JSON, followed by binary data if there is any.
        header_length
            Length of the JSON in bytes; empty if the body is all JSON.

        Raises
        ------
        HTTPProblem
            The request is invalid; all problems are named, up to a limit.
        """
        size = _size_of_json(body, header_length)
        document = parse(body[:size], member="inputs", exact=True)
        request = _convert(document)
        raws, rest = _cut(request.inputs, body[size:])
        tensors = self._tensors(request.inputs, raws)
        refuse_any(self._find(document, request, tensors, rest))
        if not tensors[0].single:
            return request, tensors[0].values()
        columns = {tensor.given.name: tensor.values() for tensor in tensors}
        return request, np.hstack([columns[name] for name in self.features])

    def _tensors(self, inputs: list[RequestInput], raws: list[bytes | None]) -> list[InputTensor]:
        """Return the inputs that have a known name."""
        together = self.features != (FEATURES,) and all(given.name == FEATURES for given in inputs)
        return [
            InputTensor(
                f"inputs[{place}]",
                given,
                [self.schema[name] for name in self.features if together or name == given.name],
                not together,
                raw,
            )
            for place, (given, raw) in enumerate(zip(inputs, raws, strict=True))
            if together or given.name in self.features
        ]

    def _find(
        self, document: dict[str, Any], request: InferenceRequest, tensors: list[InputTensor], rest: int
    ) -> Iterator[Problem]:
        yield from _repeated(document)
        yield from self._problems_of_names([given.name for given in request.inputs])
        for tensor in tensors:
            yield from tensor.problems()
        samples = {tensor.given.shape[0] for tensor in tensors}
        if len(samples) > 1:
            yield Problem(f"the inputs have {min(samples)} to {max(samples)} samples, expected the same number in each")
        if rest:
            yield Problem(f"{rest} bytes of binary data belong to no input, expected none: see {BINARY_SIZE}")
        yield from _problems_of_outputs(request)

    def _problems_of_names(self, given: list[str]) -> Iterator[Problem]:
        yield from _more_than_once("input", given)
        if set(given) == {FEATURES}:
            return
        unknown = [name for name in given if name not in self.features]
        for name in unknown:
            hint = suggestion(name, self.features)
            detail = f"unknown input {quoted(name)}: {hint} (or send one input {quoted(FEATURES)} with all features)"
            yield Problem(detail, given=quoted(name))
        for name in self.features:
            if name not in given and len(unknown) < len(given):
                yield Problem(f"input {quoted(name)} is missing{misspelling(name, unknown)}", feature=name)


def _size_of_json(body: bytes, header_length: str) -> int:
    if not header_length:
        return len(body)
    if header_length.isascii() and header_length.isdigit() and len(header_length) < 20:
        size = int(header_length)
        if size <= len(body):
            return size
    detail = f"{HEADER_LENGTH} is {header_length[:30]!a}, expected the length of the JSON, at most {len(body)}"
    raise HTTPProblem(400, "length", detail)


def _convert(document: Any) -> InferenceRequest:
    try:
        request = msgspec.convert(document, InferenceRequest)
        str(request.id).encode()  # the answer repeats it
    except UnicodeEncodeError as error:
        detail = f"the text {quoted(error.object)} has a lone surrogate, expected valid Unicode"
        raise HTTPProblem(422, "invalid-data", detail, [Problem(detail)]) from error
    except msgspec.ValidationError as error:
        what, _, place = str(error).partition(" - at `$")
        what = what.replace("`", "").replace(" | ", " or ")
        words = re.sub(r"\w+", lambda word: _WORDS.get(word[0], word[0]), what)
        detail = f"{place.strip('.`') or 'the body'}: {words[0].lower()}{words[1:]}"
        raise HTTPProblem(422, "invalid-data", detail, [Problem(detail)]) from error
    return request


def _cut(inputs: list[RequestInput], binary: bytes) -> tuple[list[bytes | None], int]:
    """Return the binary data of each input, or None, and the number of bytes left over."""
    raws: list[bytes | None] = []
    start = 0
    for given in inputs:
        size = given.parameters.get(BINARY_SIZE)
        if size is None:
            raws.append(None)
            continue
        # An invalid size yields no bytes; the tensor is then refused.
        end = start + (size if type(size) is int and size > 0 else 0)
        raws.append(binary[start:end])
        start = end
    return raws, max(0, len(binary) - start)


def _repeated(document: dict[str, Any]) -> Iterator[Problem]:
    places = [("", document)]
    for member in ("inputs", "outputs"):
        places += [(f"{member}[{place}]: ", given) for place, given in enumerate(document.get(member, ()))]
    for where, given in places:
        yield from repeated_members(given, where)
        if "parameters" in given:
            yield from repeated_members(given["parameters"], f"{where}parameters: ")


def _more_than_once(what: str, names: list[str]) -> Iterator[Problem]:
    for name, times in Counter(names).items():
        if times > 1:
            yield Problem(f"{what} {quoted(name)} is given more than once, expected once", given=quoted(name))


def _problems_of_outputs(request: InferenceRequest) -> Iterator[Problem]:
    names = [output.name for output in request.outputs]
    yield from _more_than_once("output", names)
    for name in dict.fromkeys(names):
        if name not in OUTPUTS:
            yield Problem(f"unknown output {quoted(name)}: expected {', '.join(OUTPUTS)}", given=quoted(name))
    tensors: list[RequestInput | RequestOutput] = [*request.inputs, *request.outputs]
    for tensor in tensors:
        for name in UNSUPPORTED & tensor.parameters.keys():
            yield Problem(f"{quoted(tensor.name)}: parameter {name} is not supported")
