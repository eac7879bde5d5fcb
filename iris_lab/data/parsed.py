"""Datasets that the runner of a report has read already, so that its kernels need not read the table again."""

import hashlib
import json
import os
import pickle
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from iris_lab.data.sources import Source

if TYPE_CHECKING:
    from iris_lab.data.dataset import Dataset

VARIABLE = "IRIS_LAB_PARSED"  # names the runner's private folder, in the environment of its kernels
FROM_BYTES = 2**19  # a smaller table is read as quickly again


def store(dataset: "Dataset", folder: Path) -> None:
    """Write the dataset of a large table into a private folder, for `find_parsed`."""
    if dataset.table and len(dataset.table.content) >= FROM_BYTES:
        with (folder / _name(dataset.table, dataset.reading)).open("wb") as file:
            pickle.dump(replace(dataset, table=None), file, protocol=5)


def find_parsed(table: Source, reading: Mapping[str, str]) -> "Dataset | None":
    """Return the dataset that the runner read from the same bytes in the same way, if there is one."""
    folder = os.environ.get(VARIABLE, "")
    if not folder or len(table.content) < FROM_BYTES:
        return None
    path = Path(folder) / _name(table, reading)
    if not path.is_file():
        return None
    with path.open("rb") as file:
        found: Dataset = pickle.load(file)  # noqa: S301 (the folder is the runner's own)
    return replace(found, table=table)


def _name(table: Source, reading: Mapping[str, str]) -> str:
    content = hashlib.sha256(table.content)
    content.update(json.dumps([table.file_name, sorted(reading.items())]).encode())
    return content.hexdigest()
