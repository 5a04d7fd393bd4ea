"""A command in a process group of its own, watched from outside, and ended with all that it started."""

from __future__ import annotations

import contextlib
import os
import secrets
import selectors
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from modelcheck.errors import UsageError
from modelcheck.isolated.proc import is_alive, processes, resident_bytes
from modelcheck.isolated.protocol import Limits

START_S = 300.0  # to import torch, on a busy machine with cold disks
_LOOK_S = 0.1
_STACK_S = 0.3  # to write down where it is, before it is killed
_SHARE = 20  # looking at the processes takes at most one part in so many of the time
_READ_BYTES = 2**16
_MARK = "MODELCHECK_ISOLATED"  # in the environment of everything that the command starts


@dataclass(frozen=True, kw_only=True)
class Ended:
    """What was seen of a command.

    Args:
        started: whether it said that what is to be limited begins.
        stopped: for what it was stopped here; None where it ended by itself.
        status: its exit status, or minus the signal that ended it.
        cpu_s: processor time, that of the start included.
        peak_mib: most memory that its processes were seen to hold, beyond what they held when it started.
        printed: the end of what it printed.
        printed_bytes: how much it printed.
    """

    started: bool
    stopped: Literal["time", "memory"] | None
    status: int
    cpu_s: float
    peak_mib: int
    printed: bytes
    printed_bytes: int


def run_watched(command: Sequence[str], request: bytes, limits: Limits) -> Ended:
    """Run the command until it ends or exceeds a limit on time or memory; nothing that it started is left then.

    It finds the request on its standard input. Its last argument is the number of a file descriptor: when it writes
    there how many bytes of memory it holds, the limits begin, beyond that. What it prints is read and, but for its
    end, thrown away.

    Raises:
        UsageError: it cannot be run at all.
    """
    mark = secrets.token_hex(16)
    reading, writing = os.pipe()
    with os.fdopen(reading, "rb", buffering=0) as ready, tempfile.TemporaryFile() as stdin:
        stdin.write(request)
        stdin.seek(0)
        try:
            process = subprocess.Popen(
                [*command, str(writing)],
                stdin=stdin,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # its own group, and no terminal whose keys could reach it
                pass_fds=(writing,),
                env={**os.environ, _MARK: mark, "CUDA_VISIBLE_DEVICES": ""},  # CUDA does not work in limited memory
            )
        except OSError as error:
            raise UsageError(f"no process can be started for the model: {error.strerror or error}") from None
        finally:
            os.close(writing)
        assert process.stdout is not None
        with process.stdout:
            return _Watch(process, ready.fileno(), limits, mark).until_ended()


class _Watch:
    def __init__(self, process: subprocess.Popen[bytes], ready: int, limits: Limits, mark: str) -> None:
        assert process.stdout is not None
        self.process, self.limits, self.mark = process, limits, mark
        self.ready, self.output = ready, process.stdout.fileno()
        self.started = False
        self.stopped: Literal["time", "memory"] | None = None
        self.deadline = time.monotonic() + START_S
        self.next_look = 0.0
        self.before_bytes = self.peak_bytes = 0
        self.tail, self.printed_bytes = bytearray(), 0
        self.usage: tuple[int, float] | None = None  # status and processor time

    def until_ended(self) -> Ended:
        with selectors.DefaultSelector() as selector:
            for source in (self.ready, self.output):
                os.set_blocking(source, False)
                selector.register(source, selectors.EVENT_READ)
            try:
                while not self._has_ended() and not self._exceeds():
                    self._read(selector, _LOOK_S)
                if self.stopped == "time":
                    self._let_it_say_where(selector)
            finally:
                end_all(self.process.pid, self.mark)
                self._reap()
            self._read(selector, 0)  # what was in the pipe when it ended
        status, cpu_s = self.usage or (0, 0.0)
        return Ended(
            started=self.started,
            stopped=self.stopped,
            status=status,
            cpu_s=cpu_s,
            peak_mib=max(0, self.peak_bytes - self.before_bytes) // 2**20,
            printed=bytes(self.tail),
            printed_bytes=self.printed_bytes,
        )

    def _read(self, selector: selectors.BaseSelector, patience_s: float) -> None:
        """Read once from each source that has something, or wait for one."""
        if not selector.get_map():
            time.sleep(patience_s)
        for key, _ in selector.select(patience_s) if selector.get_map() else ():
            data = os.read(key.fd, _READ_BYTES)
            if key.fd == self.output:
                self.printed_bytes += len(data)
                self.tail += data
                del self.tail[: -self.limits.output_kib * 1024]
            elif data:
                self._start(int(data))
            if not data or key.fd == self.ready:
                selector.unregister(key.fd)

    def _start(self, held_bytes: int) -> None:
        self.started, self.before_bytes = True, held_bytes
        self.deadline = time.monotonic() + self.limits.wall_s

    def _has_ended(self) -> bool:
        self._reap(os.WNOHANG)
        return self.usage is not None

    def _exceeds(self) -> bool:
        now = time.monotonic()
        if now > self.deadline:
            self.stopped = "time"
        elif self.started and now > self.next_look:
            self.peak_bytes = max(self.peak_bytes, resident_bytes(self.process.pid))
            self.next_look = time.monotonic() + max(_LOOK_S, _SHARE * (time.monotonic() - now))
            if self.peak_bytes - self.before_bytes > self.limits.memory_mib * 2**20:
                self.stopped = "memory"
        return self.stopped is not None

    def _let_it_say_where(self, selector: selectors.BaseSelector) -> None:
        """Ask for its stack; what does not listen to the signal dies of it or is killed all the same."""
        if self.started:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.process.pid, signal.SIGUSR1)
            until = time.monotonic() + _STACK_S
            while time.monotonic() < until and not self._has_ended():
                self._read(selector, 0.02)

    def _reap(self, options: int = 0) -> None:
        if self.usage is not None:
            return
        try:
            pid, status, used = os.wait4(self.process.pid, options)
        except ChildProcessError:  # whoever started modelcheck ignores SIGCHLD: it has ended, and nobody knows how
            self.process.returncode, self.usage = 0, (0, 0.0)
            return
        if pid:
            self.process.returncode = os.waitstatus_to_exitcode(status)  # Popen need not wait for it again
            self.usage = self.process.returncode, used.ru_utime + used.ru_stime


def end_all(group: int, mark: str) -> None:
    """Kill the process group, and what left it and still has the mark in its environment, until none is alive.

    A process that leaves the group and is started with an environment of its own is not found: holding that needs
    a sandbox. Only Linux says what is alive; elsewhere the group is killed once.
    """
    found: set[int] = set()
    for _ in range(200):
        with contextlib.suppress(ProcessLookupError, PermissionError):  # all gone, or only corpses left
            os.killpg(group, signal.SIGKILL)
        found.update(_left(group, mark))  # kept, as one that is dying has no environment any more
        alive = [pid for pid in found if is_alive(pid)]
        if not alive:
            return
        for pid in alive:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL)
        time.sleep(0.01)


def _left(group: int, mark: str) -> Iterator[int]:
    for one in processes():
        if one.alive and (one.group == group or one.has_in_environment(f"{_MARK}={mark}")):
            yield one.pid
