"""A sandbox gives the capture that this process would have made, and keeps nothing from one submission to the next."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from modelcheck.errors import ForwardError, LoadError, TimeLimit, UsageError
from modelcheck.facts.walked import Walked
from modelcheck.grading.sandbox import bubblewrap, choose, choosing
from modelcheck.grading.sandbox.none import UnsandboxedStarter
from modelcheck.grading.sandbox.starter import Starter
from modelcheck.graph.capture import Capture
from modelcheck.isolated.proc import family, is_alive, processes
from modelcheck.loading import capture_here
from modelcheck.origin import Origin

from .conftest import LIMITS, PICTURE, submission

NET = """
import torch.nn as nn
from blocks import WIDTH

class Net(nn.Module):
    def __init__(self, scale=1.0):
        super().__init__()
        self.fc = nn.Linear(784, WIDTH)

    def forward(self, x):
        return self.fc(x.flatten(1))
"""
FAILS = NET.replace("return ", "raise RuntimeError('no such shape')\n        return ")
LOOPS = NET.replace("super().__init__()", "super().__init__()\n        while True: pass")

# leaves a trace in whatever a later submission could find it in
LEAVES = """
import atexit, builtins, contextlib, json, os, random, sys, types
import torch, torch.nn as nn
import modelcheck.graph.capture, modelcheck.isolated.child
from pathlib import Path

class Net(nn.Module):
    def __init__(self):
        super().__init__()
        torch.MARKED = builtins.MARKED = modelcheck.isolated.child.MARKED = True
        sys.modules["marked"] = types.ModuleType("marked")
        os.environ["MARKED"] = "1"
        torch.set_default_dtype(torch.float64)
        torch.nn.Linear.forward = lambda self, x: x
        nn.Module.__call__ = lambda self, *a: a[0]
        for folder in ("/tmp", "/dev/shm", "..", os.environ["HOME"], os.environ["TMPDIR"]):
            try:
                Path(folder, "marked").write_text("1")
            except OSError:
                pass
        with contextlib.suppress(BlockingIOError):  # of the sandbox where nothing is started
            if os.fork() == 0:
                os.setsid()
                while True:
                    pass
        self.fc = nn.Linear(784, 10)

    def forward(self, x):
        return x
"""
FINDS = """
import builtins, os, sys
import torch, torch.nn as nn
import modelcheck.isolated.child
from pathlib import Path

class Net(nn.Module):
    def __init__(self):
        super().__init__()
        found = [name for name, one in {"torch": torch, "builtins": builtins, "ours": modelcheck.isolated.child}.items()
                 if hasattr(one, "MARKED")]
        found += ["modules"] * ("marked" in sys.modules) + ["environ"] * ("MARKED" in os.environ)
        found += ["dtype"] * (torch.get_default_dtype() is not torch.float32)
        for folder in ("/tmp", "/dev/shm", "..", os.environ["HOME"], os.environ["TMPDIR"]):
            found += [folder] * Path(folder, "marked").exists()
        print("found", found, flush=True)
        self.fc = nn.Linear(784, 10)

    def forward(self, x):
        return self.fc(x.flatten(1))
