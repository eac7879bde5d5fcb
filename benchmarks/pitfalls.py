"""Plants 100 faults into clean tables, and counts which are found, and what is said about the clean ones.

Clean tables are scikit-learn's and generated ones. A false alarm is any pitfall of a clean table that is not true of it
(the breast cancer table has highly correlated pairs and unlike magnitudes, digits has constant corners).

``--skore PYTHON``, an interpreter with skore, puts skore's checks of the same tables beside ours. Few of its codes
stand for one of our faults, so it finds a fault if it says anything that it does not say of the clean table.
"""

import argparse
import json
import subprocess
import tempfile
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.random import Generator
from sklearn.datasets import load_breast_cancer, load_digits, load_iris, load_wine, make_classification

from iris_lab.data import load_dataset
from iris_lab.modeling import cross_validate, majority_baseline, make_estimator, make_split
from iris_lab.pitfalls import in_model, in_split, in_table

TRUE_OF_CLEAN = {"correlated", "magnitudes", "constant", "nearly-constant"}  # digits has empty corners


def clean_tables() -> dict[str, pd.DataFrame]:
    """Return 20 tables without faults: four of scikit-learn's, and generated ones of several shapes."""
    tables: dict[str, pd.DataFrame] = {}
    for load in (load_iris, load_wine, load_breast_cancer, load_digits):
        data = load(as_frame=True)
        tables[load.__name__[5:]] = data.data.assign(target=[f"class {code}" for code in data.target])
    for seed in range(16):
        random = np.random.default_rng(seed)
        classes = 2 + seed % 3
        values, target = make_classification(
            300 + 100 * seed, 6 + seed % 5, n_informative=4, n_redundant=0, n_classes=classes, n_clusters_per_class=1,
            class_sep=0.8, flip_y=0.0, random_state=seed,
        )  # fmt: skip
        table = pd.DataFrame(
            values.round(3 if seed % 2 else 6), columns=[f"x{place}" for place in range(values.shape[1])]
        )
        if seed % 4 == 1:
            table["colour"] = random.choice(["red", "green", "blue", "grey"], len(table))
            table.loc[random.random(len(table)) < 0.1, "x0"] = np.nan
        if seed % 4 == 2:
            table["count"] = random.poisson(3, len(table))
            table["smokes"] = random.choice(["true", "false"], len(table))
        if seed % 4 == 3:
            days = pd.Timestamp("2020-01-01") + pd.to_timedelta(random.integers(0, 900, len(table)), "D")
            table["seen"] = days.strftime("%Y-%m-%d")
        tables[f"generated {seed}"] = table.assign(target=np.array(["a", "b", "c", "d"])[target])
    return tables


def numbers(table: pd.DataFrame) -> list[str]:
    """Return the names of the numeric columns with many values."""
    return [name for name in table.columns[:-1] if table[name].dtype.kind == "f" and table[name].nunique() > 20]


def _identifier(table: pd.DataFrame, random: Generator) -> pd.DataFrame:
    table.insert(0, "case", random.permutation(len(table)) * 7 + 10_003)
    return table


def _giveaway(table: pd.DataFrame, random: Generator) -> pd.DataFrame:
    codes = pd.factorize(table["target"], sort=True)[0]
    table.insert(1, "score", (codes * 10 + random.normal(size=len(table))).round(2))
    return table


def _giveaway_level(table: pd.DataFrame, random: Generator) -> pd.DataFrame:
    ward = "ward " + pd.Series(pd.factorize(table["target"])[0] * 2 + random.integers(0, 2, len(table))).astype(str)
    table.insert(1, "ward", ward.to_numpy())
    return table


def _constant(table: pd.DataFrame, random: Generator) -> pd.DataFrame:
    return table.assign(**{numbers(table)[0]: 4.0})


def _nearly_constant(table: pd.DataFrame, random: Generator) -> pd.DataFrame:
    name = numbers(table)[-1]
    return table.assign(**{name: np.where(random.random(len(table)) < 0.003, table[name], 1.0)})


def _correlated(table: pd.DataFrame, random: Generator) -> pd.DataFrame:
    name = numbers(table)[0]
    noise = random.normal(size=len(table)) * table[name].std() * 0.03
    table.insert(2, "same in inches", (table[name] / 2.54 + noise / 2.54))
    return table


