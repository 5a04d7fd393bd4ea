"""A capture from a process of its own is the one that this process would have made."""

from __future__ import annotations

import importlib.util
import math
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from torch import nn

from modelcheck.errors import UsageError
from modelcheck.inputs import InputSpec
from modelcheck.isolated import parent
from modelcheck.isolated.parent import capture_isolated
from modelcheck.isolated.proc import is_alive
from modelcheck.isolated.protocol import Limits
from modelcheck.loading import capture_here

PICTURE = (InputSpec((1, 28, 28)),)

NET = """
import os

import torch.nn as nn
from blocks import WIDTH

with open("pids", "a") as file:
    file.write(f"{os.getpid()}\\n")

class Net(nn.Module):
    with open("pids", "a") as file:
        file.write(f"{os.getpid()}\\n")

    def __init__(self, shape=(1, 1), label=b"", scale=1.0):
        super().__init__()
        assert shape == (2, (3, None)) and label == b"\\xff" and scale == {"a": 1e9}, (shape, label, scale)
        print("built \\x1b[31m here")
        self.fc = nn.Linear(784, WIDTH)

    def forward(self, x):
        import blocks
        return self.fc(x.flatten(1))
"""
ARGUMENTS = {"shape": (2, (3, None)), "label": b"\xff", "scale": {"a": 1e9}}


@pytest.fixture
def folder(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A current directory with a package, beside files whose names are taken; what it imports lies elsewhere."""
    (tmp_path / "nets").mkdir()
    (tmp_path / "nets" / "__init__.py").touch()
    (tmp_path / "nets" / "net.py").write_text(NET)
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    (elsewhere / "blocks.py").write_text("WIDTH = 7")
    monkeypatch.syspath_prepend(elsewhere)
    for name in ("torch", "modelcheck", "msgspec", "sitecustomize", "json", "random"):
        (tmp_path / f"{name}.py").write_text("raise SystemExit('the wrong one')")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.setenv("PYTHONSTARTUP", str(tmp_path / "torch.py"))
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path_factory.mktemp("private")))
    monkeypatch.chdir(tmp_path)
    yield tmp_path
    sys.modules.pop("blocks", None)


@pytest.mark.parametrize("target", ["nets/net.py:Net", "nets.net:Net"])
def test_it_is_the_same_capture(
    target: str, folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("nets", "nets.net", "blocks"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    captured, origin = capture_isolated(target, PICTURE, ARGUMENTS, seed=3)
    pids = {int(line) for line in (folder / "pids").read_text().split()}
    assert len(pids) == 1
    assert os.getpid() not in pids
    assert not any(is_alive(pid) for pid in pids)
    assert not {"nets", "nets.net", "blocks"} & set(sys.modules)
    assert list(Path(tempfile.gettempdir()).iterdir()) == []
    printed = capsys.readouterr()
    assert printed.err == f"modelcheck: the process of {target} printed:\n  | built \\x1b[31m here\n"
    assert printed.out == ""
    here, here_origin = capture_here(target, PICTURE, ARGUMENTS, seed=3)
    assert captured.to_bytes() == here.to_bytes()
    assert origin == here_origin


def test_a_name_that_nothing_has(folder: Path) -> None:
    with pytest.raises(UsageError, match=r"gone\.py:Net: no such file"):
        capture_isolated("gone.py:Net", PICTURE)


@pytest.fixture
def no_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parent, "run_watched", None)


@pytest.mark.usefixtures("no_process")
class TestRefusals:
    @pytest.mark.parametrize(
        "value", [nn.ReLU, nn.ReLU(), object(), math.inf, math.nan, 10**5000, range(3), Path()], ids=type
    )
    def test_an_argument_that_is_no_literal(self, value: object) -> None:
        with pytest.raises(UsageError, match="the argument act is no Python literal"):
            capture_isolated("net.py:Net", PICTURE, {"act": value})

    def test_a_target_that_is_no_unicode(self) -> None:
        with pytest.raises(UsageError, match=r"\\udcff\.py cannot be told to another process"):
            capture_isolated("\udcff.py", PICTURE)

    def test_a_shape_that_is_none(self) -> None:
        with pytest.raises(UsageError, match=r"net\.py cannot be told to another process: Expected `int`"):
            capture_isolated("net.py", (InputSpec((1, "28")),))  # type: ignore[arg-type]

    def test_a_system_without_limits(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
        with pytest.raises(UsageError, match=r"needs limits on processes, which .* does not have: use Linux or macOS"):
            capture_isolated("net.py", PICTURE)

    def test_a_python_without_a_file(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(sys, "executable", "")
        with pytest.raises(UsageError, match=r"sys\.executable"):
            capture_isolated("net.py", PICTURE)


def test_a_process_that_cannot_begin(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(parent, "_START", "raise ImportError('no torch')")
    with pytest.raises(UsageError, match=r"no process could be made ready for net\.py: it ended with status 1"):
        capture_isolated("net.py", PICTURE)
    assert "  | ImportError: no torch\n" in capsys.readouterr().err


def test_limits_that_do_not_end_the_start(folder: Path) -> None:
    (folder / "plain.py").write_text(
        "import torch.nn as nn\nclass Plain(nn.Module):\n    def forward(self, x):\n        return x.flatten(1)\n"
    )
    captured, _ = capture_isolated("plain.py", PICTURE, limits=Limits(cpu_s=5, memory_mib=256, file_mib=1))
    assert captured.header.name == "Plain"


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere the process ends by its limits alone")
def test_it_ends_with_whoever_started_it(tmp_path: Path) -> None:
    child = f"from modelcheck.isolated.child import prepare; from pathlib import Path; prepare(Path({str(tmp_path)!r}))"
    sleep = f"{child}; import os, time; print(os.getpid(), flush=True); time.sleep(100)"
    code = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {sleep!r}])"
    process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    with process.stdout:
        pid = int(process.stdout.readline())
    process.send_signal(signal.SIGKILL)
    process.wait()
    until = time.monotonic() + 10
    while is_alive(pid) and time.monotonic() < until:
        time.sleep(0.01)
    assert not is_alive(pid)
