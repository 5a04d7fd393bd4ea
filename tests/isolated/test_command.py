"""``inspect --isolated`` as its users meet it, and ``inspect(isolated=True)``."""

from __future__ import annotations

import functools
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from torch import nn

import modelcheck
from modelcheck import cli
from modelcheck.errors import UsageError
from modelcheck.isolated.parent import capture_isolated
from modelcheck.isolated.proc import is_alive
from modelcheck.isolated.protocol import Limits
from tests.interrupting import heeds_interrupts

NET = """
import torch.nn as nn

class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(784, 10)

    def forward(self, x):
        return self.fc(x.flatten(1))
"""
SLEEPER = """
import os, time
import torch.nn as nn

class Net(nn.Module):
    with open("pid", "w") as file:
        file.write(str(os.getpid()))
    time.sleep(1000)
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "net.py").write_text(NET)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_the_report_is_the_same(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "net.py").write_text(
        f"{NET}\n        print('forward')".replace("return", "print('forward')\n        return")
    )
    reports = []
    for options in ([], ["--isolated"]):
        monkeypatch.setattr(sys, "argv", ["modelcheck", "inspect", "net.py:Net", "--format", "json", *options])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        assert ended.value.code == 0
        printed = capsys.readouterr()
        reports.append(json.loads(printed.out))
        assert "forward" in printed.err
    assert reports[0] == reports[1]


def test_a_limit_that_is_exceeded_is_a_report_and_status_3(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    limited = functools.partial(capture_isolated, limits=Limits(wall_s=5))
    monkeypatch.setattr("modelcheck.isolated.parent.capture_isolated", limited)
    monkeypatch.setattr("modelcheck.isolated.watching.STACK_S", 10.0)
    (folder / "net.py").write_text(SLEEPER)
    arguments = ["modelcheck", "inspect", "net.py:Net", "--isolated", "--policy", "mnist-20k"]
    monkeypatch.setattr(sys, "argv", [*arguments, "--format", "json"])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert ended.value.code == 3
    report = json.loads(capsys.readouterr().out)
    (finding,) = report["findings"]
    assert (finding["code"], finding["file"], finding["line"]) == ("MC601", "net.py", 8)
    assert {rule["outcome"] for rule in report["rules"]} == {"fail", "not run"}


def test_a_fault_on_the_assumed_input_says_so(folder: Path) -> None:
    (folder / "net.py").write_text(
        NET.replace("nn.Linear(784, 10)", "nn.Sequential(nn.Conv2d(1, 2, 3), nn.Linear(7, 1))")
    )
    (finding,) = modelcheck.inspect("net.py:Net", isolated=True).findings
    assert finding.code == "MC003"
    assert "An input of 1x28x28 was assumed" in finding.message


@pytest.mark.parametrize("target", [nn.Linear(784, 10), nn.Linear])
def test_what_is_in_this_process_cannot_be_isolated(target: nn.Module | type[nn.Module]) -> None:
    with pytest.raises(UsageError, match=r"Linear is in this process already: only a TARGET, as net\.py:Net"):
        modelcheck.inspect(target, isolated=True)


def test_a_capture_needs_no_process(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    modelcheck.capture(nn.Sequential(nn.Flatten(), nn.Linear(784, 10))).save("net.mcz")
    monkeypatch.setattr("modelcheck.isolated.parent.capture_isolated", None)
    assert modelcheck.inspect("net.mcz", isolated=True).verdict == "pass"


def test_ctrl_c(folder: Path) -> None:
    (folder / "net.py").write_text(SLEEPER)
    (private := folder / "private").mkdir()
    process = subprocess.Popen(
        [sys.executable, "-m", "modelcheck", "inspect", "net.py:Net", "--isolated"],
        env={**os.environ, "TMPDIR": str(private)},
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=heeds_interrupts,
    )
    until = time.monotonic() + 100
    while not (folder / "pid").exists() or not (folder / "pid").read_text():
        assert time.monotonic() < until
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert (process.returncode, err) == (130, "modelcheck: interrupted; nothing was saved\n")
    assert list(private.iterdir()) == []
    assert not is_alive(int((folder / "pid").read_text()))
