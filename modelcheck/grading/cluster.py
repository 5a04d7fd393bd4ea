"""A pool of workers on other machines, which are those of a Dask scheduler.

What was handed in travels to them as bytes, and so does what comes back: no disk has to be shared. Dask pickles what it
sends between trusted processes; what comes of an author's code is bytes to it, and JSON to this process.
"""

from __future__ import annotations

import contextlib
import logging
import pickle
import socket
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import CancelledError, Executor, Future
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import urlsplit

import msgspec

from modelcheck.errors import AuthorError, UsageError
from modelcheck.grading.gradebook.captures import CaptureFailure, CaptureRecord
from modelcheck.grading.pool import WINDOW
from modelcheck.grading.records import Sandboxed
from modelcheck.grading.remote import Course, found_here, handed_on, other_versions
from modelcheck.grading.sandbox.choosing import SandboxName
from modelcheck.grading.sandbox.packing import packed
from modelcheck.grading.work import Job, Terms
from modelcheck.road import tool
from modelcheck.words import counted

if TYPE_CHECKING:
    from distributed import Client

_CONNECT_S = 10.0
_FIRST_WORKER_S = 60.0
_NO_WORKER_S = 300.0  # workers come and go; after so long without any, somebody has to look
_COUNT_S = 5.0  # between counts of the workers
_MOST_SHOWN = 3
_KEPT = "what was marked is kept, and the same command goes on"


@contextlib.contextmanager
def connected(address: str, sandbox: Literal["auto"] | SandboxName) -> Iterator[Cluster]:
    """The cluster of the scheduler at that address.

    Args:
        address: as ``tcp://HOST:PORT``.
        sandbox: that all workers must have.
    Raises:
        UsageError: no scheduler answers, it has no workers, one of them cannot work for this process, or Dask is not
            installed.
    """
    try:
        from distributed import Client
    except ImportError:
        raise UsageError("--scheduler needs Dask: pip install 'modelcheck[cluster]'") from None
    try:
        _check_answers(address)
        client = Client(address, timeout=_CONNECT_S, set_as_default=False)
    except (OSError, ValueError) as error:
        raise UsageError(
            f"--scheduler {address}: no scheduler answers there ({error}). Start one with `dask scheduler`, and give "
            "the address that it prints, tcp://HOST:PORT"
        ) from None
    with _quiet_when_interrupted(), client:
        try:
            client.wait_for_workers(1, timeout=_FIRST_WORKER_S)
        except TimeoutError:
            raise UsageError(
                f"--scheduler {address}: the scheduler has no workers. Start some, on this or another machine, with "
                f"`dask worker {address} --nworkers 2 --nthreads 1`, and repeat the command"
            ) from None
        try:
            client.run_on_scheduler(tool)
        except ImportError as error:  # it reads what is sent to the workers
            raise UsageError(
                f"--scheduler {address}: the scheduler's own environment has no modelcheck ({error}): install "
                f"modelcheck {tool().version} there too, as on the workers"
            ) from None
        found = client.run(found_here, sandbox, on_error="return")
        yield Cluster(client, address, _one_sandbox(address, found))


@contextlib.contextmanager
def _quiet_when_interrupted() -> Iterator[None]:
    """Keep from the terminal what is no fault of anybody's.

    Dask's ``sync``, interrupted before it has begun, cancels a future that is not there yet, and logs the NameError.
    """

    def is_a_fault(record: logging.LogRecord) -> bool:
        return "sync.<locals>.cancel" not in record.getMessage()

    log = logging.getLogger("tornado.application")
    log.addFilter(is_a_fault)
    try:
        yield
    finally:
        log.removeFilter(is_a_fault)


def _check_answers(address: str) -> None:
    """Raise where nobody does, which Dask would go on asking.

    Raises:
        OSError: nobody answers.
        ValueError: that is no address.
    """
    parts = urlsplit(address)
    if parts.scheme not in ("tcp", "tls") or not parts.hostname or not parts.port:
        raise ValueError("that is no such address")
    socket.create_connection((parts.hostname, parts.port), _CONNECT_S).close()


