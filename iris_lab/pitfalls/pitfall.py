"""A pitfall, and the file of those that were found."""

import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from iris_lab.by_step import CHECKS_FILE, write_by_step
from iris_lab.data.dataset import Dataset
from iris_lab.data.schema import Feature

MOST_SAMPLES = 10_000  # on which a pitfall is looked for, drawn with a fixed seed


@dataclass(frozen=True)
class Pitfall:
    """Something that could mislead.

    Attributes
    ----------
    code
        Stays the same in all versions.
    subject
        The feature, class or step that it is about.
    measured
        What was found, with numbers.
    why
        Why it matters.
    action
        What to do.
    """

    code: str
    subject: str
    measured: str
    why: str
    action: str


Found = Iterator[Pitfall]


def record_pitfalls(folder: Path, step: str, pitfalls: Iterable[Pitfall]) -> pd.DataFrame:
    """Write the pitfalls of a step into ``checks.json``, beside those of the others, and return them as a table."""
    path, found = folder / CHECKS_FILE, list(pitfalls)
    known = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    known[step] = [asdict(pitfall) for pitfall in found]
    write_by_step(path, known)
    columns = {"about": "subject", "measured": "measured", "why it matters": "why", "what to do": "action"}
    rows = {title: [getattr(pitfall, name) for pitfall in found] for title, name in columns.items()}
    return pd.DataFrame(rows, index=pd.Index([pitfall.code for pitfall in found], name="pitfall"))


def rows_looked_at(dataset: Dataset) -> NDArray[np.int64]:
    """Return the rows on which a pitfall is looked for."""
    count = len(dataset.target)
    if count <= MOST_SAMPLES:
        return np.arange(count)
    return np.sort(np.random.default_rng(0).choice(count, MOST_SAMPLES, replace=False))


def columns_of(dataset: Dataset) -> Iterator[tuple[Feature, NDArray[np.float64]]]:
    """Yield each feature with its values."""
    for place, feature in enumerate(dataset.schema):
        yield feature, dataset.features.iloc[:, place].to_numpy()
