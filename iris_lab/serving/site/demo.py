"""The controls of the demo page's form, one per feature."""

import math
from collections.abc import Mapping, Sequence
from decimal import ROUND_CEILING, ROUND_FLOOR, ROUND_HALF_EVEN, Context, Decimal
from typing import Any

from iris_lab.modeling.description import feature_of

MAX_SLIDER_STEPS, USUAL_SLIDER_STEPS = 10**6, 1000
FIELD_CHARACTERS = 12  # visible in a field of the form
SHORT_DIGITS, EXACT_DIGITS = 6, 17  # significant digits: of a rounded number, and enough for any number exactly
INWARDS = {"min": ROUND_CEILING, "max": ROUND_FLOOR}


def controls(features: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return what the form needs to know about each feature.

    Parameters
    ----------
    features
        The entries ``features`` of ``model.json``.

    Returns
    -------
    list of dict
        ``name``, ``kind``, ``unit``, ``min``, ``max`` and ``missing`` as in the model. Of a category, ``levels`` and
        ``start``, the place of the most frequent one; of a boolean, ``start``; of a date, ``start``, ``low`` and
        ``high`` as ISO dates. Of a number the slider's ``step`` and the number of decimals of its
        values, ``digits``; ``significant``, the number of significant digits of a rounded value; ``start``, ``low`` and
        ``high``, the median and the ends of the training range as text; ``width``, the length of the longest of these.
        Texts that would be too long are rounded, the ends inwards, so that all lie in the training range.
    """
    return [_control(feature) for feature in features]


def _control(described: Mapping[str, Any]) -> dict[str, Any]:
    feature = feature_of(described)
    control = {name: described[name] for name in ("name", "unit", "min", "max")}
    control |= {"kind": feature.kind, "missing": feature.missing}
    if feature.kind == "number":
        return control | _number(described)
    if feature.kind == "date":
        days = [float(math.floor(described[name])) for name in ("median", "min", "max")]
        return control | dict(zip(("start", "low", "high"), feature.spell(days), strict=True))
    return control | {"levels": feature.levels or ("false", "true"), "start": round(described["median"])}


def _number(feature: Mapping[str, Any]) -> dict[str, Any]:
    span, step = feature["max"] - feature["min"], 10.0 ** -feature["decimals"]
    if span > 0 and not span / MAX_SLIDER_STEPS <= step <= span:  # the recorded decimals are too many or too few
        step = 10.0 ** math.floor(math.log10(span / USUAL_SLIDER_STEPS))
    digits = min(max(0, -round(math.log10(step))), 100)
    size = math.log10(max(abs(feature["min"]), abs(feature["max"])) or 1)
    significant = max(SHORT_DIGITS, math.floor(size) - round(math.log10(step)) + 1) if span > 0 else EXACT_DIGITS
    low, high = (_written(feature[end], digits, significant, inwards) for end, inwards in INWARDS.items())
    start = sorted((low, _written(feature["median"], digits, significant, ROUND_HALF_EVEN), high), key=float)[1]
    return {
        "step": step,
        "digits": digits,
        "significant": min(significant, EXACT_DIGITS),
        "start": start,
        "low": low,
        "high": high,
        "width": max(map(len, (start, low, high))),
    }


def _written(value: float, digits: int, significant: int, rounding: str) -> str:
    """Return a number with `digits` decimals if that is exact, else with all its decimals, or rounded if too long."""
    for text in (f"{value:.{digits}f}", repr(value)):
        if float(text) == value and (len(text) <= FIELD_CHARACTERS or significant >= EXACT_DIGITS):
            return text
    rounded = Context(prec=significant, rounding=rounding).create_decimal(Decimal(value)).normalize()
    return min(f"{rounded:f}", f"{rounded:e}".replace("e+", "e"), key=len)
