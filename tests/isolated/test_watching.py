"""Plain commands, without torch: what is seen of them, and that nothing of them is left."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from modelcheck.errors import UsageError
from modelcheck.isolated import watching
from modelcheck.isolated.proc import is_alive, process, processes, resident_bytes
from modelcheck.isolated.protocol import Limits
from modelcheck.isolated.watching import Ended, run_watched

START = "import os, signal, sys, time\nready = int(sys.argv[-1])\nos.write(ready, b'0')\nos.close(ready)\n"
linux = pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells of other processes")


def watched(
    code: str,
    *,
    start: str = START,
    request: bytes = b"",
    wall_s: float = 20.0,
    memory_mib: int = 1024,
    output_kib: int = 1,
) -> Ended:
    limits = Limits(wall_s=wall_s, memory_mib=memory_mib, output_kib=output_kib)
    return run_watched([sys.executable, "-I", "-c", start + code], request, limits)


def test_a_command_that_ends() -> None:
    ended = watched("sys.stdout.write(sys.stdin.read()); print('!', file=sys.stderr); sys.exit(7)", request=b"hello")
    assert (ended.started, ended.stopped, ended.status) == (True, None, 7)
    assert sorted(ended.printed) == sorted(b"hello!\n")
    assert ended.printed_bytes == 7
    assert 0 < ended.cpu_s < 10


def test_a_large_request_does_not_block() -> None:
    assert watched("time.sleep(0.1)", request=b"x" * 2**20).status == 0


def test_a_command_that_dies() -> None:
    assert watched("os.kill(os.getpid(), signal.SIGKILL)").status == -signal.SIGKILL


def test_a_command_that_says_nothing_has_not_started() -> None:
    ended = watched("sys.exit(1)", start="import sys\n")
    assert (ended.started, ended.stopped, ended.status) == (False, None, 1)


def test_a_start_has_its_own_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watching, "START_S", 0.5)
    ended = watched("time.sleep(100)", start="import time\n")
    assert (ended.started, ended.stopped) == (False, "time")


def test_the_start_does_not_count() -> None:
    assert watched("", start=f"import time\ntime.sleep(1)\n{START}", wall_s=0.9).stopped is None


@pytest.mark.parametrize(
    "code",
    [
        "time.sleep(100)",
        "[signal.signal(n, signal.SIG_IGN) for n in (1, 2, 10, 12, 15)]; time.sleep(100)",
        "os.kill(os.getpid(), signal.SIGSTOP)",
        "os.close(0); os.close(1); os.close(2); time.sleep(100)",
        "\nwhile True: os.write(1, b'x' * 2**20)",
    ],
    ids=["sleeps", "ignores signals", "stops itself", "closes its output", "prints without an end"],
)
def test_the_clock(code: str) -> None:
    before = time.monotonic()
    ended = watched(code, wall_s=0.5)
    assert (ended.started, ended.stopped) == (True, "time")
    assert ended.status in {-signal.SIGKILL, -signal.SIGUSR1}
    assert time.monotonic() - before < 15
    assert len(ended.printed) <= 1024


def test_all_that_is_printed_is_read_and_the_end_of_it_kept() -> None:
    ended = watched("\nfor _ in range(40): os.write(1, b'x' * 2**20)\nos.write(1, b'the end')", output_kib=1)
    assert ended.stopped is None
    assert ended.printed_bytes == 40 * 2**20 + 7
    assert ended.printed == b"x" * 1017 + b"the end"


@linux
class TestMemory:
    GROW = "held = bytes([1]) * (120 * 2**20); time.sleep(100)"

    def test_of_one_process(self) -> None:
        ended = watched(self.GROW, memory_mib=60)
        assert (ended.stopped, ended.status) == ("memory", -signal.SIGKILL)
        assert ended.peak_mib > 60

    def test_of_all_together(self) -> None:
        ended = watched(f"\nfor _ in range(3):\n  if os.fork() == 0:\n    {self.GROW}\ntime.sleep(100)", memory_mib=250)
        assert ended.stopped == "memory"
        assert ended.peak_mib > 250

    def test_enough_of_it(self) -> None:
        ended = watched("held = bytes([1]) * (20 * 2**20); time.sleep(0.5)", memory_mib=60)
        assert ended.stopped is None
        assert 20 <= ended.peak_mib <= 60

    def test_beyond_the_start(self) -> None:
        ended = watched("time.sleep(0.5)", start=START.replace("b'0'", "str(2**40).encode()"), memory_mib=1)
        assert (ended.stopped, ended.peak_mib) == (None, 0)

    def test_of_nobody(self) -> None:
        assert resident_bytes(2**31 - 1) == 0

    def test_of_this_process(self) -> None:
        assert resident_bytes(os.getpgrp()) > 10 * 2**20


@linux
@pytest.mark.parametrize(
    "leave",
    ["pass", "os.setsid()", "os.setsid(); os.fork() and os._exit(0)", "os.setpgid(0, 0)"],
    ids=["child", "session", "daemon", "group"],
)
@pytest.mark.parametrize("stopped", [True, False], ids=["stopped", "ended"])
def test_nothing_is_left(leave: str, stopped: bool, tmp_path: Path) -> None:
    note = tmp_path / "pid"
    code = f"""
