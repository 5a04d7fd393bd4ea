"""How many threads compute: as many as are asked for, or as are fastest."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Literal

import torch

Threads = int | Literal["auto"] | None
STEPS = 3  # of a training, to be timed


@contextmanager
def computing_with(count: Threads, step: Callable[[], object]) -> Iterator[None]:
    """Within this torch computes with that many threads.

    Args:
        count: None: as many as torch takes, which are the cores that the process may use; "auto": as many as are
            fastest just now. Beside other work, two threads that wait for each other can be slower than one.
        step: what is timed for that; it must leave nothing changed.
    """
    before = torch.get_num_threads()
    try:
        if count == "auto":
            torch.set_num_threads(min(_candidates(before), key=lambda one: _seconds(one, step)))
        elif count is not None:
            torch.set_num_threads(count)
        yield
    finally:
        torch.set_num_threads(before)


def _candidates(most: int) -> list[int]:
    """1, 2, 4 and so on, and as many as there are."""
    return sorted({most, *(2**power for power in range(most.bit_length()) if 2**power <= most)})


def _seconds(threads: int, step: Callable[[], object]) -> float:
    torch.set_num_threads(threads)
    step()
    times = []
    for _ in range(STEPS):
        start = time.perf_counter()
        step()
        times.append(time.perf_counter() - start)
    return min(times)
