"""Keeps jobs in the hands of worker processes, and outlives those that die."""

from __future__ import annotations

import contextlib
import functools
import multiprocessing
import os
import threading
import traceback
from collections.abc import Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Executor, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from typing import Protocol

import msgspec

from modelcheck.author_trace import describe_exception
from modelcheck.errors import AuthorError, Crashed, UsageError
from modelcheck.grading.encoding import as_text, from_text
from modelcheck.grading.work import Done, Job, Terms, Worker

WINDOW = 4  # jobs in flight for each worker
MOST_BYTES = 64 * 2**20  # of jobs in flight, before one more is
TRIES = 2  # of a submission whose worker died
_FAULT = "modelcheck failed on it, which is a fault of modelcheck's and not of the submission"
_ADVICE = "MODELCHECK_DEBUG=1 and --regrade show where it failed; please report it, and mark it by hand"
_LOOK_S = 5.0  # between looks at the workers, while nothing is heard of them

# A job, or what became of it, on its way between processes: as JSON, as the gradebook has it, and the bytes with it,
# which are a capture's or a submission's.
Parcel = tuple[bytes, bytes | None]


class Pool(Protocol):
    """Where workers are. ``died`` is raised by taking a job, or by its future, where its worker died."""

    died: tuple[type[Exception], ...]

    def window(self) -> int:
        """How many jobs should be in flight now."""

    def ready(self, job: Job) -> Job:
        """The job with all that a worker needs for it."""

    def executor(self, *, alone: bool = False) -> contextlib.AbstractContextManager[Executor]:
        """Takes ``at_work`` and ``at_giving_up``, each with a parcel.

        Args:
            alone: it is for one job at a time.
        Raises:
            UsageError: there are no workers that work, which is no submission's fault.
        """

    def look(self) -> None:
        """Nothing, where something may come yet.

        Raises:
            UsageError: there are no workers any more.
        """


class LocalPool:
    """As many processes on this machine. Where one dies, all of its pool are ended."""

    died: tuple[type[Exception], ...] = (BrokenProcessPool,)

    def __init__(self, terms: Terms, workers: int) -> None:
        self.terms, self.workers = terms, workers

    def window(self) -> int:
        """A few for each, so that none waits."""
        return self.workers * WINDOW

    def ready(self, job: Job) -> Job:
        """The job as it is: workers find the submission where it lies."""
        return job

    @contextlib.contextmanager
    def executor(self, *, alone: bool = False) -> Iterator[Executor]:
        """Worker processes, of which one has shown that it can work."""
        with processes(1 if alone else self.workers, self.terms) as pool:
            try:
                pool.submit(at_start).result()
            except BrokenProcessPool:
                raise UsageError("no worker process could be started; what it said stands above") from None
            yield pool

    def look(self) -> None:
        """Nothing: the executor notices a process that ends."""


def processes(number: int, terms: Terms) -> ProcessPoolExecutor:
    """Worker processes with one thread each."""
    return ProcessPoolExecutor(number, multiprocessing.get_context("spawn"), _begin, (terms,))


def worked(jobs: Iterable[Job], pool: Pool) -> Iterator[Done]:
    """The jobs, done, as they come: a few at a time are in the hands of the workers.

    A submission whose worker dies is tried again by itself; where that dies too, this is what became of it.
    """
    waiting = iter(jobs)
    while True:
        lost: list[Job] = []
        with pool.executor() as executor:
            yield from _until_broken(pool, executor, waiting, lost)
        if not lost:
            return
        for job in lost:
            yield _alone(pool, job)


def _until_broken(pool: Pool, executor: Executor, jobs: Iterator[Job], lost: list[Job]) -> Iterator[Done]:
    """Work until there are no jobs, or the executor takes no more. The jobs whose worker died are lost."""
    running: dict[Future[Parcel], tuple[Job, int]] = {}
    takes_more, held_bytes = True, 0
    while True:
        while takes_more and len(running) < pool.window() and held_bytes < MOST_BYTES and (job := next(jobs, None)):
            parcel = _packed(pool.ready(job))
            try:
                future = executor.submit(at_work, parcel)
            except pool.died:
                lost.append(job)
                takes_more = False
            else:
                running[future] = job, _size(parcel)
                held_bytes += _size(parcel)
        if not running:
            return
        finished = wait(running, _LOOK_S, FIRST_COMPLETED).done
        if not finished:
            pool.look()
        while finished:
            future = finished.pop()
            job, size = running.pop(future)
            held_bytes -= size
            try:
                done = _unpacked(future, job)
            except pool.died:
                lost.append(job)
            else:
                yield done


