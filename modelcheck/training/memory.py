"""Keeps memory that was freed, for the tensors of the next step."""

from __future__ import annotations

import ctypes
import functools
import sys

M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3  # of malloc.h, glibc's
LARGEST = 2**25  # bytes; glibc takes no higher threshold
NEVER = 2**31 - 1


@functools.cache
def keep_freed_memory() -> None:
    """From now on the process gives blocks of up to 32 MiB back to the system no more, but uses them again.

    By default glibc asks the system for each large block and gives it back when it is freed, so that each step of a
    training has all its memory zeroed anew, page by page. Other allocators are left as they are.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None) if sys.platform == "linux" else None
    if mallopt:
        mallopt(M_MMAP_THRESHOLD, LARGEST)
        mallopt(M_TRIM_THRESHOLD, NEVER)
