"""Submissions that misbehave end within their limits, in each sandbox, and leave nothing."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path

import pytest

from modelcheck.errors import AuthorError
from modelcheck.grading.sandbox.starter import Starter
from modelcheck.isolated.proc import family

from .conftest import LIMITS, PICTURE, submission

OVER_S = 2.0
BUSY_S = 15.0  # to start a process, on a machine that does other things
NET = """
import ctypes, os, signal, socket, sys, threading, time
import torch, torch.nn as nn
{before}
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        {code}
        self.fc = nn.Linear(784, 10)

    def forward(self, x):
        return self.fc(x.flatten(1))
"""
LIMITED = replace(LIMITS, wall_s=4, cpu_s=20, memory_mib=512)

# what it does, the code that it is given, and what the text says; without a code it gives a capture
CASES = {
    "loops": ("while True: pass", "MC601", "alice/net.py, line 8"),
    "stops": ("os.kill(os.getpid(), signal.SIGSTOP); time.sleep(60)", "MC601|MC002", ""),
    "burns processor time": ("\n        while True: os.urandom(2**20)", "MC601", ""),
    "fills its memory": ("x = []\n        while True: x.append(bytearray(2**24))", "MC602", "512 MiB"),
    "fills others' memory": (
        "pid = os.fork()\n        x = []\n        while len(x) < 20: x.append(bytearray(os.urandom(64) * 2**18))\n"
        "        time.sleep(60)",
        "MC602|MC002",  # where it may start none
        "was stopped at|Resource temporarily unavailable",
    ),
    # the first one of them may end before it has answered
    "forks": ("\n        while True: os.fork()", "MC601|MC602|MC603|MC002", ""),
    "threads": (
        "\n        while True: threading.Thread(target=time.sleep, args=(60,)).start()",
        "MC002|MC603",
        "",
    ),
    "writes": ("open('much', 'wb').write(bytes(2**25))", "MC002", "File too large|No space"),
    "prints": ("\n        while True: print('x' * 10**6)", "MC601", ""),
    "exits": ("os._exit(0)", "MC603", "ended with status 0"),
    "crashes": ("ctypes.string_at(0)", "MC603", "SIGSEGV"),
    "kills those above it": ("os.kill(os.getppid(), signal.SIGKILL)", "|MC002", ""),
    "kills everybody": ("os.kill(-1, signal.SIGKILL)", "MC002|MC603|", ""),
    "closes everything": ("os.closerange(0, 300)", "", ""),
    "opens the network": ("socket.create_connection(('127.0.0.1', 22), 1)", "MC002", "OSError|Error"),
}


@pytest.mark.parametrize("name", CASES)
def test_each_ends_as_it_must(starter: Starter, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    code, codes, text = CASES[name]
    limits = replace(LIMITED, cpu_s=1) if name == "burns processor time" else LIMITED
    starter.capture(submission(tmp_path, NET.format(before="", code="pass"), "honest"), PICTURE)  # it has started then
    monkeypatch.setattr(starter, "limits", limits)
    if name == "loops":  # where it was is asked for, on a machine that does other things
        monkeypatch.setattr("modelcheck.isolated.watching.STACK_S", 10.0)
    path = submission(tmp_path, NET.format(before="", code=code))
    assert starter.process is not None
    servers = {one.pid for one in family(starter.process.pid)}
    start = time.monotonic()
    try:
        starter.capture(path, PICTURE)
        found, said = "", ""
    except AuthorError as error:
        found, said = error.code, error.message
    assert time.monotonic() - start < LIMITED.wall_s + OVER_S + BUSY_S
    assert found in codes.split("|"), said
    assert not text or any(one in said for one in text.split("|")), said
    assert {one.pid for one in family(starter.process.pid)} <= servers
