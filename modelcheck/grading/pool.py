"""Keeps jobs in the hands of worker processes, and outlives those that die."""

from __future__ import annotations

import contextlib
import itertools
import multiprocessing
import os
import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Executor, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool

from modelcheck.errors import Crashed, UsageError
from modelcheck.grading.work import Done, Job, Terms, Worker

WINDOW = 4  # jobs in flight for each worker
TRIES = 2  # of a submission whose worker died


def worked(jobs: Iterable[Job], terms: Terms, workers: int) -> Iterator[Done]:
    """The jobs, done, as they come: a few at a time are in the hands of as many processes.

    A submission whose worker dies is tried once more by itself; where that dies too, this is what became of it.
    """
    waiting = iter(jobs)
    while True:
        lost: list[Job] = []
        with _pool(workers, terms) as pool:
            yield from _until_broken(pool, waiting, workers * WINDOW, lost)
        if not lost:
            return
        for job in lost:
            yield from _alone(job, terms)


def _until_broken(pool: Executor, jobs: Iterator[Job], most: int, lost: list[Job]) -> Iterator[Done]:
    """Work until there are no jobs, or a worker dies: then the jobs that were in flight are lost."""
    running: dict[Future[Done], Job] = {}
    while True:
        try:
            for job in itertools.islice(jobs, max(most - len(running), 0)):
                running[pool.submit(_work, job)] = job
        except BrokenProcessPool:
            lost.append(job)
        if not running:
            return
        for future in wait(running, return_when=FIRST_COMPLETED).done:
            job = running.pop(future)
            try:
                done = future.result()
            except BrokenProcessPool:
                lost.append(job)
            else:
                yield done
        if lost:
            most = 0  # the pool takes no more, and all that runs is lost


def _alone(job: Job, terms: Terms) -> Iterator[Done]:
    for _ in range(TRIES):
        with _pool(1, terms) as pool:
            try:
                yield pool.submit(_work, job).result()
                return
            except BrokenProcessPool:
                continue
    text = "the process that judges it died, twice; its graph may be more than the machine's memory holds"
    yield Worker(terms).failed(job.submission, Crashed(text))


@contextlib.contextmanager
def _pool(workers: int, terms: Terms) -> Iterator[Executor]:
    """Worker processes, of which one has shown that it can work: what keeps them from it is no submission's fault."""
    with ProcessPoolExecutor(workers, multiprocessing.get_context("spawn"), _begin, (terms,)) as pool:
        try:
            pool.submit(_ready).result()
        except BrokenProcessPool:
            raise UsageError("no worker process could be started; what it said stands above") from None
        yield pool


_worker: Callable[[Job], Done] | None = None


def _begin(terms: Terms) -> None:
    """Make this process a worker."""
    global _worker
    import torch

    threading.Thread(target=_end_with_parent, daemon=True).start()
    torch.set_num_threads(1)
    _worker = Worker(terms).work


def _end_with_parent() -> None:
    """End this process where the coordinator was killed: it would wait for work for ever."""
    parent = multiprocessing.parent_process()
    assert parent is not None
    parent.join()
    os._exit(1)


def _ready() -> None:
    """Nothing, in a process that could become a worker."""


def _work(job: Job) -> Done:
    assert _worker is not None
    return _worker(job)
