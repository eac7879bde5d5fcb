"""What happens to features before a classifier sees them: gaps, categories and dates become numbers."""

from collections.abc import Sequence
from itertools import chain
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.compose import ColumnTransformer
from sklearn.impute import MissingIndicator, SimpleImputer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, OrdinalEncoder, StandardScaler

from iris_lab.data.months import month_of
from iris_lab.data.schema import Feature

RARE = 5  # training samples; levels with fewer are taken together
MOST_COLUMNS = 40  # of one category, one a level; the rarest levels are taken together
MOST_SPLIT_LEVELS = 254  # that boosting can tell apart
LATEST = 1e8  # days; NumPy's dates end then or later
PARTS = ("", "year", "month", "day", "weekday")  # of a date; the first is the date itself


class Unchanged(TransformerMixin, BaseEstimator):  # type: ignore[misc]  # scikit-learn has no types
    """Leaves numbers and gaps as they are."""

    def fit(self, X: Any, y: Any = None) -> "Unchanged":  # noqa: N803  # scikit-learn's name
        """Learn nothing."""
        self.n_features_in_ = np.shape(X)[1]
        return self

    def transform(self, X: Any) -> NDArray[np.float64]:  # noqa: N803  # scikit-learn's name
        """Return `X` as an array."""
        return np.asarray(X, np.float64)


class DateParts(TransformerMixin, BaseEstimator):  # type: ignore[misc]  # scikit-learn has no types
    """Splits dates, in days since 1970-01-01, into days, year, month, day of the month and weekday (0: Monday)."""

    parts: tuple[str, ...] = PARTS

    def fit(self, X: Any, y: Any = None) -> "DateParts":  # noqa: N803  # scikit-learn's name
        """Learn nothing."""
        self.n_features_in_ = np.shape(X)[1]
        return self

    def transform(self, X: Any) -> NDArray[np.float64]:  # noqa: N803  # scikit-learn's name
        """Return an array with the columns `parts` for each of `X`; NaN stays NaN."""
        values = np.asarray(X, np.float64)
        gaps = ~(np.abs(values) < LATEST)
        days = np.floor(np.where(gaps, 0.0, values)).astype("datetime64[D]")
        months, years = days.astype("datetime64[M]"), days.astype("datetime64[Y]")
        parts = [
            values,
            years.astype(np.int64) + 1970.0,
            (months - years).astype(np.int64) + 1.0,
            (days - months).astype(np.int64) + 1.0,
            (days.astype(np.int64) + 3.0) % 7,
        ]
        return np.concatenate([np.where(gaps, np.nan, part) for part in parts[: len(self.parts)]], axis=1)


class Months(DateParts):
    """Takes dates as the first day of their month, and splits these into days, year and month."""

    parts = PARTS[:3]

    def transform(self, X: Any) -> NDArray[np.float64]:  # noqa: N803  # scikit-learn's name
        """Return an array with the columns `parts` for each of `X`; NaN stays NaN."""
        values = np.asarray(X, np.float64)
        return super().transform(month_of(np.where(np.abs(values) < LATEST, values, np.nan)))


def make_preparation(
    schema: Sequence[Feature], *, native: bool = False, private: bool = False
) -> StandardScaler | ColumnTransformer:
    """Return what turns a table's features into numbers without gaps, unfitted.

    Numbers without gaps are standardized and nothing else. In any other table, gaps of numbers and dates are filled
    with the median, with a column that says where; a category becomes one column for each level, missing being a level
    of its own, with rare levels taken together; of dates, year, month, day and weekday are added.

    Parameters
    ----------
    schema
        What each feature is.
    native
        For a classifier that takes gaps and categories as they are: nothing is filled in, and a category stays one
        column. Categories come first.
    private
        Of dates, look at the month only.
    """
    if all(feature.is_plain for feature in schema):
        return StandardScaler()
    steps: dict[str, Any]
    dated = Months() if private else DateParts()
    if native:
        levels = OrdinalEncoder(
            handle_unknown="use_encoded_value", unknown_value=np.nan, encoded_missing_value=np.nan,
            max_categories=MOST_SPLIT_LEVELS,
        )  # fmt: skip
        steps = {"category": levels, "number": Unchanged(), "date": dated}
    else:
        levels = OneHotEncoder(
            handle_unknown="infrequent_if_exist", min_frequency=RARE, max_categories=MOST_COLUMNS, sparse_output=False
        )
        dates = make_pipeline(_filler(), dated, StandardScaler())
        steps = {"category": levels, "number": make_pipeline(_filler(indicator=True), StandardScaler()), "date": dates}
        steps["date, gaps"] = MissingIndicator(error_on_new=False)
    steps["boolean"] = steps["number"]
    names = {kind: [one.name for one in schema if one.kind == kind.split(",")[0]] for kind in steps}
    parts = [(kind, step, names[kind]) for kind, step in steps.items() if names[kind]]
    return ColumnTransformer(parts, verbose_feature_names_out=False)


def _filler(*, indicator: bool = False) -> SimpleImputer:
    return SimpleImputer(strategy="median", add_indicator=indicator, keep_empty_features=True)


def prepared_names(preparation: StandardScaler | ColumnTransformer, schema: Sequence[Feature]) -> list[str]:
    """Return what the columns that a fitted preparation makes stand for: ``"age"``, ``"colour = red"``."""
    if isinstance(preparation, StandardScaler):
        return [feature.name for feature in schema]
    known, names = {feature.name: feature for feature in schema}, list[str]()
    for kind, step, columns in preparation.transformers_:
        if kind == "category":
            names += chain.from_iterable(_level_names(known[name], step, at) for at, name in enumerate(columns))
        elif kind == "date":
            names += [f"{name}: {part}" if part else name for part in step[1].parts for name in columns]
        elif kind == "date, gaps":
            names += [f"{columns[at]} is missing" for at in step.features_]
        elif kind in ("number", "boolean"):
            gaps = step[0].indicator_
            names += [*columns, *(f"{columns[at]} is missing" for at in (gaps.features_ if gaps else ()))]
    return names


def _level_names(feature: Feature, encoder: OneHotEncoder, column: int) -> list[str]:
    rare = encoder.infrequent_categories_[column]
    seen: NDArray[np.float64] = encoder.categories_[column]
    kept = seen if rare is None else seen[~np.isin(seen, rare) & ~(np.isnan(seen) & np.isnan(rare).any())]
    levels = ["missing" if np.isnan(code) else feature.spell([code])[0] for code in kept]
    return [f"{feature.name} = {level}" for level in levels] + [f"{feature.name}: rare levels"] * (rare is not None)
