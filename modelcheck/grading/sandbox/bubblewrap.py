"""bubblewrap: namespaces of its own, without network, for root and for an ordinary user."""

from __future__ import annotations

import contextlib
import functools
import os
import shutil
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

from modelcheck.grading.sandbox.namespaces import USER
from modelcheck.grading.sandbox.places import hidden, readable, scratch
from modelcheck.grading.sandbox.seccomp import is_known
from modelcheck.grading.sandbox.starter import Starter, Way
from modelcheck.grading.sandbox.trial import failure
from modelcheck.grading.sandbox.users import nobodys_user
from modelcheck.isolated.protocol import Limits

_SCRATCH_BYTES = 64 * 2**20  # for the import of torch; a submission does not see it


class Bubblewrap:
    """The strongest: its own processes, files, network and messages, no rights, and a filter of system calls."""

    name: Literal["bubblewrap"] = "bubblewrap"
    weaker: tuple[str, ...] = ()

    def unavailable(self) -> str | None:
        """Why it cannot be used here; None where it can."""
        return _unavailable()

    def start(self, limits: Limits, *, warm: bool = True) -> Starter:
        """A starter; not warm, it imports torch for each submission anew."""
        return Starter(_way(), limits, warm=warm)


@functools.cache
def _unavailable() -> str | None:
    if shutil.which("bwrap") is None:
        return "bubblewrap is not installed (on Debian: apt-get install bubblewrap)"
    if not is_known():
        return f"its filter of system calls knows no {os.uname().machine}"
    failed = failure(_way())
    return f"this machine allows it no namespaces: {failed}" if failed else None


def _way() -> Way:
    return Way(name=Bubblewrap.name, user=nobodys_user(), around=_command(), folder=_folder, end=_end)


def _command() -> tuple[str, ...]:
    """The command line before the server's; until that has given up root's rights it is to be trusted."""
    is_root = os.getuid() == 0
    command = [shutil.which("bwrap") or "bwrap", "--die-with-parent", "--new-session", "--chdir", "/"]
    command += ["--unshare-pid", "--unshare-ipc", "--unshare-uts", "--unshare-net", "--cap-drop", "ALL"]
    if not is_root:
        command += ["--unshare-user", "--uid", str(USER), "--gid", str(USER)]
    for right in ("CAP_SYS_ADMIN", "CAP_SETPCAP", *(("CAP_SETUID", "CAP_SETGID") if is_root else ())):
        command += ["--cap-add", right]
    base = scratch()
    made: set[Path] = set()
    for path in (*readable(), base):
        for parent in reversed(path.parents[:-1]):
            if parent not in made:  # bubblewrap would make it for its own user alone
                command += ["--perms", "0755", "--dir", str(parent)]
                made.add(parent)
        if path == base:
            command += ["--perms", "1777", "--size", str(_SCRATCH_BYTES), "--tmpfs", str(path)]
        elif path.is_symlink():
            command += ["--symlink", str(path.readlink()), str(path)]
        else:
            command += ["--ro-bind", str(path), str(path)]
    for path in hidden():
        command += ["--tmpfs", str(path), "--remount-ro", str(path)]
    return (*command, "--proc", "/proc", "--dev", "/dev", "--remount-ro", "/dev", "--remount-ro", "/", "--")


@contextlib.contextmanager
def _folder() -> Iterator[str]:
    yield str(scratch())  # a file system in memory, which goes with the processes


def _end(pid: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)  # the first of its processes: all others end with it
