"""One grader at a time: a lock of the system's, which ends with its process however that ends."""

from __future__ import annotations

import datetime
import errno
import fcntl
import os
import socket
import time
from pathlib import Path

import msgspec

from modelcheck.author_trace import printable
from modelcheck.errors import UsageError

# A process that was killed gives its lock back when its memory is freed, which takes a moment.
WAIT_S = 1.0
_HELD: set[tuple[int, int, int]] = set()  # process, device and inode: the system refuses no process its own lock


class Holder(msgspec.Struct, frozen=True, kw_only=True):
    """Who has the lock: the process, its host, and since when."""

    pid: int
    host: str
    start: str


class Lock:
    """The only one on a file, until ``release`` or the end of this process.

    It is a record lock (``fcntl``), since one of ``flock`` would live on in every process that was forked from this.

    Raises:
        UsageError: another process has it, or the file cannot be locked; the text says which and what to do.
    """

    def __init__(self, path: Path) -> None:
        # to open and close the file in the process that has the lock would give the lock back
        if _identity(path) in _HELD:
            raise UsageError(f"{path.parent} is being graded into by this very process ({os.getpid()}): wait for it")
        try:
            self._handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
        except OSError as error:
            raise UsageError(f"cannot write {path}: {error.strerror}. Give an --out that can be written to") from None
        try:
            self._take(path)
        except BaseException:
            os.close(self._handle)
            raise
        found = os.fstat(self._handle)
        self._held = (os.getpid(), found.st_dev, found.st_ino)
        _HELD.add(self._held)

    def release(self) -> None:
        """Give the lock back."""
        os.ftruncate(self._handle, 0)
        os.close(self._handle)
        _HELD.discard(self._held)

    def _take(self, path: Path) -> None:
        until = time.monotonic() + WAIT_S
        while True:
            try:
                fcntl.lockf(self._handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except OSError as error:
                if error.errno not in (errno.EACCES, errno.EAGAIN):
                    text = f"cannot lock {path}: {error.strerror}. Give an --out on a file system that has locks"
                    raise UsageError(text) from None
            if time.monotonic() > until:
                raise UsageError(_refusal(path.parent, self._handle))
            time.sleep(0.05)
        now = datetime.datetime.now(datetime.UTC)
        holder = Holder(pid=os.getpid(), host=socket.gethostname(), start=f"{now:%Y-%m-%d %H:%M:%S} UTC")
        os.ftruncate(self._handle, 0)
        os.pwrite(self._handle, msgspec.json.encode(holder) + b"\n", 0)


def _identity(path: Path) -> tuple[int, int, int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return os.getpid(), found.st_dev, found.st_ino


def _refusal(folder: Path, handle: int) -> str:
    try:
        holder = msgspec.json.decode(os.pread(handle, 1000, 0), type=Holder)
    except msgspec.DecodeError:
        return f"{folder} is being graded into by another process: wait for it, or give another --out"
    host = printable(holder.host)
    return (
        f"{folder} is being graded into by process {holder.pid} on {host}, since {printable(holder.start)}: wait for "
        f"it, or stop it (kill {holder.pid}, on {host}; what it finished is kept), or give another --out"
    )
