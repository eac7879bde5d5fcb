"""Compares 1,000 pairs of equally good models, and counts how often a test calls them different.

Each pair has a table of its own, with two halves of features that are drawn alike: one model learns from the one half,
the other from the other. Neither is better, so at a level of 5 % a right test says "different" for 5 % of the pairs.
The naive test is the ordinary t-test of the same differences.
"""

import argparse
from functools import cache

import numpy as np
import pandas as pd
from joblib import Parallel, delayed
from sklearn.model_selection import RepeatedStratifiedKFold

from iris_lab.data.dataset import Dataset
from iris_lab.modeling import make_estimator, make_split
from iris_lab.paired_tests import corrected_t_test

LEVEL, HALF = 0.05, 3
# A model, the number of random splits, and the share of the samples in their test sets.
RANDOM_SPLITS = (("lda", 8, 0.25), ("lda", 20, 0.2), ("knn", 20, 0.25))
REPEATED = ("lda", 10, 10)  # a model, folds, repetitions
Rows = list[tuple[np.ndarray, np.ndarray]]


def null_table(random: np.random.Generator, samples: int) -> Dataset:
    """Return a table of two classes with two equally useful halves of features."""
    target = np.arange(samples) % 2
    features = random.normal(size=(samples, 2 * HALF)) + 0.6 * target[:, None]
    return Dataset("null", pd.DataFrame(features, columns=list("abcdef")), target, ("no", "yes"), "class", "")


@cache
def rows_of(design: tuple, samples: int) -> Rows:
    """Return rows for training and test: as a sweep over seeds draws them, or of repeated cross-validation."""
    dataset = null_table(np.random.default_rng(0), samples)  # without duplicates, only the classes decide the draw
    _, count, other = design
    if design is REPEATED:
        draw = RepeatedStratifiedKFold(n_splits=count, n_repeats=other, random_state=0)
        return list(draw.split(dataset.features, dataset.target))
    splits = (make_split(dataset, other, seed) for seed in range(count))
    return [(split.train, split.test) for split in splits]


def p_values(seed: int, design: tuple, samples: int, rows: Rows) -> tuple[float, float]:
    """Return the p-values of the corrected and of the naive test for one pair of equally good models."""
    dataset = null_table(np.random.default_rng(seed), samples)
    values, target, differences = dataset.features.to_numpy(), dataset.target, []
    classifier = make_estimator(design[0])[-1]
    for train, test in rows:
        right = []
        for half in (values[:, :HALF], values[:, HALF:]):
            classifier.fit(half[train], target[train])
            right.append((classifier.predict(half[test]) == target[test]).mean())
        differences.append(right[0] - right[1])
    ratio = float(np.mean([len(test) / len(train) for train, test in rows]))
    return corrected_t_test(differences, ratio).p, corrected_t_test(differences, 0).p


def false_alarms(design: tuple, samples: int, pairs: int, jobs: int = 1) -> tuple[float, float]:
    """Return the share of pairs that the corrected and the naive test call different."""
    rows = rows_of(design, samples)
    tasks = (delayed(p_values)(seed, design, samples, rows) for seed in range(pairs))
    corrected, naive = (np.array(Parallel(n_jobs=jobs)(tasks)) < LEVEL).mean(axis=0)
    return float(corrected), float(naive)


def main() -> None:
    """Print the shares of false alarms as Markdown."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pairs", type=int, default=1000, help="pairs for each line (default: 1000)")
    parser.add_argument("--samples", type=int, default=150, help="of each table (default: 150)")
    parser.add_argument("--jobs", type=int, default=-1, help="processes (default: one per core)")
    given = parser.parse_args()
    print(f"| model | {given.samples} samples, {given.pairs} pairs | corrected t-test | naive t-test |")
    print("|---|---|---|---|")
    for design in (*RANDOM_SPLITS, REPEATED):
        model, count, other = design
        name = f"{count} random splits, {other:.0%} held out"
        if design is REPEATED:
            name = f"{other} times {count}-fold cross-validation"
        corrected, naive = false_alarms(design, given.samples, given.pairs, given.jobs)
        print(f"| {model} | {name} | {corrected:.1%} | {naive:.1%} |", flush=True)


if __name__ == "__main__":
    main()
