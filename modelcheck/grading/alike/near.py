"""Pairs of sets that are nearly equal, among thousands, through an index."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from modelcheck.grading.alike.sketch import EVERY, Keys, union, within

MAX_INDEXED = 1_000_000  # keys in memory at once, of all sets
_NEXT = 4  # holders of a key that are paired with each of its holders
_HINT = 0.1  # of the keys of the smaller of two sets, by which a pair is worth a look


@dataclass(frozen=True, slots=True)
class Weighed:
    """A set of keys in ascending order, what each weighs (None: one), and up to which key the set is whole."""

    keys: Keys
    weights: npt.NDArray[np.int64] | None = None
    bound: np.uint64 = EVERY

    def only(self, chosen: npt.NDArray[np.bool_]) -> Weighed:
        """The set of some of its keys."""
        if chosen.all():
            return self
        return Weighed(self.keys[chosen], None if self.weights is None else self.weights[chosen], self.bound)

    @property
    def weight(self) -> int:
        """That of all keys."""
        return len(self.keys) if self.weights is None else int(self.weights.sum())


class Pair(NamedTuple):
    """Two sets by their places, and what part of the lighter one they share."""

    one: int
    other: int
    share: float


def near(sets: Sequence[Weighed], subtracted: Keys, most: int, least_share: float, least_weight: int) -> list[Pair]:
    """Pairs of which the lighter set is part of the other, nearly; by weight, and once what is common is subtracted.

    Who holds a key is paired with the next few who hold it, and not with all: of many sets that are alike the pairs
    that are found hold the group together. The work is linear in the number of keys, and so is the number of pairs.

    Args:
        sets: to be compared.
        subtracted: keys that do not count, in ascending order.
        most: how many sets may share a key; one that more share does not count.
        least_share: as a fraction of one.
        least_weight: of the lighter set.
    """
    parts = _parts(sum(len(one.keys) for one in sets))
    common = union([subtracted, *(_frequent(sets, low, high, most) for low, high in parts)])
    left = [one.only(~within(one.keys, common)) for one in sets]
    pairs = (_compared(left, one, other, least_weight) for one, other in _candidates(left, *parts[0]))
    return [pair for pair in pairs if pair.share >= least_share]


def _parts(keys: int) -> list[tuple[int, int]]:
    """Ranges of keys that hold as many as are indexed at once."""
    count = -(-keys // MAX_INDEXED) or 1
    edges = [part * 2**64 // count for part in range(count + 1)]
    return list(itertools.pairwise(edges))


def _index(sets: Sequence[Weighed], low: int, high: int) -> tuple[Keys, npt.NDArray[np.int64]]:
    """The keys of a range and who holds them, sorted by both."""
    first, last = np.uint64(low), np.uint64(high - 1)
    cut = [one.keys[np.searchsorted(one.keys, first) : np.searchsorted(one.keys, last, "right")] for one in sets]
    keys = np.concatenate([np.empty(0, dtype=np.uint64), *cut])
    holders = np.repeat(np.arange(len(sets)), np.array([len(one) for one in cut], dtype=np.int64))
    order = np.argsort(keys, kind="stable")
    return keys[order], holders[order]


def _frequent(sets: Sequence[Weighed], low: int, high: int, most: int) -> Keys:
    keys, counts = np.unique(_index(sets, low, high)[0], return_counts=True)
    return keys[counts > most]


def _candidates(sets: Sequence[Weighed], low: int, high: int) -> Iterator[tuple[int, int]]:
    """The pairs that share enough keys of a range to be compared."""
    keys, holders = _index(sets, low, high)
    codes = [
        holders[:-step][same] * len(sets) + holders[step:][same]
        for step in range(1, _NEXT + 1)
        for same in [keys[step:] == keys[:-step]]
    ]
    pairs, shared = np.unique(np.concatenate(codes), return_counts=True)
    ones, others = pairs // len(sets), pairs % len(sets)
    held = np.bincount(holders, minlength=len(sets))
    looked_at = shared >= _HINT * np.minimum(held[ones], held[others])
    yield from zip(ones[looked_at].tolist(), others[looked_at].tolist(), strict=True)


def _compared(sets: Sequence[Weighed], one: int, other: int, least_weight: int) -> Pair:
    bound = min(sets[one].bound, sets[other].bound)
    first, second = (sets[place].only(sets[place].keys <= bound) for place in (one, other))
    lighter = min(first.weight, second.weight)
    shared = first.only(within(first.keys, second.keys)).weight
    return Pair(one, other, shared / lighter if lighter >= least_weight else 0.0)
