"""The body of a prediction request, declared once: the decoder, the error messages and OpenAPI all derive from it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from iris_lab.data.schema import LARGEST, UNKNOWN_LEVEL, Feature, finite_number
from iris_lab.modeling.description import feature_of

AT_LEAST_ONE = msgspec.Meta(min_length=1)


@dataclass(frozen=True)
class JsonType:
    """The type of a member of a JSON object: for the decoder and OpenAPI, for parsed JSON, and in words.

    Attributes
    ----------
    type
        For msgspec.
    accepts
        Says whether a value parsed by `validation.parse` is of the type; its numbers are floats.
    expected
        The type in words.
    """

    type: Any
    accepts: Callable[[Any], bool]
    expected: str


@dataclass(frozen=True)
class Member:
    """A member of a JSON object.

    Attributes
    ----------
    name
        Its key.
    kind
        Its type.
    description, examples
        For OpenAPI.
    required
        Whether it must be present.
    """

    name: str
    kind: JsonType
    description: str
    examples: list[Any] | None = None
    required: bool = True

    @property
    def meta(self) -> msgspec.Meta:
        """Description and examples for msgspec."""
        return msgspec.Meta(description=self.description, examples=self.examples)


NUMBER = JsonType(
    Annotated[float, msgspec.Meta(ge=-LARGEST, le=LARGEST)],
    lambda value: type(value) is float and abs(value) <= LARGEST,
    finite_number(),
)
BOOLEAN = JsonType(bool, lambda value: type(value) is bool, "true or false")
BOOLEAN_FEATURE = JsonType(
    bool | Annotated[float, msgspec.Meta(ge=0, le=1, extra_json_schema={"enum": [0, 1]})],  # the decoder takes 0.5, too
    lambda value: BOOLEAN.accepts(value) or (type(value) is float and value in (0, 1)),
    "true or false, or as a number 1 or 0",
)
SAMPLES = JsonType(
    Annotated[list[Any], AT_LEAST_ONE],
    lambda value: type(value) is list and len(value) > 0,
    "a list of at least one sample",
)
ANYTHING = JsonType(msgspec.Raw, lambda _: True, "anything")
SAMPLE = JsonType(dict, lambda value: isinstance(value, dict), "an object with a value for each feature")

BODY = (
    Member("data", SAMPLES, "Samples, one object each."),
    Member("probabilities", BOOLEAN, "Also answer the class names and their probabilities.", required=False),
    Member("columns", ANYTHING, "Accepted and not used: features are matched by name.", required=False),
)  # the body may have further members, a sample may not


def sample_members(features: Sequence[Mapping[str, Any]]) -> list[Member]:
    """Return the members of a sample.

    Parameters
    ----------
    features
        The entries ``features`` of ``model.json``.
    """
    return [
        Member(described["name"], _type_of(feature_of(described)), _description(described), [example_value(described)])
        for described in features
    ]


def values_of(feature: Feature, sent: Sequence[Any]) -> NDArray[np.float64]:
    """Return the values of a feature that a client sent, each of the type that the feature has in a sample."""
    if feature.kind in ("number", "boolean"):
        return np.array(sent, np.float64)  # None becomes NaN
    values = feature.parse(["" if value is None else value for value in sent])
    if feature.kind == "category":
        values[[value == "" for value in sent]] = UNKNOWN_LEVEL  # a text, not a gap
    return values


def _type_of(feature: Feature) -> JsonType:
    if feature.kind == "category":
        texts = {"anyOf": [{"enum": list(feature.levels)}, {"type": "string"}]}
        kind = JsonType(_text(texts), lambda value: isinstance(value, str), "a text")
    elif feature.kind == "date":
        forms = {"anyOf": [{"format": "date"}, {"format": "date-time"}]}
        kind = JsonType(
            _text(forms), lambda value: isinstance(value, str) and not np.isnan(feature.parse([value])[0]),
            Feature("", "date").expected,
        )  # fmt: skip
    else:
        kind = BOOLEAN_FEATURE if feature.kind == "boolean" else NUMBER
    return _or_null(kind) if feature.missing else kind


def _text(schema: dict[str, Any]) -> Any:
    return Annotated[str, msgspec.Meta(extra_json_schema=schema)]


def _or_null(kind: JsonType) -> JsonType:
    return JsonType(kind.type | None, lambda value: value is None or kind.accepts(value), f"{kind.expected}, or null")


def example_value(described: Mapping[str, Any]) -> float | bool | str | None:
    """Return the median of a feature in the training data; of a category, the most frequent level."""
    feature = feature_of(described)
    if feature.kind == "boolean":
        return bool(described["median"] >= 0.5)
    if feature.kind == "number":
        return float(f"{described['median']:.12g}")  # the mean of two values has noise in its last digits
    middle = float(round(described["median"]))
    return feature.as_json([middle])[0]


def _description(described: Mapping[str, Any]) -> str:
    feature = feature_of(described)
    gap = " Null where it is not known." if feature.missing else ""
    if feature.kind == "category":
        return f"One of the {len(feature.levels)} levels in the data; any other text is taken as an unknown level.{gap}"
    if feature.kind == "date":
        low, high = feature.spell([described["min"], described["max"]])
        return f"A date, or a date and time, in ISO 8601. Training range {low} to {high}.{gap}"
    kind = "True or false; as a number, 1 or 0. " if feature.kind == "boolean" else ""
    unit = f" {described['unit']}" if described.get("unit") else ""
    return f"{kind}Training range {described['min']:g} to {described['max']:g}{unit}.{gap}"
