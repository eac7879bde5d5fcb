"""A dataset: samples with features, and one class each."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from iris_lab.data.schema import Feature

if TYPE_CHECKING:
    from iris_lab.data.sources import Source


@dataclass(frozen=True, eq=False)
class Dataset:
    """A table of samples with features and one class each.

    Attributes
    ----------
    name
        Short name, for titles and file names.
    features
        Data frame of float64, shape (samples, features); `schema` says what the numbers stand for.
    target
        Integer code of each sample's class, shape (samples,).
    classes
        Class names; ``classes[code]`` is the name of a code.
    target_name
        Name of the column that holds the class.
    source
        Where the data come from, in one line.
    special
        The features that are not numbers without gaps, by name.
    missing
        Words that stand for a missing value, beside the usual ones, with commas between them.
    groups
        Number of the group of each sample, such as a patient, shape (samples,); None where samples stand alone.
    time
        When each sample was taken, in any unit, shape (samples,); None where that does not matter.
    notes
        What was found when the table was read, one sentence each.
    table
        The table it was read from; None for a bundled dataset, and for a private run.
    reading
        The parameters of `load_dataset` with which it was read, but for those that were empty; for a private run,
        whose later steps have to read the table again, also its source.
    exact_digest
        Digest of the table that this one is a coarser form of, for a private run; else empty.
    """

    name: str
    features: pd.DataFrame
    target: NDArray[np.int64]
    classes: tuple[str, ...]
    target_name: str
    source: str
    special: Mapping[str, Feature] = field(default_factory=dict)
    missing: str = ""
    groups: NDArray[np.int64] | None = None
    time: NDArray[np.float64] | None = None
    notes: tuple[str, ...] = ()
    table: "Source | None" = None
    reading: Mapping[str, str] = field(default_factory=dict)
    exact_digest: str = ""

    @property
    def is_private(self) -> bool:
        """Whether no sample of it may be shown, see `iris_lab.data.privacy`."""
        return bool(self.exact_digest)

    @property
    def labels(self) -> "pd.Series[str]":
        """Class name of each sample, named after the target column; samples count from 1, as in published tables."""
        names = [self.classes[code] for code in self.target]
        return pd.Series(names, pd.RangeIndex(1, len(names) + 1, name="sample"), name=self.target_name)

    @property
    def frame(self) -> pd.DataFrame:
        """Features as they are spelled and class names in one table, its samples counted from 1."""
        return self.spelled(self.features).set_axis(self.labels.index).assign(**{self.target_name: self.labels})

    def spelled(self, features: pd.DataFrame) -> pd.DataFrame:
        """Return some samples of `features` with texts for categories, booleans and dates."""
        texts = {name: one.spell(features[name]) for name, one in self.special.items() if one.kind != "number"}
        return features.assign(**texts)

    @property
    def schema(self) -> list[Feature]:
        """What each feature is, in the order of the table."""
        return [self.special.get(name, Feature(name)) for name in self.features.columns]

    @property
    def is_discrete(self) -> bool:
        """Whether no feature is a number or a date, so that equal samples are to be expected."""
        return all(feature.kind in ("category", "boolean") for feature in self.schema)

    @property
    def numeric(self) -> "Dataset":
        """The same samples with numbers and dates alone."""
        names = [feature.name for feature in self.schema if feature.kind in ("number", "date")]
        return replace(self, features=self.features[names])

    @property
    def digest(self) -> str:
        """SHA-256 of the content: names, classes, values. It does not depend on file format and row labels."""
        if self.exact_digest:
            return self.exact_digest
        header: list[object] = [list(self.features.columns), self.target_name, list(self.classes)]
        if not all(feature.is_plain for feature in self.schema):
            header.append([[name, one.kind, one.levels, one.missing] for name, one in self.special.items()])
        content = hashlib.sha256(json.dumps(header).encode())
        content.update(self.features.to_numpy(dtype="<f8", copy=True).tobytes("C"))
        content.update(self.target.astype("<i8").tobytes())
        return content.hexdigest()
