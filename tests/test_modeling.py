import hashlib
import json
import shutil
from pathlib import Path

import joblib
import numpy as np
import pandas as pd
import pytest
from sklearn.model_selection import LeaveOneOut, RepeatedStratifiedKFold, cross_val_score
from threadpoolctl import threadpool_limits

from iris_lab.data.dataset import Dataset
from iris_lab.data.datasets import load_dataset
from iris_lab.errors import ArtifactError, InputError, UnknownNameError
from iris_lab.modeling import (
    MODELS,
    Split,
    check_folds,
    check_seed,
    check_test_size,
    coefficients,
    cross_validate,
    load_model,
    majority_baseline,
    make_estimator,
    make_split,
    save_model,
)

IRIS = load_dataset("iris")


def table(classes: str, values: list[float] | None = None) -> Dataset:
    """Return a dataset with a sample for each letter, features all different unless given."""
    names = tuple(sorted(set(classes)))
    features = pd.DataFrame({"a": values or [float(row) for row in range(len(classes))]})
    return Dataset("own", features, np.array([names.index(name) for name in classes]), names, "kind", "")


def leave_one_out(name: str, model: str) -> int:
    dataset = load_dataset(name)
    with threadpool_limits(1):  # more threads than that on tables this small only wait for each other
        right = cross_val_score(make_estimator(model), dataset.features, dataset.target, cv=LeaveOneOut())
    return int(right.sum())


@pytest.mark.parametrize(
    ("name", "model", "right"),
    [
        ("iris", "lda", 147),  # R, MASS::lda(CV = TRUE)
        ("iris", "logistic", 143),
        ("wine", "lda", 176),  # 98.9 % in the description that comes with the data
    ],
)
def test_leave_one_out_counts_are_the_published_ones(name: str, model: str, right: int) -> None:
    assert leave_one_out(name, model) == right


def test_breast_cancer_reaches_the_published_accuracy() -> None:
    dataset, folds = load_dataset("breast_cancer"), RepeatedStratifiedKFold(n_splits=10, n_repeats=2, random_state=0)
    scores = cross_val_score(make_estimator(), dataset.features, dataset.target, cv=folds)
    assert scores.mean() == pytest.approx(0.978, abs=0.005)  # published: 97.5 %, one separating plane


def test_the_duplicates_of_iris_are_never_split_for_any_seed() -> None:
    for seed in range(500):
        split = make_split(IRIS, 0.25, seed)
        assert split.subset[102] == split.subset[143]


@pytest.mark.parametrize("test_size", [0.1, 0.25, 0.5, 0.9])
def test_the_split_is_stratified_and_loses_no_sample(test_size: float) -> None:
    split = make_split(IRIS, test_size, seed=1)
    assert sorted([*split.train, *split.test]) == list(range(150))
    assert np.ptp(np.bincount(split.test_target)) <= 2
    assert len(split.test) == pytest.approx(150 * test_size, abs=2)


def test_the_same_seed_gives_the_same_split_and_another_another() -> None:
    assert make_split(IRIS, seed=3).test.tolist() == make_split(IRIS, seed=3).test.tolist()
    assert make_split(IRIS, seed=3).test.tolist() != make_split(IRIS, seed=4).test.tolist()


def test_groups_of_many_duplicates_stay_together_in_the_split_and_in_the_folds() -> None:
    rng = np.random.default_rng(0)
    values = rng.integers(0, 30, 200).astype(float).tolist()
    split = make_split(table("".join(rng.choice(list("xy"), 200)), values), 0.3, seed=0)
    sides = split.subset.groupby(np.array(values)).nunique()
    assert sides.max() == 1
    assert len(cross_validate(make_estimator(), split, folds=5)) == 5


def test_the_parts_are_named_by_sample() -> None:
    split = make_split(IRIS)
    assert (split.subset == "test").sum() == len(split.test)
    assert split.subset[split.test[0] + 1] == "test"


@pytest.mark.parametrize("test_size", [0.0, 1.0, 1.5, -0.1, float("nan")])
def test_a_test_size_out_of_range_is_refused(test_size: float) -> None:
    with pytest.raises(InputError, match="expected a fraction of the samples between 0 and 1"):
        check_test_size(test_size)


