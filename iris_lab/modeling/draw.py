"""Drawing whole groups of samples for a test set of a given size, stratified by class."""

import numpy as np
from numpy.typing import NDArray

Counts = NDArray[np.int64]
DRAWS = 30  # the best of so many is taken; a group of several classes cannot be placed rightly for all of them


def draw_groups(groups: Counts, target: Counts, test_size: float, seed: int) -> NDArray[np.bool_]:
    """Return for each group whether it is held out: the best of `DRAWS` draws.

    Groups are drawn from the largest to the smallest, so that small groups make up for what large ones miss. The
    cost is that of sorting the groups; a loop runs over the distinct sizes, of which n samples have at most √(2n).

    Parameters
    ----------
    groups, target
        Group number (0, 1, …) and class code of each sample.
    test_size
        Fraction of the samples to hold out.
    seed
        Seed of the draws.
    """
    count, classes = int(groups.max()) + 1, int(target.max()) + 1
    members = np.bincount(groups * classes + target, minlength=count * classes).reshape(count, classes)
    asked, rng = test_size * members.sum(axis=0), np.random.default_rng(seed)
    best, least = np.zeros(count, dtype=bool), np.inf
    for _ in range(DRAWS):
        drawn = _draw(members, test_size, rng)
        missed = members[drawn].sum(axis=0) - asked
        lacks = np.sum((missed + asked == 0) | (missed + asked == asked / test_size))
        penalty = float(len(target) * lacks + abs(missed.sum()) + np.abs(missed).sum())
        if penalty < least:
            best, least = drawn, penalty
        if least < 1 + classes:  # each class within a sample
            break
    return best


def _draw(members: Counts, test_size: float, rng: np.random.Generator) -> NDArray[np.bool_]:
    """Return one draw: at each size, as many groups as bring the test set nearest to its share so far."""
    sizes, strata = members.sum(axis=1), members.argmax(axis=1)  # a group counts for its most frequent class
    order = np.lexsort((rng.random(len(sizes)), strata, -sizes))
    starts = np.flatnonzero(np.diff(sizes[order], prepend=0))
    seen, held_out = np.zeros(members.shape[1]), np.zeros(len(sizes), dtype=bool)
    asked, taken = test_size * members.sum(axis=0), np.zeros(members.shape[1])
    taken_classes = np.zeros(members.shape[1])
    for start, stop in zip(starts, [*starts[1:], len(order)], strict=True):
        level, last = order[start:stop], stop == len(order)
        size, room = int(sizes[level[0]]), np.bincount(strata[level], minlength=len(asked))
        seen += size * room
        # Only the smallest groups are drawn by what their classes still lack: larger ones may be of several classes.
        wanted = (asked - taken_classes if last else test_size * seen - taken) / size
        fits = round(float(asked.sum() - taken.sum()) / size)
        total = min(int(np.floor(wanted.sum() + (0.5 if last else rng.random()))), fits)
        quota = _quota(wanted + (0 if last else rng.random(len(wanted)) - 0.5), room, total)
        ranks = np.arange(len(level)) - np.repeat(np.cumsum(room) - room, room)
        drawn = level[ranks < np.repeat(quota, room)]
        held_out[drawn] = True
        taken += size * quota
        taken_classes += members[drawn].sum(axis=0)
    return held_out


def _quota(wanted: NDArray[np.float64], room: Counts, total: int) -> Counts:
    """Return whole numbers near to `wanted`, each between 0 and its `room`, that add up to `total`."""
    total = min(max(total, 0), int(room.sum()))
    low, high = -float(np.abs(wanted).max()) - room.max() - 1, float(np.abs(wanted).max()) + room.max() + 1
    for _ in range(60):  # what is added to all, by bisection
        middle = (low + high) / 2
        low, high = (middle, high) if np.clip(wanted + middle, 0, room).sum() < total else (low, middle)
    exact = np.clip(wanted + high, 0, room)
    quota: Counts = np.floor(exact + 1e-9).astype(np.int64)
    rest = np.where(quota < room, exact - quota, -np.inf)
    quota[np.argsort(-rest, kind="stable")[: total - int(quota.sum())]] += 1
    return quota