class Cluster:
    """The workers of a scheduler, all with the same sandbox."""

    def __init__(self, client: Client, address: str, sandboxed: Sandboxed) -> None:
        self.client, self.address, self.sandboxed = client, address, sandboxed

    def pool(self, terms: Terms) -> ClusterPool:
        """The workers as a pool for a course."""
        return ClusterPool(self, terms)

    def threads(self) -> int:
        """Of all workers that are there; each takes a submission at a time.

        Raises:
            UsageError: the scheduler is gone.
        """
        try:
            return sum(self.client.nthreads().values())
        except OSError:
            raise self.lost() from None

    def lost(self) -> UsageError:
        """That the scheduler is gone."""
        return UsageError(f"the connection to the scheduler at {self.address} was lost: {_KEPT}")


class ClusterPool:
    """As many workers as there are. A job whose worker dies is another's; the scheduler gives up after a few."""

    def __init__(self, cluster: Cluster, terms: Terms) -> None:
        from distributed import KilledWorker

        self.died: tuple[type[Exception], ...] = (KilledWorker, BrokenProcessPool)
        self.cluster = cluster
        self.course = Course(tool(), pickle.dumps(terms))
        self._threads, self._count_at, self._seen = 1, 0.0, time.monotonic()

    def window(self) -> int:
        """A few for each thread of a worker, so that none waits while results travel."""
        if time.monotonic() >= self._count_at:
            self.look()
        return self._threads * WINDOW

    def ready(self, job: Job) -> Job:
        """The job with the submission's files, where they are needed."""
        if job.record or job.submission.problem:
            return job
        try:
            with packed(Path(job.submission.path)) as file:
                return msgspec.structs.replace(job, files=file.read())
        except AuthorError as error:
            failure = CaptureFailure.of(error)
            record = CaptureRecord(result=failure, seconds=0.0, sandboxed=self.cluster.sandboxed)
            return msgspec.structs.replace(job, record=record)

    @contextlib.contextmanager
    def executor(self, *, alone: bool = False) -> Iterator[Executor]:
        """Dask's own; what it has when the block ends is cancelled."""
        inner = self.cluster.client.get_executor(pure=False)
        try:
            yield _HandingOn(inner, self.course)
        except CancelledError:
            raise self.cluster.lost() from None
        finally:
            inner.shutdown(wait=False)

    def look(self) -> None:
        """Count the workers.

        Raises:
            UsageError: there have been none for some minutes, or the scheduler is gone.
        """
        now, threads = time.monotonic(), self.cluster.threads()
        self._threads, self._count_at = max(threads, 1), now + _COUNT_S
        if threads:
            self._seen = now
        elif now - self._seen > _NO_WORKER_S:
            raise UsageError(
                f"the scheduler at {self.cluster.address} has had no workers for {_NO_WORKER_S / 60:g} minutes: start "
                f"some; {_KEPT}"
            )


class _HandingOn(Executor):
    """Has functions called in the workers' own processes."""

    def __init__(self, inner: Executor, course: Course) -> None:
        self.inner, self.course = inner, course

    def submit(self, function: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        return self.inner.submit(handed_on, self.course, function, *args, **kwargs)


def _one_sandbox(address: str, found: Mapping[str, Any]) -> Sandboxed:
    """The sandbox that all workers have.

    Raises:
        UsageError: one has another, none, other versions, or no modelcheck.
    """
    wrong = {worker: text for worker, one in found.items() if (text := _wrong(one))}
    if wrong:
        shown = "".join(f"\n  {worker}: {text}" for worker, text in list(wrong.items())[:_MOST_SHOWN])
        raise UsageError(
            f"{counted(len(wrong), 'worker')} of {len(found)} at {address} cannot work for this one:{shown}"
        )
    names = Counter(sandboxed.sandbox for _, sandboxed, _ in found.values())
    if len(names) > 1:
        told = ", ".join(f"{name} at {counted(number, 'worker')}" for name, number in names.most_common())
        raise UsageError(
            f"the workers at {address} have different sandboxes: {told}. Say with --sandbox which one is to be "
            "used, so that all submissions are captured in the same"
        )
    sandboxed: Sandboxed = next(iter(found.values()))[1]
    return sandboxed


def _wrong(found: Any) -> str | None:
    """Why a worker that answered this cannot be used."""
    if isinstance(found, ImportError):
        return f"it has no modelcheck, or another one ({found}): install modelcheck {tool().version} there"
    if isinstance(found, BaseException):
        return f"{type(found).__name__}: {found}"
    versions, sandboxed, text = found
    if versions != tool():
        return other_versions(versions, tool())
    return None if sandboxed else text