def _rare_class(table: pd.DataFrame, random: Generator) -> pd.DataFrame:
    first = table["target"].iloc[0]
    rows = np.flatnonzero(table["target"] == first)
    return table.drop(index=table.index[rows[6:]])


def _mostly_missing(table: pd.DataFrame, random: Generator) -> pd.DataFrame:
    table.loc[random.random(len(table)) < 0.7, numbers(table)[0]] = np.nan
    return table


def _gaps_by_class(table: pd.DataFrame, random: Generator) -> pd.DataFrame:
    one = (table["target"] == table["target"].iloc[0]).to_numpy()
    table.loc[one & (random.random(len(table)) < 0.7), numbers(table)[-1]] = np.nan
    return table


def _sentinel(table: pd.DataFrame, random: Generator) -> pd.DataFrame:
    table.loc[random.random(len(table)) < 0.05, numbers(table)[0]] = -999.0
    return table


def _levels_once(table: pd.DataFrame, random: Generator) -> pd.DataFrame:
    level = random.choice(["north", "south"], len(table)).astype(object)
    odd = random.choice(len(table), len(table) // 10, replace=False)
    level[odd] = [f"place {number}" for number in range(len(odd))]
    table.insert(1, "place", level)
    return table


def _levels_alike(table: pd.DataFrame, random: Generator) -> pd.DataFrame:
    table.insert(1, "sex", random.choice(["male", "Male", "female"], len(table)))
    return table


def _magnitudes(table: pd.DataFrame, random: Generator) -> pd.DataFrame:
    name = numbers(table)[0]
    return table.assign(**{name: table[name] * 1e6})


def _sorted_time(table: pd.DataFrame, random: Generator) -> pd.DataFrame:
    table.insert(0, "measured on", pd.date_range("2019-01-01", periods=len(table)).strftime("%Y-%m-%d"))
    return table


def _repeated(table: pd.DataFrame, random: Generator) -> pd.DataFrame:
    patients = len(table) // 5
    table.insert(0, "patient", [f"P{number:04d}" for number in random.permutation(np.arange(len(table)) % patients)])
    return table


def _near_duplicates(table: pd.DataFrame, random: Generator) -> pd.DataFrame:
    some = table.sample(len(table) // 6, random_state=int(random.integers(1000)))
    again = some.copy()
    for name in numbers(table):
        again[name] += random.normal(size=len(some)) * table[name].std() * 1e-4
    return pd.concat([table, again], ignore_index=True)


def _noise(table: pd.DataFrame, random: Generator) -> pd.DataFrame:
    wrong = random.random(len(table)) < 0.08
    classes = table["target"].unique()
    turned = {name: classes[(place + 1) % len(classes)] for place, name in enumerate(classes)}
    return table.assign(target=np.where(wrong, table["target"].map(turned), table["target"]))


def _no_signal(table: pd.DataFrame, random: Generator) -> pd.DataFrame:
    return table.assign(target=random.permutation(table["target"].to_numpy()))


PLANTED: dict[str, tuple[Callable[[pd.DataFrame, Generator], pd.DataFrame], set[str]]] = {
    "identifier": (_identifier, {"identifier"}),
    "gives the target away": (_giveaway, {"gives-target-away"}),
    "level gives the target away": (_giveaway_level, {"gives-target-away"}),
    "constant": (_constant, {"constant"}),
    "nearly constant": (_nearly_constant, {"nearly-constant", "constant"}),
    "correlated": (_correlated, {"correlated"}),
    "rare class": (_rare_class, {"rare-class"}),
    "mostly missing": (_mostly_missing, {"mostly-missing"}),
    "gaps by class": (_gaps_by_class, {"gaps-by-class"}),
    "-999 for missing": (_sentinel, {"written-as-number"}),
    "levels seen once": (_levels_once, {"levels-seen-once"}),
    "levels alike": (_levels_alike, {"levels-alike"}),
    "magnitudes": (_magnitudes, {"magnitudes"}),
    "sorted by time": (_sorted_time, {"sorted-by-time"}),
    "repeated identifier": (_repeated, {"repeated-identifier"}),
    "near duplicates": (_near_duplicates, {"near-duplicates"}),
    "label noise": (_noise, {"label-noise", "no-better-than-baseline"}),
    "no signal": (_no_signal, {"no-better-than-baseline"}),
}


def codes_in(table: pd.DataFrame) -> list[str]:
    """Return the codes of all pitfalls of a table, its split and a model of it."""
    with tempfile.TemporaryDirectory() as folder:
        table.to_csv(Path(folder) / "table.csv", index=False)
        dataset = load_dataset(Path(folder) / "table.csv", keep="case" if "case" in table else "")
    split = make_split(dataset)
    estimator = make_estimator("forest", 0, dataset.schema)
    scores = cross_validate(estimator, split, folds=3)
    baseline = cross_validate(majority_baseline(), split, folds=3)
    found = in_table(dataset) + in_split(split) + in_model(float(scores.mean()), scores, baseline, len(split.train) / 3)
    return [pitfall.code for pitfall in found]


def plant(number: int, tables: dict[str, pd.DataFrame]) -> tuple[str, str, pd.DataFrame]:
    """Return the kind of fault, the name of the table it was planted in, and the faulty table, for a fault's number."""
    kind = list(PLANTED)[number % len(PLANTED)]
    usable = [name for name in tables if name != "digits" or kind in ("identifier", "rare class", "no signal")]
    name = usable[(number // len(PLANTED) + 5 * number) % len(usable)]
    return kind, name, PLANTED[kind][0](tables[name].copy(), np.random.default_rng(number))


def skores_answers(python: str, tables: dict[str, pd.DataFrame]) -> dict[str, dict[str, str]]:
    """Return what skore's checks say of tables, by their names."""
    script = Path(__file__).with_name("skore_checks.py")
    with tempfile.TemporaryDirectory() as folder:
        for name, table in tables.items():
            table.to_csv(Path(folder) / f"{name}.csv", index=False)
        done = subprocess.run([python, script, folder], capture_output=True, text=True, check=True)
    answers: dict[str, dict[str, str]] = json.loads(done.stdout.splitlines()[-1])
    return answers


def beside(python: str, tables: dict[str, pd.DataFrame]) -> Counter[str]:
    """Print what skore says of the clean tables, and return how many faults of each kind it finds."""
    faults = {f"fault {number}": plant(number, tables) for number in range(100)}
    answers = skores_answers(python, tables | {name: table for name, (_, _, table) in faults.items()})
    found = Counter[str]()
    for name, (kind, clean, _) in faults.items():
        found[kind] += bool(answers[name].keys() - answers[clean].keys() - {"refused"})
    said = Counter(code for name in tables for code, section in answers[name].items() if section == "issue")
    print("skore's issues of clean tables:", ", ".join(f"{code} in {count}" for code, count in said.most_common()))
    print("refused by skore:", sum("refused" in answer for answer in answers.values()))
    return found


def main() -> None:
    """Print recall by kind of fault, and the false alarms of the clean tables, as Markdown."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--skore", metavar="PYTHON", help="an interpreter with skore")
    asked = parser.parse_args()
    tables = clean_tables()
    alarms = {name: [code for code in codes_in(table) if code not in TRUE_OF_CLEAN] for name, table in tables.items()}
    found, planted = Counter[str](), Counter[str]()
    for number in range(100):
        kind, name, table = plant(number, tables)
        planted[kind] += 1
        hit = bool(PLANTED[kind][1] & set(codes_in(table)))
        found[kind] += hit
        if not hit:
            print(f"not found: {kind} in {name}")
    skores = beside(asked.skore, tables) if asked.skore else Counter[str]()
    print("\n| fault | planted | found | skore |\n|---|---|---|---|")
    for kind in PLANTED:
        print(f"| {kind} | {planted[kind]} | {found[kind]} | {skores[kind] if asked.skore else ''} |")
    print(f"| all | {planted.total()} | {found.total()} | {skores.total() if asked.skore else ''} |\n")
    print(f"false alarms: {sum(map(len, alarms.values()))} in {len(tables)} clean tables")
    for name, codes in alarms.items():
        if codes:
            print(f"- {name}: {', '.join(codes)}")


if __name__ == "__main__":
    main()
