"""The package's own reading, preparation, splits and models, held to figures that others have published.

Where a figure is about a model that is not ours, ours are the table and the protocol, and the model is scikit-learn's.
"""

import runpy
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn import datasets
from sklearn.base import ClassifierMixin
from sklearn.discriminant_analysis import QuadraticDiscriminantAnalysis
from sklearn.model_selection import (
    LeaveOneOut,
    ShuffleSplit,
    StratifiedKFold,
    cross_val_predict,
    cross_val_score,
    train_test_split,
)
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.svm import SVC
from sklearn.tree import DecisionTreeClassifier
from threadpoolctl import threadpool_limits

from iris_lab.data.dataset import Dataset
from iris_lab.data.datasets import load_dataset
from iris_lab.evaluation import confusion_table
from iris_lab.modeling import Split, make_estimator, make_split

pytestmark = pytest.mark.usefixtures("one_thread")
FORTY: dict[str, Any] = runpy.run_path(str(Path(__file__).parents[1] / "benchmarks" / "forty_tables.py"))


@pytest.fixture
def one_thread() -> Iterator[None]:
    """More threads on tables this small only wait for each other: on a busy machine eight times as long."""
    with threadpool_limits(1):
        yield


def right_leaving_one_out(dataset: Dataset, model: str | ClassifierMixin) -> int:
    estimator = make_estimator(model, 0, dataset.schema) if isinstance(model, str) else model
    features = dataset.features if isinstance(model, str) else dataset.features.to_numpy()
    return int((cross_val_predict(estimator, features, dataset.target, cv=LeaveOneOut()) == dataset.target).sum())


@pytest.mark.parametrize(
    ("model", "right"),
    [
        (QuadraticDiscriminantAnalysis(), 146),
        ("lda", 147),
        (KNeighborsClassifier(1), 144),
        pytest.param("logistic", 143, marks=pytest.mark.slow),
    ],
    ids=str,
)
def test_iris_leaving_one_out(model: str | ClassifierMixin, right: int) -> None:
    """SAS/STAT's manual has an error of 0.0267 for QDA (DISCRIM, example 3): 146 of 150; the others as in R's MASS."""
    assert right_leaving_one_out(load_dataset("iris"), model) == right


@pytest.mark.parametrize(("model", "percent"), [(QuadraticDiscriminantAnalysis(), 99.4), ("lda", 98.9)], ids=str)
def test_wine_leaving_one_out(model: str | ClassifierMixin, percent: float) -> None:
    """UCI's description of wine (Aeberhard et al., 1992), as scikit-learn's `load_wine` has it."""
    assert round(right_leaving_one_out(load_dataset("wine"), model) / 178 * 100, 1) == percent


def test_breast_cancer_in_ten_folds() -> None:
    """97.5 % by repeated ten-fold cross-validation (Wolberg et al., 1995, in wdbc.names), of one separating plane."""
    dataset = load_dataset("breast_cancer")
    folds = StratifiedKFold(10, shuffle=True, random_state=0)
    scores = cross_val_score(make_estimator("logistic"), dataset.features, dataset.target, cv=folds)
    assert scores.mean() == pytest.approx(0.975, abs=0.01)


def test_digits_as_in_scikit_learns_example(tmp_path: Path) -> None:
    """Recognizing hand-written digits (scikit-learn's gallery): 97 %, 871 of 899."""
    FORTY["bundled"]("digits").to_csv(tmp_path / "digits.csv", index=False)
    dataset = load_dataset(tmp_path / "digits.csv")
    assert np.array_equal(dataset.features, datasets.load_digits().data)
    split = Split(dataset, np.arange(898), np.arange(898, 1797))
    assert right_on_test(split, SVC(gamma=0.001)) == 871


def right_on_test(split: Split, model: str | ClassifierMixin) -> int:
    """Return how many of the test set a model of ours, or one of scikit-learn's on the numbers alone, gets right."""
    return int((predicted(split, model) == split.test_target).sum())


def predicted(split: Split, model: str | ClassifierMixin) -> NDArray[np.int64]:
    train, test = split.train_features, split.test_features
    if isinstance(model, str):
        codes = make_estimator(model, 0, split.dataset.schema).fit(train, split.train_target).predict(test)
    else:
        codes = model.fit(train.to_numpy(), split.train_target).predict(test.to_numpy())
    return np.asarray(codes, np.int64)


