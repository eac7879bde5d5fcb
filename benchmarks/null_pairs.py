"""Compares 1,000 pairs of equally good models, and counts how often a test calls them different.

Each pair has a table of its own, with two halves of features that are drawn alike: one model learns from the one half,
the other from the other. Neither is better, so at a level of 5 % a right test says "different" for 5 % of the pairs.
The naive test is the ordinary t-test of the same differences.
"""

import argparse
from collections.abc import Callable

import numpy as np
import pandas as pd
from sklearn.model_selection import RepeatedStratifiedKFold

from iris_lab.data.dataset import Dataset
from iris_lab.modeling import make_split
from iris_lab.paired_tests import corrected_t_test

LEVEL, FEATURES, APART, NEIGHBOURS = 0.05, 3, 0.6, 5
Array = np.ndarray


def lda(values: Array, target: Array, train: Array) -> Array:
    """Return the classes that linear discriminant analysis predicts in every split, shape (splits, samples)."""
    own = [(train & (target == code)).astype(float) for code in (0, 1)]
    means = [weight @ values / weight.sum(axis=1, keepdims=True) for weight in own]
    outer = (values[:, :, None] * values[:, None, :]).reshape(len(values), -1)
    scatter = (train.astype(float) @ outer).reshape(len(train), FEATURES, FEATURES)
    for weight, mean in zip(own, means, strict=True):
        scatter -= weight.sum(axis=1)[:, None, None] * mean[:, :, None] * mean[:, None, :]
    direction = np.linalg.solve(scatter, (means[1] - means[0])[:, :, None])[:, :, 0]
    middle = ((means[0] + means[1]) / 2 * direction).sum(axis=1, keepdims=True)
    return (direction @ values.T > middle).astype(int)


def knn(values: Array, target: Array, train: Array) -> Array:
    """Return the classes of the majority among the nearest neighbours in every split, shape (splits, samples)."""
    distances = ((values[:, None, :] - values[None, :, :]) ** 2).sum(axis=2)
    among = np.where(train[:, None, :], distances, np.inf)
    nearest = np.argpartition(among, NEIGHBOURS, axis=2)[:, :, :NEIGHBOURS]
    return (target[nearest].sum(axis=2) > NEIGHBOURS / 2).astype(int)


def differences(model: Callable[..., Array], seed: int, target: Array, test: Array) -> Array:
    """Return the differences in accuracy, one for each split, of two equally good models on one table."""
    random = np.random.default_rng(seed)
    scores = []
    for _ in range(2):
        values = random.normal(size=(len(target), FEATURES)) + APART * target[:, None]
        right = model(values, target, ~test) == target
        scores.append((right & test).sum(axis=1) / test.sum(axis=1))
    return scores[0] - scores[1]


def random_splits(target: Array, count: int, share: float) -> Array:
    """Return who is in the test set of each seed, as `iris-lab sweep` draws it; shape (splits, samples)."""
    numbers = pd.DataFrame({"number": np.arange(float(len(target)))})
    dataset = Dataset("null", numbers, target, ("no", "yes"), "class", "")
    tests = [make_split(dataset, share, seed).test for seed in range(count)]
    return np.array([np.isin(np.arange(len(target)), test) for test in tests])


def folds(target: Array, count: int, repeats: int) -> Array:
    """Return who is in the test fold of repeated cross-validation, shape (folds, samples)."""
    draw = RepeatedStratifiedKFold(n_splits=count, n_repeats=repeats, random_state=0).split(target, target)
    return np.array([np.isin(np.arange(len(target)), test) for _, test in draw])


def false_alarms(model: Callable[..., Array], target: Array, test: Array, pairs: int) -> tuple[float, float]:
    """Return the share of pairs that the corrected and the naive test call different."""
    ratio = float((test.sum(axis=1) / (~test).sum(axis=1)).mean())
    found = [differences(model, seed, target, test) for seed in range(pairs)]
    p_values = np.array([[corrected_t_test(each, used).p for used in (ratio, 0)] for each in found])
    corrected, naive = (p_values < LEVEL).mean(axis=0)
    return float(corrected), float(naive)


def main() -> None:
    """Print the shares of false alarms as Markdown."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pairs", type=int, default=1000, help="pairs for each line (default: 1000)")
    parser.add_argument("--samples", type=int, default=150, help="of each table (default: 150)")
    given = parser.parse_args()
    target = np.arange(given.samples) % 2
    designs = {
        f"{count} random splits, {share:.0%} held out": random_splits(target, count, share)
        for count, share in ((8, 0.25), (20, 0.25), (20, 0.2))
    }
    designs["10 times 10-fold cross-validation"] = folds(target, 10, 10)
    print(f"| model | {given.samples} samples, {given.pairs} pairs | corrected t-test | naive t-test |")
    print("|---|---|---|---|")
    for name, test in designs.items():
        for model in (lda, knn):
            corrected, naive = false_alarms(model, target, test, given.pairs)
            print(f"| {model.__name__} | {name} | {corrected:.1%} | {naive:.1%} |", flush=True)


if __name__ == "__main__":
    main()
