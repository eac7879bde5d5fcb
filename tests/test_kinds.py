"""Features that are not plain numbers: what they are taken for, and how a model learns from them."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from mixed_table import mixed_dataset, mixed_table
from sklearn.ensemble import HistGradientBoostingClassifier

from iris_lab.artifacts import read_split, write_split
from iris_lab.data.dataset import Dataset
from iris_lab.data.datasets import load_dataset
from iris_lab.data.schema import UNKNOWN_LEVEL, Feature
from iris_lab.errors import InputError, UnknownNameError
from iris_lab.modeling import MODELS, coefficients, cross_validate, load_model, make_estimator, make_split, save_model


def column(folder: Path, texts: list[str], **options: str) -> Dataset:
    """Load a table of one column, a number, and two classes."""
    rows = [f'"{text}",{row % 7},{"xy"[row % 2]}' for row, text in enumerate(texts)]
    (folder / "table.csv").write_text("\n".join(["a,b,kind", *rows]) + "\n")
    return load_dataset(folder / "table.csv", **options)  # type: ignore[arg-type]  # texts, all of them


INFERRED = {
    "numbers": (["1", "2.5", "-3e2", "4"], Feature("a")),
    "numbers with gaps": (["1", "", "NA", "4"], Feature("a", missing=True)),
    "words": (["red", "green", "red", "blue"], Feature("a", "category", ("blue", "green", "red"))),
    "words with gaps": (["red", "?", "-", "NULL"], Feature("a", "category", ("red",), missing=True)),
    "true and false": (["True", "FALSE", "true", "false"], Feature("a", "boolean")),
    "true, false and gaps": (["True", "nan", "true", "false"], Feature("a", "boolean", missing=True)),
    "days": (["2024-02-29", "1969-12-31", "2024/03/01", "2024-02-29"], Feature("a", "date")),
    "times": (
        ["2024-02-29T12:00", "2024-02-29 13:30:05", "2024-02-29T12:00Z", "n/a"],
        Feature("a", "date", missing=True),
    ),
    "numbers and words": (["1", "2", "old", "new"], Feature("a", "category", ("1", "2", "new", "old"))),
    "yes and no": (["yes", "no", "yes", "no"], Feature("a", "category", ("no", "yes"))),
    "other dates": (["31.1.2024", "1.2.2024"] * 2, Feature("a", "category", ("1.2.2024", "31.1.2024"))),
}


@pytest.mark.parametrize(("texts", "feature"), INFERRED.values(), ids=INFERRED)
def test_the_kind_of_a_column_follows_from_its_values(tmp_path: Path, texts: list[str], feature: Feature) -> None:
    assert column(tmp_path, texts).schema[0] == feature


@pytest.mark.parametrize(
    ("feature", "texts"),
    [
        (Feature("a", "date"), ["1969-12-31", "2024-02-29", "2024-02-29T13:30:05", "0001-01-01", "9999-12-31", ""]),
        (Feature("a", "category", ("1.0", "x", "é")), ["é", "1.0", "", "x"]),
        (Feature("a", "boolean"), ["true", "false", ""]),
        (Feature("a"), ["0.1", "1e+30", "-5.0", ""]),
    ],
    ids=lambda value: getattr(value, "kind", ""),
)
def test_spelled_values_are_read_as_they_were(feature: Feature, texts: list[str]) -> None:
    assert feature.spell(feature.parse(texts)) == texts


def test_dates_are_days_and_a_zone_is_respected() -> None:
    days = Feature("a", "date").parse(["1970-01-02", "1970-01-02T12:00", "1970-01-02T01:00+01:00", "2023-02-29"])
    np.testing.assert_array_equal(days, [1, 1.5, 1, np.nan])


def test_a_level_that_training_did_not_have_is_told_from_a_gap() -> None:
    values = Feature("a", "category", ("x", "y"), missing=True).parse(["y", "z", ""])
    np.testing.assert_array_equal(values, [1, UNKNOWN_LEVEL, np.nan])


def test_kinds_can_be_given(tmp_path: Path) -> None:
    dataset = column(tmp_path, ["10", "9", "10", "2"], kinds="a=category, b = category")
    assert [feature.levels for feature in dataset.schema] == [("2", "9", "10"), ("0", "1", "2", "3")]
    assert dataset.frame["a"].tolist() == ["10", "9", "10", "2"]


def test_words_for_a_missing_value_can_be_given(tmp_path: Path) -> None:
    dataset = column(tmp_path, ["1", "999", "unknown", "4"], missing="999, Unknown")
    np.testing.assert_array_equal(dataset.features["a"], [1, np.nan, np.nan, 4])
    assert dataset.notes == ("'a' has 2 missing values, written '999', 'unknown'",)


def test_a_class_may_be_called_like_a_missing_value(tmp_path: Path) -> None:
    (tmp_path / "table.csv").write_text("a,kind\n1,NA\n2,?\n3,NA\n4,?\n")
    assert load_dataset(tmp_path / "table.csv").classes == ("?", "NA")


WRONG = {
    "a kind that is none": ({"kinds": "a=numeric"}, UnknownNameError, "kind of column 'a' 'numeric'"),
    "a column that is none": ({"kinds": "c=date"}, UnknownNameError, "column in kinds 'c'"),
    "no kind": ({"kinds": "a"}, InputError, "'a' is not written as column=kind, such as zip=category"),
    "another kind than the values": ({"kinds": "a=date"}, InputError, "line 2, column 'a': '1' is not a date"),
    "text for a number": ({"kinds": "a=boolean"}, InputError, "line 2, column 'a': '1' is not true or false"),
}


@pytest.mark.parametrize(("options", "error", "message"), WRONG.values(), ids=WRONG)
def test_kinds_that_cannot_be_are_one_clear_line(
    tmp_path: Path, options: dict[str, str], error: type[InputError], message: str
) -> None:
    with pytest.raises(error, match=message):
        column(tmp_path, ["1", "2", "3", "1"], **options)


@pytest.mark.parametrize(("distinct", "taken"), [(200, False), (150, False), (90, True), (30, True)])
def test_text_that_hardly_repeats_is_no_category(tmp_path: Path, distinct: int, taken: bool) -> None:
    dataset = column(tmp_path, [f"name {row % distinct}" for row in range(200)])
    assert ("a" in dataset.features) == taken
    if not taken:
        assert "'a' was left out: its text is different in" in dataset.notes[0]


def test_the_digest_is_another_one_when_kind_or_levels_are(tmp_path: Path) -> None:
    texts = ["1", "0", "1", "0"]
    digests = {column(tmp_path, texts, kinds=f"a={kind}").digest for kind in ("number", "category")}
    digests.add(column(tmp_path, ["true", "false", "true", "false"]).digest)
    digests |= {column(tmp_path, ["x", "w", "x", "w"]).digest, column(tmp_path, ["x", "v", "x", "v"]).digest}
    assert len(digests) == 4  # a boolean is learned from as 1 and 0, and had that digest before there were kinds


@pytest.mark.parametrize("model", MODELS)
def test_every_model_learns_from_every_kind(tmp_path: Path, model: str) -> None:
    split = make_split(mixed_dataset())
    estimator = make_estimator(model, 0, split.dataset.schema)
    assert cross_validate(estimator, split).mean() > 0.75  # the largest class has half of the samples
    estimator.fit(split.train_features, split.train_target)
    assert not coefficients(estimator, split).isna().any(axis=None)
    save_model(tmp_path, estimator, split, model)
    write_split(tmp_path, split)
    loaded = load_model(tmp_path)
    assert loaded.schema == split.dataset.schema
    again = read_split(tmp_path, loaded)
    pd.testing.assert_frame_equal(again.test_features, split.test_features.reset_index(drop=True).set_axis(split.test))
    odd = split.test_features.assign(colour=UNKNOWN_LEVEL)
    assert loaded.estimator.predict_proba(odd).tobytes() == estimator.predict_proba(odd).tobytes()


def test_what_a_linear_model_makes_of_a_level_has_its_name() -> None:
    split = make_split(mixed_dataset())
    estimator = make_estimator("logistic", 0, split.dataset.schema).fit(split.train_features, split.train_target)
    names = coefficients(estimator, split).index
    assert {"colour = black", "colour = missing", "colour: rare levels", "born: weekday", "castrated is missing"} < set(
        names
    )
    assert len(set(names)) == len(names) == estimator[:-1].transform(split.test_features).shape[1]


@pytest.mark.parametrize("table", ["iris", "breast_cancer", "mixed"])
def test_boosting_is_that_of_scikit_learn_to_the_bit(table: str) -> None:
    split = make_split(mixed_dataset() if table == "mixed" else load_dataset(table))
    preparation, boosting = make_estimator("boosting", 3, split.dataset.schema).fit(
        split.train_features, split.train_target
    )
    train, test = preparation.transform(split.train_features), preparation.transform(split.test_features)
    categories = list(range(boosting.categories)) or None
    theirs = HistGradientBoostingClassifier(categorical_features=categories, random_state=3).fit(
        train, split.train_target
    )
    assert boosting.predict_proba(test).tobytes() == theirs.predict_proba(test).tobytes()
    assert boosting.predict(test).tolist() == theirs.predict(test).tolist()


def test_preparation_is_fitted_on_the_training_samples_alone() -> None:
    table = mixed_table()
    dataset = mixed_dataset()
    split = make_split(dataset)
    preparation = make_estimator("logistic", 0, dataset.schema)[:-1].fit(split.train_features)
    (filler, _), columns = preparation[0].named_transformers_["number"], ["weight (kg)", "toys"]
    train = table.iloc[split.train][columns].replace("", np.nan).astype(float)
    np.testing.assert_allclose(filler.statistics_, train.median())