@pytest.fixture(scope="module")
def tables(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The forty tables as CSV files."""
    folder = tmp_path_factory.mktemp("published")
    try:
        packages = FORTY["download"](folder / "packages")
    except OSError as error:
        pytest.skip(str(error))
    FORTY["write_tables"](packages, folder)
    return folder


@pytest.mark.slow
@pytest.mark.parametrize(
    ("model", "right"),
    [
        ("lda", 141),
        ("logistic", 141),
        (QuadraticDiscriminantAnalysis(), 151),
        (GaussianNB(), 150),
        (KNeighborsClassifier(1), 126),
        (KNeighborsClassifier(3), 134),
    ],
    ids=str,
)
def test_smarket_tested_on_its_last_year(tables: Path, model: str | ClassifierMixin, right: int) -> None:
    """ISLP (James et al., 2023), lab of chapter 4: the years before 2005 train, two lags predict 252 days."""
    dataset = load_dataset(tables / "Smarket.csv", drop="Lag3,Lag4,Lag5,Volume,Today", time="Year")
    split = make_split(dataset, 0.2)
    assert (len(split.train), len(split.test)) == (998, 252)
    assert right_on_test(split, model) == right


@pytest.mark.slow
def test_caravan(tables: Path) -> None:
    """ISLP, lab of chapter 4: 1,000 customers held out with seed 0, logistic regression without a penalty."""
    dataset = load_dataset(tables / "Caravan.csv")
    train, test = train_test_split(np.arange(len(dataset.target)), test_size=1000, random_state=0)
    split = Split(dataset, train, test)
    estimator = make_estimator("logistic").set_params(logisticregression__C=1e10)
    codes = estimator.fit(split.train_features, split.train_target).predict(split.test_features)
    assert confusion_table(split.test_target, codes, dataset.classes).to_numpy().tolist() == [[931, 2], [67, 0]]


@pytest.mark.slow
def test_carseats(tables: Path) -> None:
    """ISLP, lab of chapter 8: an entropy tree of depth 3 gets .79 of the table and .685 of 200 held out right."""
    dataset = load_dataset(tables / "Carseats.csv")
    columns = [
        dataset.features[one.name] == code if one.kind == "category" else dataset.features[one.name]
        for one in dataset.schema
        for code in range(1, max(2, len(one.levels)))  # the book's columns: one for each level but the first
    ]
    features = np.column_stack(columns)
    tree = DecisionTreeClassifier(criterion="entropy", max_depth=3, random_state=0)
    assert tree.fit(features, dataset.target).score(features, dataset.target) == pytest.approx(0.79)
    folds = ShuffleSplit(1, test_size=200, random_state=0)
    assert cross_val_score(tree, features, dataset.target, cv=folds) == pytest.approx(0.685)


@pytest.mark.slow
def test_khan(tables: Path) -> None:
    """ISLP, lab of chapter 9: a linear machine makes no error on 63 tumours, and 2 on the 20 held out."""
    dataset = load_dataset(tables / "Khan.csv")
    codes = predicted(Split(dataset, np.arange(63), np.arange(83)), SVC(kernel="linear", C=10))
    wrong = codes != dataset.target
    assert (wrong[:63].sum(), wrong[63:].sum()) == (0, 2)


@pytest.mark.slow
def test_default(tables: Path) -> None:
    """ISLP, table 4.4: LDA from balance and student, judged on the 10,000 samples that it was fitted to."""
    dataset = load_dataset(tables / "Default.csv", drop="income")
    everything = np.arange(len(dataset.target))
    codes = predicted(Split(dataset, everything, everything), "lda")
    assert confusion_table(dataset.target, codes, dataset.classes).to_numpy().tolist() == [[9644, 23], [252, 81]]


@pytest.mark.slow
@pytest.mark.parametrize(("depth", "accuracy"), [(1, 0.78), (2, 0.97)])
def test_penguins(tables: Path, depth: int, accuracy: float) -> None:
    """scikit-learn's MOOC, module on trees: two measures of the beak, a quarter held out with seed 0."""
    dataset = load_dataset(tables / "penguins.csv", drop="island,flipper_length_mm,body_mass_g,sex,year")
    measured = np.flatnonzero(dataset.features.notna().all(axis=1))
    assert len(measured) == 342
    split = Split(dataset, *train_test_split(measured, random_state=0))
    assert round(right_on_test(split, DecisionTreeClassifier(max_depth=depth, random_state=0)) / 86, 2) == accuracy


@pytest.mark.slow
@pytest.mark.parametrize(
    ("table", "accuracy"),
    [("german", 0.754), ("mammographic", 0.825), ("housevotes", 0.961), ("pima", 0.772), ("breast", 0.718)],
)
def test_tables_of_the_keel_repository(tables: Path, table: str, accuracy: float) -> None:
    """Plain scikit-learn's one-hot columns and logistic regression in ten folds."""
    dataset = load_dataset(tables / f"{table}.csv")
    estimator = make_estimator("logistic", 0, dataset.schema)
    scores = cross_val_score(estimator, dataset.features, dataset.target, cv=StratifiedKFold(10))
    assert scores.mean() == pytest.approx(accuracy, abs=0.005)
