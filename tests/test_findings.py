import string

import numpy as np
import pandas as pd
import pytest
from bs4 import BeautifulSoup
from IPython.display import Markdown
from mixed_table import mixed_dataset
from nbconvert.filters.markdown_mistune import MarkdownWithMath

from iris_lab.data.dataset import Dataset
from iris_lab.data.datasets import load_dataset
from iris_lab.data.schema import Feature
from iris_lab.findings import (
    LONGEST_NAME,
    better_in_folds,
    better_than_baseline,
    class_balance,
    correlated_features,
    escaped,
    overlapping_classes,
    separating_features,
)
from iris_lab.workflow.prose import PageRenderer

IRIS = load_dataset("iris")


def table(target: list[int], classes: tuple[str, ...], **features: list[float]) -> Dataset:
    return Dataset("own", pd.DataFrame(features, dtype=float), np.array(target), classes, "kind", "")


def shown(finding: Markdown) -> BeautifulSoup:
    """Return a finding as the report page shows it."""
    renderer = PageRenderer(escape=False, attachments={}, path="")
    return BeautifulSoup(str(MarkdownWithMath(renderer=renderer).render(finding.data)), "html.parser")


ODD_NAMES = [
    "<b>", "*x*", "_x_", "`x`", "$x$", "$$x$$", "a|b", "[x](y)", "![x](y)", "&lt;", "&#42;", "\\(x\\)", "x<!--",
    "http://example.org", "# x", "- x", "1. x", "~~x~~", "x@example.org", "<script>alert(1)</script>", "{{ x }}",
    string.punctuation, "日本語 €", "\\*x\\*", "x\\", "*", "**", "$", "a_b_c",
]  # fmt: skip


@pytest.mark.parametrize("name", ODD_NAMES)
def test_a_name_is_shown_as_it_is(name: str) -> None:
    dataset = table([0, 0, 1, 1], (name, "other"), **{name: [1, 2, 4, 5], "b": [1, 2, 1, 2]})
    findings = [separating_features(dataset), overlapping_classes(dataset), correlated_features(dataset)]
    for finding in findings:
        page = shown(finding)
        assert name in [emphasized.get_text() for emphasized in page.find_all("em")], str(page)
        assert {tag.name for tag in page.find_all(True)} == {"p", "em"}, str(page)


@pytest.mark.parametrize("name", ODD_NAMES)
def test_a_name_is_shown_as_it_is_in_a_sentence_of_plain_text(name: str) -> None:
    page = shown(Markdown(f"about {escaped(name)} and more"))
    assert page.get_text().strip() == f"about {name} and more"
    assert [tag.name for tag in page.find_all(True)] == ["p"]


def test_a_long_name_keeps_its_ends_and_a_name_of_several_lines_becomes_one() -> None:
    assert escaped("a" * 50 + "b" * 50) == "a" * 29 + "…" + "b" * 30
    assert len(escaped("x" * 1000)) == LONGEST_NAME
    assert escaped(" a\n\tb\x00c ") == "a b c"
    assert escaped("\n") == "□"


def test_the_features_of_iris_that_separate_best_are_those_of_the_petals() -> None:
    assert separating_features(IRIS).data == (
        "Of 4 numeric features, *petal length (cm)* (F = 1180) separates the classes best; next: "
        "*petal width (cm)* (F = 960), *sepal length (cm)* (F = 119.3)."
    )


def test_a_feature_that_is_constant_within_each_class_has_no_f() -> None:
    dataset = table([0, 0, 1, 1], ("x", "y"), flat=[3, 3, 3, 3], perfect=[0, 0, 1, 1])
    assert separating_features(dataset).data == (
        "Of 2 numeric features, *perfect* (it is constant within each class) separates the classes best; "
        "the others do not separate them."
    )


def test_a_difference_that_chance_explains_is_not_shown_as_more() -> None:
    values = np.random.default_rng(0).normal(size=(40, 20))
    dataset = Dataset("own", pd.DataFrame(values).rename(columns=str), np.arange(40) % 2, ("x", "y"), "kind", "")
    assert "is no surprise where classes do not differ: p = " in separating_features(dataset).data
    assert "no surprise" not in separating_features(IRIS).data


def test_a_table_without_a_difference_says_so() -> None:
    dataset = table([0, 0, 1, 1], ("x", "y"), a=[3, 3, 3, 3])
    assert "in each, all classes have the same mean" in separating_features(dataset).data
    single = table([0, 0, 1, 1], ("x", "y"), a=[1, 2, 3, 4])
    assert separating_features(single).data.startswith("*a* (F = 8) is the only numeric feature.")


def test_the_classes_of_iris_that_overlap_are_named() -> None:
    assert overlapping_classes(IRIS).data == (
        "The ranges of *versicolor* and *virginica* overlap in every feature. Apart from all other classes: "
        "*setosa* in *petal length (cm)*, *petal width (cm)*."
    )


