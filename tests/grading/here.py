"""A pool that is this process: nothing is started, and a marking can be ended before any step."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from concurrent.futures import Executor, Future
from typing import Any

import torch

from modelcheck.grading import pool


class Here(pool.LocalPool, Executor):
    """Does one step after the other, until as many as there may be are done."""

    last = 10**6

    def window(self) -> int:
        return 1

    @contextlib.contextmanager
    def executor(self, *, alone: bool = False) -> Iterator[Executor]:
        if pool._terms != self.terms:
            pool.worker.cache_clear()
            pool._terms = self.terms
        threads = torch.get_num_threads()
        try:
            yield self
        finally:
            torch.set_num_threads(threads)  # a worker has one, and this process goes on

    def submit(self, function: Any, /, *args: Any, **_: Any) -> Future[Any]:
        if Here.last == 0:
            raise KeyboardInterrupt
        Here.last -= 1
        future: Future[Any] = Future()
        future.set_result(function(*args))
        return future
