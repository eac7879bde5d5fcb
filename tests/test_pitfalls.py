"""What could mislead: found where it was planted, and not told of clean tables."""

import json
import runpy
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from iris_lab.data.dataset import Dataset
from iris_lab.data.datasets import load_dataset
from iris_lab.modeling import make_split
from iris_lab.pitfalls import Pitfall, in_model, in_split, in_table, record_pitfalls

BENCH: dict[str, Any] = runpy.run_path(str(Path(__file__).parents[1] / "benchmarks" / "pitfalls.py"))
OF_TABLES = {kind: found for kind, (_, found) in BENCH["PLANTED"].items() if kind not in ("no signal", "label noise")}


@pytest.fixture(scope="module")
def tables() -> dict[str, pd.DataFrame]:
    tables: dict[str, pd.DataFrame] = BENCH["clean_tables"]()
    return tables


def loaded(folder: Path, table: pd.DataFrame) -> Dataset:
    table.to_csv(folder / "table.csv", index=False)
    return load_dataset(folder / "table.csv", keep="case" if "case" in table else "")


@pytest.mark.parametrize("table", ["wine", pytest.param("generated 7", marks=pytest.mark.slow)])
@pytest.mark.parametrize(("kind", "codes"), OF_TABLES.items(), ids=OF_TABLES)
def test_a_planted_fault_is_found(
    tmp_path: Path, tables: dict[str, pd.DataFrame], table: str, kind: str, codes: set[str]
) -> None:
    faulty = BENCH["PLANTED"][kind][0](tables[table].copy(), np.random.default_rng(5))
    dataset = loaded(tmp_path, faulty)
    found = in_table(dataset) + in_split(make_split(dataset))
    assert codes & {pitfall.code for pitfall in found}
    assert all(pitfall.measured and pitfall.why and pitfall.action for pitfall in found)


@pytest.mark.parametrize("table", ["iris", "wine", "breast_cancer", "generated 1", "generated 2", "generated 3"])
def test_nothing_untrue_is_said_of_a_clean_table(tmp_path: Path, tables: dict[str, pd.DataFrame], table: str) -> None:
    dataset = loaded(tmp_path, tables[table])
    found = in_table(dataset) + in_split(make_split(dataset))
    assert {pitfall.code for pitfall in found} <= BENCH["TRUE_OF_CLEAN"]


def test_contradicting_labels_are_named_by_their_samples(tmp_path: Path, tables: dict[str, pd.DataFrame]) -> None:
    faulty = BENCH["PLANTED"]["label noise"][0](tables["breast_cancer"].copy(), np.random.default_rng(5))
    (noise,) = (one for one in in_table(loaded(tmp_path, faulty)) if one.code == "label-noise")
    wrong = np.flatnonzero(faulty["target"].to_numpy() != tables["breast_cancer"]["target"].to_numpy()) + 1
    named = {int(number) for number in noise.measured.split("such as ")[1].split(", ")}
    assert len(named & set(wrong.tolist())) >= 6


MODELS = {
    "as good as the baseline": ([0.5, 0.52, 0.49], [0.5, 0.5, 0.5], 0.55, {"no-better-than-baseline"}),
    "better by chance": ([0.7, 0.5, 0.62], [0.5, 0.5, 0.5], 0.65, {"no-better-than-baseline"}),
    "clearly better": ([0.9, 0.92, 0.91], [0.5, 0.5, 0.5], 0.95, set[str]()),
    "remembers": ([0.8, 0.79, 0.81], [0.5, 0.5, 0.5], 1.0, {"overfit"}),
    "folds disagree": ([0.95, 0.93, 0.6, 0.94], [0.2, 0.2, 0.2, 0.2], 0.9, {"folds-disagree"}),
}


@pytest.mark.parametrize(("scores", "baseline", "train", "codes"), MODELS.values(), ids=MODELS)
def test_what_a_cross_validation_warns_of(
    scores: list[float], baseline: list[float], train: float, codes: set[str]
) -> None:
    found = in_model(train, np.array(scores), np.array(baseline), 100)
    assert {pitfall.code for pitfall in found} == codes


def test_each_step_has_its_part_of_the_file_and_replaces_it(tmp_path: Path) -> None:
    one, other = (Pitfall(code, "é", "m", "w", "a") for code in ("constant", "rare-class"))
    record_pitfalls(tmp_path, "train", [other])
    record_pitfalls(tmp_path, "eda", [one, other])
    table = record_pitfalls(tmp_path, "eda", [one])
    assert table.index.tolist() == ["constant"]
    assert json.loads((tmp_path / "checks.json").read_text()) == {
        "eda": [{"code": "constant", "subject": "é", "measured": "m", "why": "w", "action": "a"}],
        "train": [{"code": "rare-class", "subject": "é", "measured": "m", "why": "w", "action": "a"}],
    }