def _alone(pool: Pool, job: Job) -> Done:
    parcel = _packed(pool.ready(job))
    for _ in range(TRIES):
        with pool.executor(alone=True) as executor, contextlib.suppress(*pool.died):
            return _unpacked(executor.submit(at_work, parcel), job)
    with pool.executor(alone=True) as executor:
        return _unpacked(executor.submit(at_giving_up, parcel), job)


def _packed(job: Job) -> Parcel:
    path = as_text(job.submission.path)  # of which not every one is valid text
    submission = msgspec.structs.replace(job.submission, path=path)
    bare = msgspec.structs.replace(job, submission=submission, capture=None, files=None)
    return msgspec.json.encode(bare), job.files if job.capture is None else job.capture


def _size(parcel: Parcel) -> int:
    return len(parcel[0]) + len(parcel[1] or b"")


def _unpacked(future: Future[Parcel], job: Job) -> Done:
    """What became of the job."""
    text, capture = future.result()
    done = msgspec.json.decode(text, type=Done)
    return msgspec.structs.replace(done, submission=job.submission, capture=capture)


_terms: Terms | None = None


def _begin(terms: Terms) -> None:
    """Make this process a worker's."""
    global _terms
    threading.Thread(target=_end_with_parent, daemon=True).start()
    _terms = terms


def _end_with_parent() -> None:
    """End this process where the one that started it was killed: it would wait for work for ever."""
    parent = multiprocessing.parent_process()
    assert parent is not None
    parent.join()
    os._exit(1)


@functools.cache
def worker() -> Worker:
    """The worker that this process is.

    Raises:
        UsageError: there is no such sandbox on this machine.
    """
    assert _terms is not None
    return Worker(_terms)


def at_start() -> None:
    """Nothing, in a process that can work."""
    worker()


def at_work(parcel: Parcel) -> Parcel:
    """What became of the job, in a worker's process."""
    text, data = parcel
    job = msgspec.json.decode(text, type=Job)
    path = from_text(job.submission.path)
    job = msgspec.structs.replace(job, submission=msgspec.structs.replace(job.submission, path=path))
    job = msgspec.structs.replace(job, **{"capture" if job.record else "files": data})
    try:
        worker().get_ready(job)
        _import_all()
        return _told(worker().work(job))
    except UsageError:
        raise
    except AuthorError as error:
        return _told(worker().failed(job.submission, error))
    except Exception as error:  # whatever it is: the other submissions have nothing to do with it
        if os.environ.get("MODELCHECK_DEBUG"):
            traceback.print_exc()
        return _told(worker().failed(job.submission, Crashed(f"{_FAULT}: {describe_exception(error)}\n{_ADVICE}")))


@functools.cache
def _import_all() -> None:
    """Import what judging takes, which is seconds in which a sandbox gets ready, and compute in one thread.

    Raises:
        UsageError: that cannot be imported here.
    """
    try:
        import torch
        import torch._dynamo  # as the first operator that is judged would

        import modelcheck.facts.compute  # noqa: F401
        from modelcheck.rules import all_rules
    except ImportError as error:
        raise UsageError(f"a worker process cannot import what it needs: {error}") from None
    all_rules()
    torch.set_num_threads(1)


def at_giving_up(parcel: Parcel) -> Parcel:
    """What became of a job of which workers die, in a process that does not look at it."""
    text = "the process that judges it died, twice; its graph may be more than the machine's memory holds"
    return _told(worker().failed(msgspec.json.decode(parcel[0], type=Job).submission, Crashed(text)))


def _told(done: Done) -> Parcel:
    bare = msgspec.structs.replace(
        done, capture=None, submission=msgspec.structs.replace(done.submission, path=as_text(done.submission.path))
    )
    return msgspec.json.encode(bare), done.capture