if os.fork() == 0:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    {leave}
    with open({str(note)!r}, "w") as file:
        file.write(str(os.getpid()))
    time.sleep(100)
    os._exit(0)
while not os.path.exists({str(note)!r}) or not os.path.getsize({str(note)!r}):
    time.sleep(0.01)
time.sleep({100 if stopped else 0})
"""
    ended = watched(code, wall_s=1)
    assert ended.stopped == ("time" if stopped else None)
    assert not is_alive(int(note.read_text()))


@linux
def test_a_survivor_does_not_hold_up_the_end() -> None:
    before = time.monotonic()
    assert watched("os.fork() or time.sleep(100)").status == 0
    assert time.monotonic() - before < 10


@linux
def test_ctrl_c_ends_it_too(tmp_path: Path) -> None:
    note = tmp_path / "pid"

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGALRM, interrupt)
    try:
        signal.setitimer(signal.ITIMER_REAL, 1.0)
        with pytest.raises(KeyboardInterrupt):
            watched(f"open({str(note)!r}, 'w').write(str(os.getpid()))\ntime.sleep(100)")
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    assert not is_alive(int(note.read_text()))


def test_it_runs_in_a_session_of_its_own() -> None:
    ended = watched("print(os.getsid(0), os.getpgrp(), os.getpid())")
    session, group, pid = ended.printed.split()
    assert session == group == pid


def test_there_is_no_such_command() -> None:
    with pytest.raises(UsageError, match="no process can be started for the model: No such file"):
        run_watched(["/no/such/command"], b"", Limits())


def test_descriptors_are_not_lost() -> None:
    watched("")
    before = len(list(Path("/dev/fd").iterdir()))
    for _ in range(3):
        watched("print(1)")
    assert len(list(Path("/dev/fd").iterdir())) == before


@linux
def test_a_process_whose_name_is_strange(tmp_path: Path) -> None:
    ended = watched(
        "open('/proc/self/comm', 'w').write(') Z 1 (')\nprint(os.getpid(), flush=True)\n"
        "print(open(f'/proc/{os.getpid()}/stat').read().split(' ', 1)[1][:9])"
    )
    assert b"() Z 1 ()" in ended.printed
    assert [one.group for one in processes() if one.pid == os.getpid()] == [os.getpgrp()]


@linux
def test_what_has_ended_since_it_was_seen_holds_nothing() -> None:
    with subprocess.Popen([sys.executable, "-I", "-c", "input()"], stdin=subprocess.PIPE) as running:
        while not (seen := process(running.pid)) or seen.resident < 2**20:
            time.sleep(0.01)
        assert seen.share() > 0
        running.kill()
        os.waitid(os.P_PID, running.pid, os.WEXITED | os.WNOWAIT)  # a corpse, which is still to be seen
        corpse = seen.share()
    assert (corpse, seen.share()) == (0, 0)
