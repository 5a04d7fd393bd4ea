"""Limits on what the trusted side spends on what an author made."""

from __future__ import annotations

import faulthandler
import functools
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from modelcheck.author_trace import is_memory_error
from modelcheck.errors import MemoryLimit, TimeLimit
from modelcheck.isolated.proc import process

LEAST_BYTES = 4 * 2**30  # of memory that a process may have on any machine


class _OutOfTime(BaseException):
    """Passes whatever is prepared for an error."""


@contextmanager
def limited(seconds: float, what: str, grace_s: float = 2.0) -> Iterator[None]:
    """Within this, TimeLimit is raised after so many seconds; the clock of another one around it stands still.

    It is raised when Python's next instruction comes. Where that does not come, as one of torch's operators takes
    minutes, the process is ended. In the main thread only, and not more than two in each other.

    Args:
        seconds: on the clock.
        what: could not be done in that time, as in "what was captured could not be described".
        grace_s: how long that instruction may take to come.
    """

    def stop(_signal: int, _frame: FrameType | None) -> None:
        raise _OutOfTime

    left, _ = signal.setitimer(signal.ITIMER_REAL, 0)
    before = signal.signal(signal.SIGALRM, stop)
    _ring_after(seconds, grace_s)
    try:
        yield
    except _OutOfTime:
        raise TimeLimit(f"{what} in {seconds:,g} s, which is the limit") from None
    finally:
        _ring_after(0, 0)
        signal.signal(signal.SIGALRM, before)
        _ring_after(left, grace_s)


def _ring_after(seconds: float, grace_s: float) -> None:
    """Send SIGALRM then, and end the process so much later, from outside of Python; after 0 s: never."""
    signal.setitimer(signal.ITIMER_REAL, seconds)
    if seconds:
        faulthandler.dump_traceback_later(seconds + grace_s, exit=True, file=_nowhere())
    else:
        faulthandler.cancel_dump_traceback_later()


@functools.cache
def _nowhere() -> int:
    return os.open(os.devnull, os.O_WRONLY)


@contextmanager
def sparing(what: str) -> Iterator[None]:
    """Within this, this process gets no more than a core's share of the machine's memory; MemoryLimit then.

    Only Linux says how much a process has, and elsewhere it may have all.

    Args:
        what: could not be done in that memory, as in ``limited``.
    """
    held = process(os.getpid())
    if held is None:
        yield
        return
    import resource

    share = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // (os.cpu_count() or 1)
    most = max(share, LEAST_BYTES)
    before = resource.getrlimit(resource.RLIMIT_AS)
    among = [one for one in (held.addresses + most, *before) if one != resource.RLIM_INFINITY]
    resource.setrlimit(resource.RLIMIT_AS, (min(among), before[1]))
    try:
        yield
    except (RuntimeError, MemoryError) as error:
        if not is_memory_error(error):
            raise
        raise MemoryLimit(f"{what} in {most >> 20:,} MiB of memory, which is the limit") from None
    finally:
        resource.setrlimit(resource.RLIMIT_AS, before)
