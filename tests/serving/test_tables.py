import csv
import io
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from conftest import save_run
from pyarrow import parquet

from iris_lab.data.datasets import load_dataset
from iris_lab.errors import InputError
from iris_lab.modeling import load_model
from iris_lab.prediction.tables import predict_file


@pytest.fixture
def flowers() -> pd.DataFrame:
    return load_dataset("iris").features.iloc[[0, 60, 120]].reset_index(drop=True)


def predicted(run: Path, table: Path) -> list[list[str]]:
    return list(csv.reader(io.StringIO("".join(predict_file(run, table)))))


def test_each_row_gets_its_class_and_probabilities(iris_run: Path, tmp_path: Path, flowers: pd.DataFrame) -> None:
    table = tmp_path / "flowers.csv"
    flowers.iloc[:, ::-1].assign(note="kept").to_csv(table, index=False)
    header, *rows = predicted(iris_run, table)
    answer = pd.DataFrame(rows, columns=header)
    assert list(answer["predicted"]) == ["setosa", "versicolor", "virginica"]
    assert list(answer["note"]) == ["kept"] * 3
    expected = load_model(iris_run).estimator.predict_proba(flowers)
    assert np.array_equal(answer.filter(like="probability of ").to_numpy(np.float64), expected)


@pytest.mark.parametrize("value", ["big", "", "inf", "1e31", "True"])
def test_what_is_no_number_is_refused_by_line_and_name(
    iris_run: Path, tmp_path: Path, flowers: pd.DataFrame, value: str
) -> None:
    table = tmp_path / "flowers.csv"
    flowers.astype(str).assign(**{"petal width (cm)": ["0.2", value, "1"]}).to_csv(table, index=False)
    with pytest.raises(InputError, match=r"line 3: 'petal width \(cm\)' is .+, expected a finite number"):
        predicted(iris_run, table)


def test_a_misspelt_column_is_named_with_the_nearest(iris_run: Path, tmp_path: Path, flowers: pd.DataFrame) -> None:
    table = tmp_path / "flowers.csv"
    flowers.rename(columns={"petal width (cm)": "petal widht (cm)"}).to_csv(table, index=False)
    with pytest.raises(InputError, match=r"no column 'petal width \(cm\)': did you mean 'petal widht \(cm\)'"):
        predicted(iris_run, table)


def test_a_table_that_is_not_there_is_one_line(iris_run: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"cannot read .*nowhere\.csv.*does not exist"):
        predicted(iris_run, tmp_path / "nowhere.csv")


def test_an_empty_table_is_refused(iris_run: Path, tmp_path: Path, flowers: pd.DataFrame) -> None:
    table = tmp_path / "flowers.csv"
    flowers.iloc[:0].to_csv(table, index=False)
    with pytest.raises(InputError, match="no rows"):
        predicted(iris_run, table)


def test_other_columns_are_passed_on_as_they_are(iris_run: Path, tmp_path: Path, flowers: pd.DataFrame) -> None:
    notes = ["0012", "NA", ' spaces, "quotes" ']
    table = tmp_path / "flowers.csv"
    flowers.assign(note=notes).to_csv(table, index=False)
    assert [row[4] for row in predicted(iris_run, table)[1:]] == notes


def test_a_column_called_predicted_stays_the_only_one(iris_run: Path, tmp_path: Path, flowers: pd.DataFrame) -> None:
    table = tmp_path / "flowers.csv"
    flowers.assign(predicted="mine").to_csv(table, index=False)
    header = predicted(iris_run, table)[0]
    assert (header.count("predicted"), header.count("predicted 2")) == (1, 1)


def test_whatever_a_report_reads_is_predicted(iris_run: Path, tmp_path: Path, flowers: pd.DataFrame) -> None:
    flowers.to_csv(tmp_path / "a.csv", index=False)
    flowers.rename(columns=lambda name: f" {name} ").to_csv(tmp_path / "spaces.csv", index=False)
    flowers.to_csv(tmp_path / "a.tsv", index=False, sep="\t")
    flowers.to_csv(tmp_path / "decimal.csv", index=False, sep=";", decimal=",")
    flowers.to_csv(tmp_path / "a.csv.gz", index=False)
    flowers.to_parquet(tmp_path / "a.parquet")
    (tmp_path / "trailing.csv").write_text((tmp_path / "a.csv").read_text().replace("\n", ",\n"))
    answers = {tuple(tuple(row[4:]) for row in predicted(iris_run, path)) for path in tmp_path.iterdir()}
    assert len(answers) == 1


def test_true_and_false_are_read_as_in_training(tmp_path: Path) -> None:
    table = tmp_path / "trees.csv"
    rows = [f"{n % 7 + n % 2 * 3},{bool(n % 2)},{'oak' if n % 2 else 'ash'}\n" for n in range(40)]
    table.write_text("height,evergreen,tree\n" + "".join(rows))
    save_run(tmp_path / "run", load_dataset(table))
    assert predicted(tmp_path / "run", table)[1][3] == "ash"


def test_predicting_imports_no_flask() -> None:
    code = "import sys, iris_lab.prediction.tables; print('flask' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "False\n"


@pytest.mark.slow
def test_the_memory_of_a_prediction_does_not_grow_with_its_table(iris_run: Path, tmp_path: Path) -> None:
    peaks, features = [], load_model(iris_run).features
    random = np.random.default_rng(0)
    for groups in (4, 24):  # of 250,000 samples, 8 MB, no two values of which are equal
        path = tmp_path / f"{groups}.parquet"
        with parquet.ParquetWriter(path, pa.schema([(name, pa.float64()) for name in features])) as writer:
            for _ in range(groups):
                writer.write_table(pa.table({name: random.uniform(1, 5, 250_000) for name in features}))
        command = [sys.executable, "-m", "iris_lab", "predict", iris_run, path, "-o", tmp_path / "predicted.csv"]
        with subprocess.Popen(command) as process:
            _, status, used = os.wait4(process.pid, 0)
        assert status == 0
        peaks.append(used.ru_maxrss)
    assert peaks[1] < 1.15 * peaks[0], peaks
