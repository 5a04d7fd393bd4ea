"""Two graders on one folder are refused, and no process that is gone keeps anybody out."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import re
import signal
import socket
from collections.abc import Iterator
from multiprocessing.connection import Connection
from pathlib import Path

import pytest

from modelcheck.errors import UsageError
from modelcheck.grading.gradebook import Gradebook, lock

FORK = multiprocessing.get_context("fork")


def hold(out: Path, tell: Connection) -> None:
    """Open the gradebook, fork a child that outlives this process, and wait to be killed."""
    with Gradebook.open(out):
        child = os.fork()
        if not child:
            signal.pause()
        tell.send(child)
        signal.pause()


@contextlib.contextmanager
def grader(out: Path) -> Iterator[multiprocessing.context.ForkProcess]:
    """A process that grades into the folder; its own child is killed last."""
    hear, tell = FORK.Pipe(duplex=False)
    process = FORK.Process(target=hold, args=(out, tell))
    process.start()
    child = hear.recv()
    try:
        yield process
    finally:
        process.kill()
        process.join()
        os.kill(child, signal.SIGKILL)


def test_a_second_grader_is_told_who_the_first_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lock, "WAIT_S", 0.2)
    with grader(tmp_path) as process:
        who = (
            rf"by process {process.pid} on {re.escape(socket.gethostname())}, since 20\d\d-\d\d-\d\d \d\d:\d\d:\d\d UTC"
        )
        with pytest.raises(UsageError, match=rf"{who}.*kill {process.pid}.*--out"):
            Gradebook.open(tmp_path)
        process.kill()
        process.join()
        Gradebook.open(tmp_path).__exit__(None, None, None)  # its child lives, and its file is still there


def test_one_process_is_refused_a_second_one_too_and_keeps_the_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lock, "WAIT_S", 0.0)

    def open_it(tell: Connection) -> None:
        try:
            Gradebook.open(tmp_path)
        except UsageError as error:
            tell.send(str(error))

    with Gradebook.open(tmp_path):
        with pytest.raises(UsageError, match="by this very process"):
            Gradebook.open(tmp_path / ".." / tmp_path.name)
        hear, tell = FORK.Pipe(duplex=False)
        other = FORK.Process(target=open_it, args=(tell,))
        other.start()
        assert f"by process {os.getpid()} on" in hear.recv()
        other.join()
    with Gradebook.open(tmp_path):
        pass


def test_a_folder_that_cannot_be_had_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(UsageError, match=r"--out .*file/out: cannot make this folder: Not a directory"):
        Gradebook.open(tmp_path / "file" / "out")
    (tmp_path / "gradebook.lock").mkdir()
    with pytest.raises(UsageError, match=r"cannot write .*gradebook\.lock"):
        Gradebook.open(tmp_path)