@pytest.mark.parametrize("seed", [-1, 2**32])
def test_a_seed_out_of_range_is_refused(seed: int) -> None:
    with pytest.raises(InputError, match="expected an integer from 0 to 4294967295"):
        check_seed(seed)


def test_too_few_or_too_many_folds_are_refused() -> None:
    with pytest.raises(InputError, match="folds=1: expected 2 or more"):
        check_folds(1)
    with pytest.raises(InputError, match=r"folds=5: no class has more than 4 distinct training sample"):
        check_folds(5, np.array([0, 0, 0, 1, 1, 1, 1]))


def test_an_unknown_model_names_the_nearest() -> None:
    with pytest.raises(UnknownNameError, match="unknown model 'logistik': did you mean logistic"):
        make_estimator("logistik")


@pytest.mark.parametrize(
    ("dataset", "test_size"),
    [
        (table("xxxxy"), 0.25),  # one class alone can stand on both sides
        (table("abcdefgh" * 2), 0.25),  # 4 are asked for, of 8 classes
        (IRIS, 0.001),
        (IRIS, 0.999),
    ],
)
def test_a_split_without_a_class_on_one_side_is_refused(dataset: Dataset, test_size: float) -> None:
    with pytest.raises(InputError, match="expected some of two classes or more in both"):
        make_split(dataset, test_size)


def test_the_smallest_class_is_in_both_subsets_where_its_share_of_the_test_set_is_less_than_a_sample() -> None:
    split = make_split(table("x" * 98 + "yy"), 0.1)
    assert (np.bincount(split.train_target).tolist(), np.bincount(split.test_target).tolist()) == ([89, 1], [9, 1])


def test_folds_are_counted_in_distinct_samples() -> None:
    values = [*range(20), 100.0, 100.0, 100.0, 101.0, 101.0, 101.0]
    split = make_split(table("x" * 20 + "y" * 6, [float(value) for value in values]), 0.4)
    with pytest.raises(InputError, match=r"folds=2: class .* has 1 distinct training sample.*expected 2 or more"):
        cross_validate(make_estimator(), split, folds=2)


@pytest.mark.parametrize("model", ["knn", "svm"])
def test_a_model_that_needs_more_samples_says_so_in_one_line(model: str) -> None:
    split = make_split(table("xyxyxyxy"), 0.25)
    with pytest.raises(InputError, match="cannot cross-validate on 6 training samples: ") as raised:
        cross_validate(make_estimator(model), split, folds=2)
    assert len(str(raised.value).splitlines()) == 1


@pytest.mark.parametrize("model", MODELS)
def test_every_model_beats_the_majority_class(model: str) -> None:
    split = make_split(IRIS)
    scores = cross_validate(make_estimator(model), split)
    assert scores.min() > cross_validate(majority_baseline(), split).max()
    assert scores.tolist() == cross_validate(make_estimator(model), split).tolist()


@pytest.mark.parametrize("model", MODELS)
def test_a_loaded_model_gives_the_predictions_and_probabilities_of_the_saved_one(tmp_path: Path, model: str) -> None:
    split = make_split(IRIS)
    estimator = make_estimator(model).fit(split.train_features, split.train_target)
    saved, loaded = save_model(tmp_path, estimator, split, model), load_model(tmp_path)
    assert loaded.info == saved.info
    assert (loaded.name, loaded.classes, loaded.features) == (model, IRIS.classes, tuple(IRIS.features.columns))
    given = loaded.estimator.predict_proba(split.test_features)
    assert given.tolist() == estimator.predict_proba(split.test_features).tolist()
    assert given.argmax(axis=1).tolist() == loaded.estimator.predict(split.test_features).tolist()


@pytest.mark.parametrize("model", MODELS)
def test_coefficients_name_every_feature(model: str) -> None:
    split = make_split(IRIS)
    found = coefficients(make_estimator(model).fit(split.train_features, split.train_target), split)
    assert found.index.tolist() == IRIS.features.columns.tolist()
    assert len(found.columns) == (3 if model in ("logistic", "lda") else 1)
    assert found.abs().max(axis=1).idxmax() in ("petal length (cm)", "petal width (cm)")


