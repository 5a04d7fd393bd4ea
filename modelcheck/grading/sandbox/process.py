"""A process that gives up its rights: for containers that allow no namespaces."""

from __future__ import annotations

import contextlib
import functools
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

from modelcheck.files import remove_folder
from modelcheck.grading.sandbox import landlock
from modelcheck.grading.sandbox.confinement import end_family
from modelcheck.grading.sandbox.places import is_readable_by_all
from modelcheck.grading.sandbox.seccomp import is_known
from modelcheck.grading.sandbox.starter import Starter, Way
from modelcheck.grading.sandbox.trial import failure
from modelcheck.grading.sandbox.users import nobodys_user
from modelcheck.isolated.protocol import Limits

_WEAKER = (
    "the names of files everywhere among the system's and Python's can be listed, the labels' among them; not read",
    "what is written is limited file by file, not in all",
    "other processes and the network are out of reach by filters alone, not by namespaces of its own; none is started",
)
_SAME_USER = "the author's code runs as the grader's own user, and Landlock alone keeps it from that user's files"
_READS = "Python lies in a folder of root's, and Landlock alone keeps the author's code from reading others of them"
_SIGNALS = "abstract sockets and signals are refused by the filter alone: Landlock does so from Linux 6.12 on"


class Process:
    """Weaker: Landlock and a filter of system calls, and another user where root grades."""

    name: Literal["process"] = "process"

    @property
    def weaker(self) -> tuple[str, ...]:
        """What it does not guarantee."""
        found = list(_WEAKER)
        if os.getuid() != 0:
            found.append(_SAME_USER)
        elif not is_readable_by_all():
            found.append(_READS)
        if landlock.version() < landlock.SCOPES_FROM:
            found.append(_SIGNALS)
        return tuple(found)

    def unavailable(self) -> str | None:
        """Why it cannot be used here; None where it can."""
        return _unavailable()

    def start(self, limits: Limits, *, warm: bool = True) -> Starter:
        """A starter; not warm, it imports torch for each submission anew."""
        return Starter(_way(), limits, warm=warm)


@functools.cache
def _unavailable() -> str | None:
    if not landlock.version():
        return "this kernel has no Landlock, which can be had from Linux 5.13 on, or refuses it here"
    if not is_known():
        return f"its filter of system calls knows no {os.uname().machine}"
    return failure(_way())


def _way() -> Way:
    return Way(name=Process.name, user=nobodys_user(), around=(), folder=_folder, end=_end)


@contextlib.contextmanager
def _folder() -> Iterator[str]:
    folder = tempfile.mkdtemp(prefix="modelcheck-")
    try:
        yield str(Path(folder).resolve())
    finally:
        remove_folder(folder)


def _end(pid: int) -> None:
    end_family(pid)  # the process above them waits for them, says so, and ends
