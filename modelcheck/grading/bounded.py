"""A limit on the time that the trusted side spends on what an author made."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from modelcheck.errors import TimeLimit


@contextmanager
def limited(seconds: float) -> Iterator[None]:
    """Within this, TimeLimit is raised after so many seconds; in the main thread, and not twice at a time."""

    def stop(_signal: int, _frame: FrameType | None) -> None:
        raise TimeLimit(f"what was captured could not be described in {seconds:g} s, which is the limit")

    before = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


@contextmanager
def unlimited() -> Iterator[None]:
    """Within this the clock of the ``limited`` around it stands still."""
    left, _ = signal.setitimer(signal.ITIMER_REAL, 0)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, left)
