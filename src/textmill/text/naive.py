"""The split that training does not make: every document by itself, its copies where chance puts them. Room: text/.

Used by the plan of a split where it is asked for, and by evaluation/leaks.py, which measures what grouping is good for.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.int64]
Mask = NDArray[np.bool_]

LONGEST_SHARE = 20
"""In a sample a document counts with a twentieth of it at most: with its beginning."""
GROUP_SHARE = 4
"""A group stands in a sample with a quarter of it at most: with its first documents."""


@dataclass(frozen=True)
class Sides:
    """Which documents are trained on, and which are held out for validation or test; neither where one is dropped."""

    train: Mask
    held: Mask


@dataclass(frozen=True)
class TwoSplits:
    """The same documents split as training does and naively; group and size in bytes of each."""

    grouped: Sides
    naive: Sides
    groups: Numbers
    sizes: Numbers


def naive_order(numbers: Numbers, seed: int) -> Numbers:
    """The order in which documents are held out naively. numbers: rank of each one's hash, equal for equal documents.

    The first of equal documents keeps the place that its hash gives it, the others draw one. So without repeats the
    order is the one that training's split goes by: what differs between the two splits comes from repeats alone.

    >>> naive_order(np.array([2, 0, 1]), seed=0).tolist()
    [1, 2, 0]
    """
    _, first, rank = np.unique(numbers, return_index=True, return_inverse=True)
    place = rank / max(1, len(first))
    by_rank = np.argsort(rank, kind="stable")
    repeats = by_rank[~np.isin(by_rank, first)]
    place[repeats] = np.random.default_rng(seed).random(len(repeats))
    return np.argsort(place, kind="stable")


def sample_of_groups(groups: Numbers, sizes: Numbers, limit: int, seed: int) -> Mask:
    """Documents of about `limit` bytes, group by group in a seeded order, so that repeats stay together; all of them
    where they are no more than that. See LONGEST_SHARE and GROUP_SHARE.

    >>> sample_of_groups(np.array([0, 0, 1, 1]), np.array([5, 5, 5, 5]), limit=20, seed=0).tolist()
    [True, True, True, True]
    """
    if int(sizes.sum()) <= limit:
        return np.ones(len(groups), dtype=np.bool_)
    counted = np.minimum(sizes, max(1, limit // LONGEST_SHARE))
    number = np.unique(groups, return_inverse=True)[1]
    drawn = np.random.default_rng(seed).permutation(int(number.max()) + 1)[number]
    order = np.argsort(drawn, kind="stable")
    total = np.cumsum(counted[order])
    begins = np.flatnonzero(np.append(True, drawn[order][1:] != drawn[order][:-1]))
    before = np.repeat((total - counted[order])[begins], np.diff(np.append(begins, len(order))))
    fits = total - before <= limit // GROUP_SHARE
    fits &= np.cumsum(np.where(fits, counted[order], 0)) <= limit
    chosen = np.zeros(len(groups), dtype=np.bool_)
    chosen[order[fits]] = True
    return chosen
