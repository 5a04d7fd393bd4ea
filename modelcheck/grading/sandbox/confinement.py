"""Without namespaces: each submission's process gives up its user, files, sockets and signals."""

from __future__ import annotations

import contextlib
import os
import signal
import time
from collections.abc import Callable
from pathlib import Path

from modelcheck.grading.sandbox import kernel, landlock
from modelcheck.grading.sandbox.places import hidden, is_readable_by_all, readable
from modelcheck.grading.sandbox.seccomp import refuse_calls
from modelcheck.isolated.proc import PROC, Process, family, processes

_DEVICES = tuple(Path("/dev", one) for one in ("null", "zero", "full", "random", "urandom"))
READS = 2  # CAP_DAC_READ_SEARCH: what nobody but root can read is limited by Landlock then
_MACHINE = tuple(Path("/proc", one) for one in ("cpuinfo", "meminfo", "stat", "sys/kernel", "sys/vm"))


class Confinement:
    """What is done on the way from a trusted process to one that runs the author's code."""

    def __init__(self, user: int) -> None:
        self.user = user
        self.readable, self.hidden, self.kept = readable(), hidden(), 0

    def begin(self) -> None:
        """See what an ordinary user could not; nothing is given up before there is an author's process."""
        self.kept = 0 if is_readable_by_all() else 1 << READS

    def fork(self) -> int:
        """As ``os.fork``; the child is the parent of all whose own parent has ended."""
        pid = os.fork()
        if not pid:
            kernel.adopt_orphans()
        return pid

    def enter(self, base: Path, disk_mib: int) -> None:
        """Let the author's process have the folder; its files are limited one by one."""
        if os.getuid() == 0:
            os.chown(base, self.user, self.user)

    def confine_all(self) -> None:
        """The process that watches over the author's keeps its rights, by which it ends what is left."""

    def confine(self, base: Path) -> None:
        """Give up all rights, for good."""
        kernel.drop_bounding()
        if os.getuid() == 0:
            kernel.become(self.user)
            kernel.keep_capabilities(self.kept)
        else:
            kernel.keep_capabilities()
        kernel.no_new_privileges()
        landlock.restrict([*self.readable, *_MACHINE, Path(f"/proc/{os.getpid()}")], self.hidden, _DEVICES, base)
        refuse_calls(own_namespaces=False, pid=os.getpid())

    def others(self) -> int:
        """How many processes of its user's there are, with their threads: they count as the author's do."""
        user = self.user if os.getuid() == 0 else os.getuid()
        return sum(map(_threads_of(user), processes()))

    def end_rest(self) -> None:
        """Kill what the author's process left."""
        end_family(os.getpid())


def _threads_of(user: int) -> Callable[[Process], int]:
    def threads(one: Process) -> int:
        path = PROC / str(one.pid)
        try:
            return len(os.listdir(path / "task")) if path.stat().st_uid == user else 0  # noqa: PTH208
        except OSError:
            return 0

    return threads


def end_family(pid: int) -> None:
    """Kill all that descends from the process, until nothing of it is alive."""
    for attempt in range(1000):
        alive = family(pid)
        if not alive:
            return
        for one in alive:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(one.pid, signal.SIGKILL)
        if attempt > 10:  # what forks faster than it is killed is not waited for
            time.sleep(0.005)
