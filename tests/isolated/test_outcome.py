"""What is made of what was seen of a process."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from torch import nn

from modelcheck.capturing.capture import capture_model
from modelcheck.errors import (
    AuthorError,
    ConstructorError,
    Crashed,
    ForwardError,
    LoadError,
    MemoryLimit,
    ModelcheckError,
    NotCapturable,
    TimeLimit,
    UsageError,
)
from modelcheck.inputs import InputSpec
from modelcheck.isolated.outcome import NotFoundThere, Outcome
from modelcheck.isolated.protocol import Answer, Captured, Failed, Limits, Refused, encode_answer
from modelcheck.isolated.results import Results
from modelcheck.isolated.watching import Ended

SEEN = Ended(started=True, stopped=None, status=0, cpu_s=3.0, peak_mib=9000, printed=b"", printed_bytes=0)
Of = Callable[..., ModelcheckError]


@pytest.fixture
def outcome(tmp_path: Path) -> Iterator[Callable[..., Outcome]]:
    handle = os.open(tmp_path, os.O_RDONLY)

    def make(**seen: Any) -> Outcome:
        return Outcome("net.py:Net", Ended(**{**vars(SEEN), **seen}), Results(handle, Limits()), Limits())

    yield make
    os.close(handle)


@pytest.fixture
def of(outcome: Callable[..., Outcome], tmp_path: Path) -> Of:
    """The error that comes of an answer and of what was seen."""

    def make(answer: Answer | None = None, **seen: Any) -> ModelcheckError:
        if answer:
            (tmp_path / "result.json").write_bytes(encode_answer(answer))
        with pytest.raises(ModelcheckError) as raised:
            outcome(**seen).captured((InputSpec((3,)),))
        return raised.value

    return make


@pytest.mark.parametrize("status", [0, 1, -9])
def test_a_capture_whatever_the_exit_status(outcome: Callable[..., Outcome], tmp_path: Path, status: int) -> None:
    made = capture_model(nn.Linear(3, 2), (3,))
    made.save(tmp_path / "capture.mcz")
    (tmp_path / "result.json").write_bytes(encode_answer(Captured(origin=None)))
    captured, origin = outcome(status=status).captured((InputSpec((3,)),))
    assert captured.to_bytes() == made.to_bytes()
    assert origin is None


@pytest.mark.parametrize("error", [LoadError, ConstructorError, ForwardError, NotCapturable, MemoryLimit, Crashed])
def test_a_failure_is_the_error_that_it_says(of: Of, error: type[AuthorError]) -> None:
    found = of(Failed(code=error.code, message="net.py, line 3: no", file="net.py", line=3))
    assert type(found) is error
    assert (found.message, found.file, found.line) == ("net.py, line 3: no", "net.py", 3)


@pytest.mark.parametrize("code", ["MC999", "MC601"])
def test_a_failure_that_is_not_for_the_process_to_tell(of: Of, code: str) -> None:
    assert type(of(Failed(code=code, message="no", file=None, line=None))) is Crashed


def test_a_name_that_nothing_has(of: Of) -> None:
    found = of(Refused(message="net.py has no 'Nte'; did you mean Net?"))
    assert type(found) is NotFoundThere
    assert str(found) == "net.py has no 'Nte'; did you mean Net? (so says the process of net.py:Net)"


@pytest.mark.parametrize(
    ("seen", "error", "text"),
    [
        ({"stopped": "time", "status": -9}, TimeLimit, "net.py:Net was stopped after 120 s, which is the limit\n"),
        ({"status": -signal.SIGXCPU}, TimeLimit, "net.py:Net was stopped after 120 s of processor time"),
        ({"status": -9, "cpu_s": 121.0}, TimeLimit, "net.py:Net was stopped after 120 s of processor time"),
        ({"stopped": "memory", "status": -9}, MemoryLimit, "stopped at 9,000 MiB of memory; the limit is 8,192 MiB"),
        ({"status": -9}, Crashed, "ended without a result: it died of SIGKILL\nSomething killed it"),
        ({"status": -signal.SIGSEGV}, Crashed, "it died of SIGSEGV\n"),
        ({"status": -60}, Crashed, "it died of signal 60\n"),
        ({"status": 0}, Crashed, "it ended with status 0\n"),
        ({"started": False, "status": 1}, UsageError, "no process could be made ready for net.py:Net: it ended with"),
        ({"started": False, "status": -9, "stopped": "time"}, UsageError, "for net.py:Net: it took too long"),
    ],
)
def test_no_result(of: Of, seen: dict[str, Any], error: type[ModelcheckError], text: str) -> None:
    found = of(**seen)
    assert type(found) is error
    assert text in str(found)


@pytest.mark.parametrize("stopped", ["time", "memory"])
def test_a_limit_goes_before_any_result(of: Of, stopped: str) -> None:
    found = of(Refused(message="no"), stopped=stopped)
    assert type(found) is {"time": TimeLimit, "memory": MemoryLimit}[stopped]


def test_a_capture_that_is_not_there(of: Of) -> None:
    found = of(Captured(origin=None))
    assert type(found) is Crashed
    assert "the process of net.py:Net left no usable result: there is no capture.mcz" in str(found)


def test_where_it_was(of: Of, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "net.py").touch()
    (tmp_path / "stack.txt").write_text(f'Stack:\n  File "{tmp_path / "net.py"}", line 7 in forward\n')
    for seen in ({"stopped": "time"}, {"status": -signal.SIGXCPU}, {"status": -signal.SIGSEGV}):
        found = of(**seen)
        assert isinstance(found, AuthorError)
        assert (found.file, found.line) == ("net.py", 7)
        assert "; it was at net.py, line 7\n" in found.message
