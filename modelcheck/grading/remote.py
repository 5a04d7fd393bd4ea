"""What runs in a worker of Dask's: it hands jobs on to processes of its own, and looks into none of them.

Each thread of the worker has one. It works as those of a local pool do: one thread computes, in the main thread, where
limits on time hold; and where it dies of a submission, the worker lives.
"""

from __future__ import annotations

import multiprocessing
import pickle
import threading
from collections.abc import Callable
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from typing import Literal, TypeVar

from modelcheck.errors import UsageError
from modelcheck.grading.pool import at_start, processes, worker
from modelcheck.grading.records import Sandboxed
from modelcheck.grading.sandbox import choose
from modelcheck.grading.sandbox.choosing import SandboxName
from modelcheck.report import Tool
from modelcheck.road import tool

T = TypeVar("T")


@dataclass(frozen=True)
class Course:
    """What all jobs of a course have in common.

    Args:
        tool: the coordinator's versions.
        terms: pickled, so that they are read only where the versions are the same.
    """

    tool: Tool
    terms: bytes


def found_here(sandbox: Literal["auto"] | SandboxName) -> tuple[Tool, Sandboxed | None, str]:
    """The versions of a worker, the sandbox that it has, and else why it has none."""
    try:
        chosen = choose(sandbox)
    except UsageError as error:
        return tool(), None, str(error)
    return tool(), Sandboxed(sandbox=chosen.name, weaker=chosen.weaker), ""


def handed_on(course: Course, function: Callable[..., T], *arguments: object) -> T:
    """What the function gives in this thread's process, which is another one for another course.

    Raises:
        UsageError: this worker has other versions than the coordinator, or cannot work.
        BrokenProcessPool: its process died.
    """
    try:
        mine: _Process | None = getattr(_of_thread, "process", None)
        if mine is None or mine.course != course:
            if mine:
                mine.end()
            _of_thread.process = None
            _of_thread.process = mine = _Process(course)
        return mine.run(function, *arguments)
    except BrokenProcessPool:
        _of_thread.process = None
        raise
    except UsageError as error:
        from distributed import get_worker

        raise UsageError(f"the worker {get_worker().address}: {error}") from None


def at_data() -> None:
    """Nothing, in a worker's process that has the data set, or needs none.

    Raises:
        UsageError: it cannot be had.
    """
    if measure := worker().terms.measure:
        measure.prepare()


def other_versions(found: Tool, expected: Tool) -> str:
    """What to do about a worker that has not the coordinator's versions."""
    return (
        f"it has modelcheck {found.version} and torch {found.torch}, and the coordinator has modelcheck "
        f"{expected.version} and torch {expected.torch}: install the same there, so that grades are the same wherever "
        "they are made"
    )


_of_thread = threading.local()
_starting = threading.Lock()


class _Process:
    """One process that works for one course."""

    def __init__(self, course: Course) -> None:
        if tool() != course.tool:
            raise UsageError(other_versions(tool(), course.tool))
        self.course = course
        self._pool = processes(1, pickle.loads(course.terms))
        try:
            self._start()
            self.run(at_data)
        except BaseException:
            self.end()
            raise

    def run(self, function: Callable[..., T], *arguments: object) -> T:
        return self._pool.submit(function, *arguments).result()

    def end(self) -> None:
        self._pool.shutdown(wait=False)

    def _start(self) -> None:
        # Dask's workers are daemons, to which Python gives no children; this one ends with its parent all the same
        this = multiprocessing.current_process()
        with _starting:
            daemon, this.daemon = this.daemon, False
            try:
                started = self._pool.submit(at_start)
            finally:
                this.daemon = daemon
        started.result()
