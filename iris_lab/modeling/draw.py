"""Drawing a test set of a given size, stratified by class, where some samples stay together."""

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.model_selection import train_test_split

Counts = NDArray[np.int64]
MOST_MISSED = 1.5  # samples more or fewer than asked in the test set or a class of it, where duplicates allow it
DRAWS = 30  # at most; where groups are large, a single one may end far from what was asked
NEAR = 1 / 200  # of the samples: a draw so near to what was asked is taken, since choosing among more is less random
PAIRED_CHANGES = 200  # every two of which are tried together


def draw(target: Counts, groups: Counts, test_size: float, seed: int) -> NDArray[np.bool_]:
    """Return which samples are held out, as `make_split` describes it.

    Parameters
    ----------
    target, groups
        Class code and group number of each sample, in any numbering.
    test_size
        Fraction of the samples to hold out.
    seed
        Seed of the draw.
    """
    codes = np.unique(target, return_inverse=True)[1]
    numbers = pd.factorize(groups)[0].astype(np.int64)
    in_test = _draw_distinct(codes, numbers, test_size, seed)
    if in_test is None:
        in_test = draw_groups(numbers, codes, test_size, seed)[numbers]
    return in_test


def _draw_distinct(target: Counts, groups: Counts, test_size: float, seed: int) -> NDArray[np.bool_] | None:
    """Return which samples scikit-learn's stratified draw holds out, None where it misses what was asked."""
    distinct = np.unique(groups, return_index=True)[1]
    try:
        _, drawn = train_test_split(distinct, test_size=test_size, random_state=seed, stratify=target[distinct])
    except ValueError:  # fewer samples than classes, or a class with a single distinct sample
        return None
    in_test = np.isin(groups, groups[drawn])
    counts = np.bincount(target)
    held_out = np.bincount(target[in_test], minlength=len(counts))
    missed = held_out - test_size * counts
    near = max(np.abs(missed).max(), abs(missed.sum())) <= MOST_MISSED
    return in_test if near and all(held_out) and all(held_out < counts) else None


def draw_groups(groups: Counts, target: Counts, test_size: float, seed: int) -> NDArray[np.bool_]:
    """Return for each group whether it is held out.

    Every group is drawn with the same probability. Then one or two groups at a time change sides, for as long as
    that brings the number of samples held out, of each class and in all, nearer to what was asked.

    Parameters
    ----------
    groups, target
        Group number (0, 1, …) and class code of each sample.
    test_size
        Fraction of the samples to hold out.
    seed
        Seed of the draws.
    """
    shape = int(groups.max()) + 1, int(target.max()) + 1
    members = np.bincount(groups * shape[1] + target, minlength=shape[0] * shape[1]).reshape(shape)
    # Groups with the same number of samples of each class are of one kind; only how many of it are drawn matters.
    kinds, kind_of, available = np.unique(members, axis=0, return_inverse=True, return_counts=True)
    rng, total = np.random.default_rng(seed), available @ kinds
    asked = test_size * total
    near = float(_distance(np.round(asked), asked, total)) + NEAR * len(target)
    best, least = available, np.inf
    for _ in range(DRAWS):
        drawn = _draw(kinds, available, test_size, rng)
        distance = _improve(drawn, kinds, available, asked, rng)
        if distance < least:
            best, least = drawn, distance
        if least <= near:
            break
    order = np.lexsort((rng.random(len(kind_of)), kind_of))
    ranks = np.arange(len(order)) - np.repeat(np.cumsum(available) - available, available)
    held_out = np.zeros(len(order), dtype=bool)
    held_out[order] = ranks < np.repeat(best, available)
    return held_out


def _draw(kinds: Counts, available: Counts, test_size: float, rng: np.random.Generator) -> Counts:
    """Return how many groups of each kind are drawn: a systematic sample, ordered by main class and roughly by size."""
    order = np.lexsort((kinds.sum(axis=1) * rng.uniform(1, 2, len(kinds)), kinds.argmax(axis=1)))
    seen = np.floor(test_size * np.cumsum(available[order]) + rng.random()).astype(np.int64)
    drawn = np.empty_like(available)
    drawn[order] = np.diff(seen, prepend=0)
    return drawn


def _improve(drawn: Counts, kinds: Counts, available: Counts, asked: NDArray[Any], rng: np.random.Generator) -> float:
    """Change a draw in place until no change of one group or two brings it nearer to `asked`; return its distance."""
    total, count, changes = available @ kinds, len(kinds), np.concatenate([kinds, -kinds])
    while True:
        held = drawn @ kinds
        least = float(_distance(held, asked, total)) - 1e-9  # less than that is rounding
        possible = np.flatnonzero(np.concatenate([drawn < available, drawn > 0]))
        single = _distance(held + changes[possible], asked, total)
        best = possible[[single.argmin()]]
        if single.min() >= least:
            some = rng.permutation(possible)[:PAIRED_CHANGES]
            paired = _distance(held + changes[some, None] + changes[some], asked, total)
            np.fill_diagonal(paired, np.inf)  # the same change twice: there may be one such group only
            if paired.min() >= least:
                return least
            best = some[list(np.unravel_index(paired.argmin(), paired.shape))]
        drawn[best % count] += np.where(best < count, 1, -1)


def _distance(held: NDArray[Any], asked: NDArray[Any], total: Counts) -> NDArray[np.float64]:
    """Return how many samples too many or too few are held out, by class and in all."""
    missed = held - asked
    lacking = np.sum((held == 0) | (held == total), axis=-1)  # classes without samples in one of the subsets
    distance: NDArray[np.float64] = np.abs(missed).sum(axis=-1) + np.abs(missed.sum(axis=-1)) + total.sum() * lacking
    return distance