"""


def alice(folder: Path, code: str = NET) -> Path:
    made = submission(folder, code)
    (made / "blocks.py").write_text("WIDTH = 7")
    return made


def data(found: tuple[Capture | Walked, Origin | None]) -> bytes:
    assert isinstance(found[0], Capture)
    return found[0].to_bytes()


def test_it_is_the_same_capture(starter: Starter, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = alice(tmp_path)
    monkeypatch.chdir(tmp_path)
    meant, origin = capture_here("alice/", PICTURE, {"scale": 2.0}, seed=3)
    found, there = starter.capture(path, PICTURE, seed=3, arguments={"scale": 2.0})
    assert data((found, None)) == data((meant, None))
    assert there == origin
    assert there is not None
    assert there.file == "alice/net.py"


def test_without_a_sandbox_it_is_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = alice(tmp_path)
    monkeypatch.chdir(tmp_path)
    meant = capture_here("alice/", PICTURE, seed=3)
    with choose("none").start(LIMITS) as starter:
        assert isinstance(starter, UnsandboxedStarter)
        assert data(starter.capture(path, PICTURE, seed=3)) == data(meant)
        (path / "net.py").write_text(FAILS)
        with pytest.raises(ForwardError) as caught:
            starter.capture(path, PICTURE)
        assert (caught.value.file, caught.value.line) == ("alice/net.py", 11)


def test_a_failure_has_the_submissions_own_place(starter: Starter, tmp_path: Path) -> None:
    with pytest.raises(ForwardError, match="RuntimeError: no such shape") as caught:
        starter.capture(alice(tmp_path, FAILS), PICTURE)
    assert (caught.value.file, caught.value.line) == ("alice/net.py", 11)


def test_one_that_is_stopped_has_its_place_too(
    starter: Starter, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(starter, "limits", replace(LIMITS, wall_s=4))
    monkeypatch.setattr("modelcheck.isolated.watching.STACK_S", 10.0)
    with pytest.raises(TimeLimit) as caught:
        starter.capture(alice(tmp_path, LOOPS), PICTURE)
    assert (caught.value.file, caught.value.line) == ("alice/net.py", 8)


def test_one_that_is_stopped_ends_once_it_has_said_where_it_is(
    starter: Starter, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(starter, "limits", replace(LIMITS, wall_s=1))
    monkeypatch.setattr("modelcheck.isolated.watching.STACK_S", 10.0)
    with starter.watched(alice(tmp_path, LOOPS), PICTURE) as (ended, _):
        assert (ended.stopped, ended.status) == ("time", -signal.SIGUSR1)


def test_nothing_is_left_for_the_next(starter: Starter, tmp_path: Path) -> None:
    path = submission(tmp_path, FINDS, "finds")
    before = data(starter.capture(path, PICTURE))
    starter.capture(submission(tmp_path, LEAVES, "leaves"), PICTURE)
    with starter.watched(path, PICTURE) as (ended, _):
        assert ended.printed.splitlines()[0] == b"found []"
    assert data(starter.capture(path, PICTURE)) == before


def test_what_looks_for_traces_finds_them(tmp_path: Path) -> None:
    code = f"{LEAVES}\nNet()\n{FINDS}\nNet()".replace("if os.fork() == 0:", "if False:")
    environment = {**os.environ, "HOME": str(tmp_path), "TMPDIR": str(tmp_path)}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment, cwd=tmp_path)
    (Path("/tmp/marked")).unlink(missing_ok=True)
    (Path("/dev/shm/marked")).unlink(missing_ok=True)
    for one in ("torch", "builtins", "ours", "modules", "environ", "dtype", "/tmp", "/dev/shm"):
        assert f"'{one}'" in done.stdout


def test_what_cannot_be_read_ends_no_batch(starter: Starter, tmp_path: Path) -> None:
    (tmp_path / "essay.txt").write_text("no code at all")
    with pytest.raises(LoadError, match=r"files of the kind '\.txt' cannot be read"):
        starter.capture(tmp_path / "essay.txt", PICTURE)


def test_a_server_that_is_killed_is_started_again(starter: Starter, tmp_path: Path) -> None:
    path = alice(tmp_path)
    before = data(starter.capture(path, PICTURE))
    assert starter.process is not None
    os.kill(starter.process.pid, signal.SIGKILL)
    starter.process.wait()
    assert data(starter.capture(path, PICTURE)) == before


def test_each_can_import_torch_for_itself(tmp_path: Path) -> None:
    path = alice(tmp_path)
    with choose("bubblewrap").start(LIMITS, warm=False) as cold, choose("bubblewrap").start(LIMITS) as warm:
        assert data(cold.capture(path, PICTURE)) == data(warm.capture(path, PICTURE))


def test_several_at_a_time_and_nothing_afterwards(tmp_path: Path) -> None:
    path = alice(tmp_path)
    sandbox = choose("bubblewrap")
    with sandbox.start(LIMITS) as one, sandbox.start(LIMITS) as other:
        assert isinstance(one, Starter)
        assert isinstance(other, Starter)
        assert data(one.capture(path, PICTURE)) == data(other.capture(path, PICTURE))
        numbers = [below.pid for each in (one, other) if each.process for below in family(each.process.pid)]
        assert numbers
    assert not any(map(is_alive, numbers))


GRADER = """
import sys
from pathlib import Path
from modelcheck.grading.sandbox import choose
from modelcheck.inputs import InputSpec
from modelcheck.isolated.protocol import Limits
with choose(sys.argv[1]).start(Limits()) as starter:
    starter.capture(Path(sys.argv[2]), (InputSpec((1, 28, 28)),))
"""


@pytest.mark.parametrize("name", ["bubblewrap", "process"])
def test_a_grader_that_is_killed_takes_all_with_it(name: str, tmp_path: Path) -> None:
    named = "import ctypes; ctypes.CDLL(None).prctl(15, b'orphaned-net')\n        while True"
    code = LOOPS.replace("while True", named)
    grader = subprocess.Popen([sys.executable, "-c", GRADER, name, str(alice(tmp_path, code))])
    try:
        waited_until(lambda: any(map(_is_orphan, processes_alive())), 120)
    finally:
        grader.kill()
        grader.wait()
    waited_until(lambda: not any(map(_is_orphan, processes_alive())), 5)


def processes_alive() -> list[int]:
    return [one.pid for one in processes() if one.alive]


def _is_orphan(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/comm").read_text() == "orphaned-net\n"
    except OSError:
        return False


def waited_until(condition: object, seconds: float) -> None:
    assert callable(condition)
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.1)


def test_without_any_it_says_what_helps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bubblewrap, "_unavailable", lambda: "bubblewrap is not installed")
    assert choose("auto").name == "process"
    monkeypatch.setattr(choosing.Process, "unavailable", lambda self: "this kernel has no Landlock")
    with pytest.raises(UsageError, match=r"(?s)bubblewrap is not installed.*no Landlock.*--sandbox none"):
        choose("auto")
    with pytest.raises(UsageError, match="no Landlock"):
        choose("process")
    assert choose("none").weaker
