from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from iris_lab.data.datasets import load_dataset
from iris_lab.errors import InputError
from iris_lab.modeling import load_model
from iris_lab.prediction.tables import predict_file


@pytest.fixture
def flowers() -> pd.DataFrame:
    return load_dataset("iris").features.iloc[[0, 60, 120]].reset_index(drop=True)


def test_each_row_gets_its_class_and_probabilities(iris_run: Path, tmp_path: Path, flowers: pd.DataFrame) -> None:
    table = tmp_path / "flowers.csv"
    flowers.iloc[:, ::-1].assign(note="kept").to_csv(table, index=False)
    answer = predict_file(iris_run, table)
    assert list(answer["predicted"]) == ["setosa", "versicolor", "virginica"]
    assert list(answer["note"]) == ["kept"] * 3
    expected = load_model(iris_run).estimator.predict_proba(flowers)
    assert np.array_equal(answer.filter(like="probability of ").to_numpy(), expected)


@pytest.mark.parametrize("value", ["big", "", "inf", "1e31", "True"])
def test_what_is_no_number_is_refused_by_row_and_name(
    iris_run: Path, tmp_path: Path, flowers: pd.DataFrame, value: str
) -> None:
    table = tmp_path / "flowers.csv"
    flowers.astype(str).assign(**{"petal width (cm)": ["0.2", value, "1"]}).to_csv(table, index=False)
    with pytest.raises(InputError, match=r"row 2: 'petal width \(cm\)' is .+, expected a finite number"):
        predict_file(iris_run, table)


def test_a_misspelt_column_is_named_with_the_nearest(iris_run: Path, tmp_path: Path, flowers: pd.DataFrame) -> None:
    table = tmp_path / "flowers.csv"
    flowers.rename(columns={"petal width (cm)": "petal widht (cm)"}).to_csv(table, index=False)
    with pytest.raises(InputError, match=r"no column 'petal width \(cm\)': did you mean 'petal widht \(cm\)'"):
        predict_file(iris_run, table)


def test_a_table_that_is_not_there_is_one_line(iris_run: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"cannot read .*nowhere\.csv.*No such file"):
        predict_file(iris_run, tmp_path / "nowhere.csv")


def test_an_empty_table_is_refused(iris_run: Path, tmp_path: Path, flowers: pd.DataFrame) -> None:
    table = tmp_path / "flowers.csv"
    flowers.iloc[:0].to_csv(table, index=False)
    with pytest.raises(InputError, match="no rows"):
        predict_file(iris_run, table)
