"""The body of a prediction request, declared once: the decoder, the error messages and OpenAPI all derive from it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

import msgspec

from iris_lab.data.schema import LARGEST, finite_number

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
    bool | NUMBER.type,
    lambda value: BOOLEAN.accepts(value) or NUMBER.accepts(value),
    "true or false, or as a number 1 or 0",
)
SAMPLES = JsonType(
    Annotated[list[Any], AT_LEAST_ONE],
    lambda value: type(value) is list and len(value) > 0,
    "a list of at least one sample",
)
ANYTHING = JsonType(msgspec.Raw, lambda _: True, "anything")
SAMPLE = JsonType(dict, lambda value: isinstance(value, dict), "an object with a value for each feature")

FEATURE_TYPES = {"number": NUMBER, "boolean": BOOLEAN_FEATURE}  # by kind
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
        Member(
            feature["name"],
            FEATURE_TYPES[feature.get("kind", "number")],
            _description(feature),
            [example_value(feature)],
        )
        for feature in features
    ]


def example_value(feature: Mapping[str, Any]) -> float | bool:
    """Return the median of a feature in the training data."""
    if feature.get("kind") == "boolean":
        return bool(feature["median"] >= 0.5)
    return float(f"{feature['median']:.12g}")  # the mean of two values has noise in its last digits


def _description(feature: Mapping[str, Any]) -> str:
    kind = "True or false; as a number, 1 or 0. " if feature.get("kind") == "boolean" else ""
    unit = f" {feature['unit']}" if feature.get("unit") else ""
    return f"{kind}Training range {feature['min']:g} to {feature['max']:g}{unit}."