def test_the_weights_of_two_classes_speak_for_the_one_what_they_speak_against_the_other() -> None:
    split = make_split(load_dataset("breast_cancer"))
    found = coefficients(make_estimator().fit(split.train_features, split.train_target), split)
    assert (found["benign"] == -found["malignant"]).all()
    assert found.loc["worst radius", "malignant"] > 0


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder, split = tmp_path_factory.mktemp("model"), make_split(IRIS)
    save_model(folder, make_estimator().fit(split.train_features, split.train_target), split, "logistic")
    return folder


@pytest.fixture
def folder(tmp_path: Path, written: Path) -> Path:
    return Path(shutil.copytree(written, tmp_path / "run"))


def rewrite_info(folder: Path, **values: object) -> None:
    info = json.loads((folder / "model.json").read_text())
    (folder / "model.json").write_text(json.dumps(info | values))


def test_the_description_has_what_a_client_must_know(folder: Path) -> None:
    info = json.loads((folder / "model.json").read_text())
    assert info["features"][2] == {
        "name": "petal length (cm)", "kind": "number", "unit": "cm", "min": 1.0, "max": 6.9, "median": 4.3,
        "decimals": 1,
    }  # fmt: skip
    assert info["dataset"]["sha256"] == IRIS.digest
    assert info["sha256"] == hashlib.sha256((folder / "model.joblib").read_bytes()).hexdigest()
    assert len(info["samples"]["rows"]) == len(info["samples"]["classes"]) == 112


@pytest.mark.parametrize("name", ["model.joblib", "model.json"])
def test_without_a_model_the_message_says_what_to_run(folder: Path, name: str) -> None:
    (folder / name).unlink()
    with pytest.raises(ArtifactError, match=f"no {name} in .*: run 02_train first"):
        load_model(folder)


class Trap:
    """Unpickling it writes a file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return Path.touch, (self.path,)  # type: ignore[return-value]


def test_another_pickle_is_refused_before_any_of_its_code_runs(folder: Path) -> None:
    joblib.dump(Trap(folder / "sprung"), folder / "model.joblib")
    with pytest.raises(ArtifactError, match="not the model it describes, so it was not loaded"):
        load_model(folder)
    assert not (folder / "sprung").exists()
    trusted = pytest.warns(UserWarning, match="not the model it describes, but loaded")
    with trusted, pytest.raises(ArtifactError, match=r"it is a NoneType, expected a fitted classifier$"):
        load_model(folder, trust=True)
    assert (folder / "sprung").exists()


def test_a_damaged_pickle_is_one_clear_line_even_if_trusted(folder: Path) -> None:
    (folder / "model.joblib").write_bytes((folder / "model.joblib").read_bytes()[:200])
    trusted = pytest.warns(UserWarning, match="but loaded")
    with trusted, pytest.raises(ArtifactError, match=r"cannot load model.joblib"):
        load_model(folder, trust=True)


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ('"min": 4.3', '"min": "low"', r"Expected `float`, got `str` - at `\$.features\[0\].min`"),
        ('"decimals": 1', '"digits": 1', "missing required field `decimals`"),
        ("4.9,", "", "a sample has not as many values as there are features"),
    ],
)
def test_a_description_with_something_missing_is_one_clear_line(folder: Path, old: str, new: str, words: str) -> None:
    text = (folder / "model.json").read_text(encoding="utf-8")
    assert old in text
    (folder / "model.json").write_text(text.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(ArtifactError, match=words):
        load_model(folder)


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"sha256": 1, "versions": [], "model": ""}', "\0"])
def test_a_damaged_description_is_one_clear_line(folder: Path, content: str) -> None:
    (folder / "model.json").write_text(content)
    with pytest.raises(ArtifactError, match=r"model.json is not the description of a model"):
        load_model(folder)


def test_another_version_of_scikit_learn_is_a_warning_that_names_both(folder: Path) -> None:
    rewrite_info(folder, versions={"scikit-learn": "0.1"})
    with pytest.warns(UserWarning, match=r"written by scikit-learn 0.1, loaded by \d"):
        load_model(folder)


def test_a_split_is_no_copy_of_the_data() -> None:
    split = Split(IRIS, np.array([0, 149]), np.array([1]))
    assert split.train_features.index.tolist() == [0, 149]
    assert split.test_target.tolist() == [0]
