"""The author's process, watched from outside, and ended with all that it started; a command that is such a process."""

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
from pathlib import Path
from typing import Literal, Protocol

from modelcheck.errors import UsageError
from modelcheck.isolated.proc import is_alive, processes, resident_bytes
from modelcheck.isolated.protocol import Limits

START_S = 300.0  # to import torch, on a busy machine with cold disks
_LOOK_S = 0.1
STACK_S = 0.5  # to write down where it is and to end of it, before it is killed
_SHARE = 20  # looking at the processes takes at most one part in so many of the time
_READ_BYTES = 2**16
_MARK = "MODELCHECK_ISOLATED"  # in the environment of everything that the command starts


class Running(Protocol):
    """What is watched: a process, and all that it starts.

    ``wakes`` is a file descriptor that can be read from when it has ended, where there is one.
    """

    wakes: int | None

    def ended(self, *, wait: bool) -> tuple[int, float] | None:
        """Exit status, or minus the signal that ended it, and processor time in seconds; None while it runs."""

    def resident_bytes(self) -> int:
        """Memory that its processes hold together."""

    def say_where(self) -> None:
        """Ask it to write down where it is, and to end."""

    def end(self) -> None:
        """Kill all of it; nothing is alive afterwards."""


@dataclass(frozen=True, kw_only=True)
class Ended:
    """What was seen of a process.

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


def run_watched(command: Sequence[str], request: bytes, limits: Limits, directory: Path | None = None) -> Ended:
    """Run the command in the directory until it ends or exceeds a limit on time or memory; nothing of it is left then.

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
                cwd=directory,
                env={**os.environ, _MARK: mark, "CUDA_VISIBLE_DEVICES": ""},  # CUDA does not work in limited memory
            )
        except OSError as error:
            raise UsageError(f"no process can be started for the model: {error.strerror or error}") from None
        finally:
            os.close(writing)
        assert process.stdout is not None
        with process.stdout:
            return watched(_Command(process, mark), ready.fileno(), process.stdout.fileno(), limits)


def watched(running: Running, ready: int, output: int, limits: Limits) -> Ended:
    """Watch until it ends or exceeds a limit on time or memory; nothing of it is left then.

    Args:
        running: the process.
        ready: file descriptor that tells, when the limits begin, how many bytes of memory it holds.
        output: file descriptor of what it prints.
        limits: on time, on memory, and on what is kept of the output.
    """
    return _Watch(running, ready, output, limits).until_ended()


class _Command:
    """A command in a process group of its own."""

    def __init__(self, process: subprocess.Popen[bytes], mark: str) -> None:
        self.process, self.mark = process, mark
        self.wakes: int | None = None
        self.usage: tuple[int, float] | None = None

    def ended(self, *, wait: bool) -> tuple[int, float] | None:
        if self.usage is None:
            try:
                pid, status, used = os.wait4(self.process.pid, 0 if wait else os.WNOHANG)
            except ChildProcessError:  # whoever started modelcheck ignores SIGCHLD: it ended, and nobody knows how
                self.process.returncode, self.usage = 0, (0, 0.0)
                return self.usage
            if pid:
                self.process.returncode = os.waitstatus_to_exitcode(status)  # Popen need not wait for it again
                self.usage = self.process.returncode, used.ru_utime + used.ru_stime
        return self.usage

    def resident_bytes(self) -> int:
        return resident_bytes(self.process.pid)

    def say_where(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.process.pid, signal.SIGUSR1)

    def end(self) -> None:
        end_all(self.process.pid, self.mark)


class _Watch:
    def __init__(self, running: Running, ready: int, output: int, limits: Limits) -> None:
        self.running, self.limits = running, limits
        self.ready, self.output = ready, output
        self.started = False
        self.stopped: Literal["time", "memory"] | None = None
        self.deadline = time.monotonic() + START_S
        self.next_look = 0.0
        self.before_bytes = self.peak_bytes = 0
        self.tail, self.printed_bytes = bytearray(), 0

    def until_ended(self) -> Ended:
        with selectors.DefaultSelector() as selector:
            for source in (self.ready, self.output):
                os.set_blocking(source, False)
                selector.register(source, selectors.EVENT_READ)
            if self.running.wakes is not None:
                selector.register(self.running.wakes, selectors.EVENT_READ)
            try:
                while not self.running.ended(wait=False) and not self._exceeds():
                    self._read(selector, _LOOK_S)
                if self.stopped == "time":
                    self._let_it_say_where(selector)
            finally:
                self.running.end()
                status, cpu_s = self.running.ended(wait=True) or (0, 0.0)
            self._read(selector, 0)  # what was in the pipe when it ended
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
            if key.fd == self.running.wakes:
                continue
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

    def _exceeds(self) -> bool:
        now = time.monotonic()
        if now > self.deadline:
            self.stopped = "time"
        elif self.started and now > self.next_look:
            self.peak_bytes = max(self.peak_bytes, self.running.resident_bytes())
            self.next_look = time.monotonic() + max(_LOOK_S, _SHARE * (time.monotonic() - now))
            if self.peak_bytes - self.before_bytes > self.limits.memory_mib * 2**20:
                self.stopped = "memory"
        return self.stopped is not None

    def _let_it_say_where(self, selector: selectors.BaseSelector) -> None:
        """Ask for its stack, of which it ends; what does not is killed all the same."""
        if self.started:
            self.running.say_where()
            until = time.monotonic() + STACK_S
            while time.monotonic() < until and not self.running.ended(wait=False):
                self._read(selector, 0.02)


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