@pytest.mark.parametrize(
    ("target", "values", "sentence"),
    [
        ([0, 0, 1, 1], [1, 3, 2, 4], "The ranges of *a* and *b* overlap in every feature."),
        ([0, 0, 1, 1], [1, 2, 2, 4], "The ranges of *a* and *b* overlap in every feature."),  # one value in common
        ([0, 0, 1, 1], [1, 2, 3, 4], "*a* and *b* have separate ranges in *v*."),
        ([0, 1, 2], [1, 2, 3], "Every two classes have separate ranges in at least one feature. Apart from all other "
         "classes: *a* in *v*; *b* in *v*; *c* in *v*."),
        ([0, 0, 1, 1, 2, 2], [1, 3, 2, 5, 4, 6], "The ranges of *a* and *b*; of *b* and *c* overlap in every feature."),
        ([0, 1, 2, 3, 0, 1, 2, 3], [1, 2, 3, 4, 5, 6, 7, 8],
         "Of 6 pairs of classes, the ranges of 6 overlap in every feature."),
    ],
)  # fmt: skip
def test_overlap_is_told_from_the_ranges(target: list[int], values: list[float], sentence: str) -> None:
    classes = tuple("abcd"[: max(target) + 1])
    assert overlapping_classes(table(target, classes, v=values)).data == sentence


def test_a_class_without_a_value_is_not_said_to_be_apart() -> None:
    dataset = table([0, 0, 1, 1], ("a", "b"), v=[1, 2, np.nan, np.nan])
    assert overlapping_classes(dataset).data == "The ranges of *a* and *b* overlap in every feature."


def test_long_lists_are_counted() -> None:
    separate = table(list(range(8)), tuple("abcdefgh"), v=list(range(8)))
    assert overlapping_classes(separate).data.endswith("*c* in *v*; and 5 more.")


def test_balance_names_the_largest_class_and_those_with_few_samples() -> None:
    dataset = table([0] * 60 + [1] * 4, ("common", "rare"), v=list(range(64)))
    assert class_balance(dataset).data == (
        "The largest class, *common*, has 60 of 64 samples: always predicting it is right for 93.8 % of this table. "
        "The smallest, *rare*, has 4 (6.2 %). Under 30 samples: *rare* (4). What is found about so small a class rests "
        "on little."
    )
    assert class_balance(IRIS).data == (
        "Each of the 3 classes has 50 samples: always predicting one of them is right for 33.3 % of this table."
    )


def test_the_strongest_correlation_has_its_sign_and_the_strong_ones_are_counted() -> None:
    dataset = table([0, 0, 1, 1], ("x", "y"), **{"a-b": [1, 2, 3, 4], "c": [4, 3, 2, 1.5], "d": [1, 0, 1, 0]})
    assert correlated_features(dataset).data == (
        "The correlation of *a-b* and *c* is −0.99, the strongest; 1 of 3 correlations are over 0.9 in size."
    )


def test_one_feature_or_constant_ones_have_no_correlation() -> None:
    none = "There are no two numeric features that vary, and so no correlation."
    assert correlated_features(table([0, 1], ("x", "y"), a=[1, 2])).data == none
    assert correlated_features(table([0, 1], ("x", "y"), a=[1, 2], b=[3, 3])).data == none
    assert correlated_features(table([0, 1, 1], ("x", "y"), a=[1, 2, 3], b=[3, 2, 1])).data == (
        "The correlation of *a* and *b* is −1.00."
    )


def test_features_of_every_kind_are_spoken_of_as_they_are_drawn() -> None:
    dataset = mixed_dataset()
    assert separating_features(dataset).data.startswith("Of 4 numeric features, *weight (kg)* (F = ")
    assert overlapping_classes(dataset).data == (
        "The ranges of *cat* and *owl* overlap in every feature. Apart from all other classes: *dog* in *weight (kg)*."
    )
    assert "castrated" not in correlated_features(dataset).data, "booleans are not in the figure of correlations"


def test_categories_overlap_where_they_share_a_level() -> None:
    frame = pd.DataFrame({"c": [0.0, 1, 2, 2, np.nan, np.nan]})
    special = {"c": Feature("c", "category", ("u", "v", "w"), missing=True)}
    dataset = Dataset("own", frame, np.array([0, 0, 1, 1, 0, 1]), ("a", "b"), "kind", "", special)
    assert overlapping_classes(dataset).data == "*a* and *b* have separate ranges in *c*."
    frame.iloc[0] = 2.0
    assert overlapping_classes(dataset).data == "The ranges of *a* and *b* overlap in every feature."
    assert separating_features(dataset).data == "No feature is a number, so there are no means to compare."


def test_better_in_every_fold_or_not() -> None:
    baseline = np.array([0.5, 0.5])
    assert better_in_folds(np.array([0.75, 0.85]), baseline, "lda").data == (
        "*lda* was better than the majority class in each of the 2 folds, on average by +30.0 percentage points."
    )
    assert better_in_folds(np.array([0.5, 0.4]), baseline, "lda").data == (
        "*lda* was better than the majority class in 0 of the 2 folds, on average by −5.0 percentage points: "
        "it may have learnt nothing that holds for other samples."
    )


@pytest.mark.parametrize(
    ("correct", "other", "p", "verdict"),
    [
        (
            90,
            50,
            1e-9,
            "The model is better, and chance does not explain the difference (exact McNemar test: p < 0.001).",
        ),
        (
            30,
            50,
            0.012,
            "The model is worse, and chance does not explain the difference (exact McNemar test: p = 0.012).",
        ),
        (52, 50, 0.7, "By these samples, the two cannot be told apart (exact McNemar test: p = 0.700)."),
    ],
)
def test_model_and_baseline_are_told_apart_or_not(correct: int, other: int, p: float, verdict: str) -> None:
    numbers = {"samples": 100, "correct": correct, "baseline_correct": other, "mcnemar_p": p}
    found = better_than_baseline(numbers, "svm").data
    assert found.startswith(f"*svm* predicted {correct} of 100 samples rightly;")
    assert found.endswith(f"is right for {other}. {verdict}")
