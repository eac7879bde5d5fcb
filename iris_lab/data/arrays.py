"""What Arrow does with many texts at once, exactly as Python would do with each of them."""

from collections.abc import Collection, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from pyarrow import compute


def as_texts(words: Sequence[str]) -> Any:
    """Return texts as an Arrow array."""
    return pa.array(words, pa.string())


def plain_numbers(texts: Any) -> NDArray[np.float64] | None:
    """Return the numbers of an Arrow array of texts, NaN where one is empty; None where one is not a number."""
    if compute.any(compute.match_substring_regex(texts, r"[^0-9+\-.eE]")).as_py():
        return None
    try:
        numbers = compute.if_else(compute.equal(texts, ""), None, texts).cast(pa.float64())
    except pa.ArrowInvalid:
        return None
    found: NDArray[np.float64] = numbers.fill_null(np.nan).to_numpy()
    return found


def places_among(texts: Any, words: Collection[str]) -> list[int]:
    """Return the places of the ASCII texts of an Arrow array that are among some words in lower case."""
    found = compute.is_in(compute.utf8_lower(texts), as_texts(sorted(words)))
    return np.flatnonzero(found.to_numpy(zero_copy_only=False)).tolist()
