"""Sets of hashes in a few bytes: what is kept of a submission so that it can be compared with thousands."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

Keys: TypeAlias = npt.NDArray[np.uint64]

MAX_KEYS = 8_192
EVERY = np.uint64(2**64 - 1)


def packed(keys: Keys) -> bytes:
    """The set as bytes, in ascending order; of a large one the least ``MAX_KEYS``, a sample that all sets share."""
    return np.unique(keys)[:MAX_KEYS].astype("<u8").tobytes()


def unpacked(data: bytes) -> Keys:
    """The keys, in ascending order."""
    return np.frombuffer(data, dtype="<u8").astype(np.uint64, copy=False)


def bound(keys: Keys) -> np.uint64:
    """The key up to which a set that was packed is whole."""
    return np.uint64(keys[-1]) if len(keys) >= MAX_KEYS else EVERY


def within(keys: Keys, members: Keys) -> npt.NDArray[np.bool_]:
    """Which of the keys are members, which come in ascending order."""
    if not len(members):
        return np.zeros(len(keys), dtype=bool)
    places = np.minimum(np.searchsorted(members, keys), len(members) - 1)
    return members[places] == keys


def union(sets: Iterable[Keys]) -> Keys:
    """The keys of all sets, in ascending order."""
    return np.unique(np.concatenate([np.empty(0, dtype=np.uint64), *sets]))
