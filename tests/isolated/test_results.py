"""What a process may leave, and what is made of it."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from torch import nn

from modelcheck.capturing.capture import capture_model
from modelcheck.errors import DamagedCapture
from modelcheck.inputs import InputSpec
from modelcheck.isolated.protocol import (
    MOST_ENTRIES,
    Answer,
    Captured,
    Failed,
    Limits,
    Refused,
    decode_answer,
    encode_answer,
)
from modelcheck.isolated.results import Results, Unusable
from modelcheck.origin import Effect, Origin

EFFECT = Effect(kind="prints", text="print(1)", file="net.py", line=3)
ORIGIN = Origin(file="net.py", line=1, name="Net", others=("net.py:Other",), left_out=(EFFECT,))
FAILED = {"is": "failed", "code": "MC003", "message": "no", "file": "net.py", "line": 3}


@pytest.fixture
def results(tmp_path: Path) -> Iterator[Results]:
    handle = os.open(tmp_path, os.O_RDONLY | os.O_DIRECTORY)
    yield Results(handle, Limits(file_mib=1))
    os.close(handle)


@pytest.mark.parametrize(
    "answer",
    [
        Captured(origin=None),
        Captured(origin=ORIGIN),
        Refused(message="nothing has that name"),
        Failed(code="MC003", message="net.py, line 3: no\n  what helps", file="net.py", line=3),
        Failed(code="MC603", message="", file=None, line=None),
    ],
    ids=lambda one: type(one).__name__,
)
def test_an_answer_comes_as_it_was_given(results: Results, tmp_path: Path, answer: Answer) -> None:
    (tmp_path / "result.json").write_bytes(encode_answer(answer))
    assert results.answer() == answer


def test_no_answer(results: Results) -> None:
    assert results.answer() is None


@pytest.mark.parametrize(
    "text",
    [
        "",
        "null",
        "[]",
        "not JSON",
        "[" * 100_000,
        '{"is": "captured"}',
        '{"is": "passed", "origin": null}',
        '{"origin": null}',
        '{"is": "captured", "origin": null, "verdict": "pass"}',
        '{"is": "captured", "origin": {"file": "a", "line": 1, "name": "Net", "points": 100}}',
        '{"is": "refused", "message": 1}',
        json.dumps({**FAILED, "code": "PASS"}),
        json.dumps({**FAILED, "code": "MC003\n"}),
        json.dumps({**FAILED, "line": -1}),
        json.dumps({**FAILED, "line": 10**30}),
        json.dumps({**FAILED, "line": "3"}),
        json.dumps({**FAILED, "message": None}),
        b'{"is": "refused", "message": "\xff"}',
        b"\x00" * 100,
    ],
)
def test_what_is_no_answer(results: Results, tmp_path: Path, text: str | bytes) -> None:
    (tmp_path / "result.json").write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(Unusable, match=r"result\.json does not follow the format: ") as raised:
        results.answer()
    assert len(str(raised.value)) < 300


def test_an_answer_that_lists_too_much(results: Results, tmp_path: Path) -> None:
    others = tuple(str(number) for number in range(MOST_ENTRIES + 1))
    said = Captured(origin=Origin(file="net.py", line=1, name="Net", others=others))
    (tmp_path / "result.json").write_bytes(msgspec.json.encode(said))
    with pytest.raises(Unusable, match="it lists 10,001 entries"):
        results.answer()


def test_texts_are_made_safe() -> None:
    origin = msgspec.structs.replace(ORIGIN, name="\x1b[31mNet", others=("\u202eabc",))
    for said in (Captured(origin=origin), Failed(code="MC001", message="a\x1b\n\tb\r", file="\x00", line=1)):
        got = decode_answer(msgspec.json.encode(said))
        assert all(text.replace("\n", "").isprintable() for text in texts(msgspec.to_builtins(got)))


def test_texts_are_cut() -> None:
    said = Failed(code="MC001", message="x" * 10**6 + "\ny" * 10**5, file="f" * 10**5, line=1)
    got = decode_answer(msgspec.json.encode(said))
    assert isinstance(got, Failed)
    assert len(got.message) < 3000
    assert got.message.count("\n") < 100
    assert len(got.file or "") < 3000


def test_a_name_that_is_no_unicode_is_told_all_the_same() -> None:
    said = Failed(code="MC001", message="\udcff.py", file="\udcff.py", line=1)
    assert decode_answer(encode_answer(said)) == Failed(code="MC001", message="\\udcff.py", file="\\udcff.py", line=1)


def texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, (dict, list, tuple)):
        for one in value.values() if isinstance(value, dict) else value:
            yield from texts(one)


def fifo(path: Path, _: Path) -> None:
    os.mkfifo(path)


def link(path: Path, other: Path) -> None:
    path.symlink_to(other)


def dangling(path: Path, other: Path) -> None:
    path.symlink_to(other.with_name("gone"))


def hard_link(path: Path, other: Path) -> None:
    path.hardlink_to(other)


def a_folder(path: Path, _: Path) -> None:
    path.mkdir()


def endless(path: Path, _: Path) -> None:
    path.symlink_to("/dev/zero")


def sparse(path: Path, _: Path) -> None:
    path.touch()
    os.truncate(path, 2**40)


@pytest.mark.parametrize("make", [fifo, link, dangling, hard_link, a_folder, endless, sparse])
@pytest.mark.parametrize("name", ["result.json", "capture.mcz", "stack.txt"])
def test_a_file_that_is_none(
    results: Results, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory, name: str, make: Callable[..., None]
) -> None:
    other = tmp_path_factory.mktemp("other") / "secret"
    other.write_bytes(encode_answer(Captured(origin=None)))
    make(tmp_path / name, other)
    if name == "stack.txt":
        assert results.place() is None
        return
    with pytest.raises(Unusable, match=rf"{name} (is no plain file|cannot be read: |is larger than \d+ MiB)"):
        results.answer() if name == "result.json" else results.capture((InputSpec((2,)),))


def test_a_folder_in_the_place_of_the_folder(tmp_path: Path) -> None:
    (real := tmp_path / "real").mkdir()
    handle = os.open(real, os.O_RDONLY)
    real.rename(tmp_path / "aside")
    real.mkdir()
    (real / "result.json").write_bytes(encode_answer(Captured(origin=None)))
    assert Results(handle, Limits()).answer() is None
    os.close(handle)


class TestCapture:
    def test_as_it_was_written(self, results: Results, tmp_path: Path) -> None:
        made = capture_model(nn.Linear(3, 2), (3,))
        made.save(tmp_path / "capture.mcz")
        assert results.capture((InputSpec((3,)),)).to_bytes() == made.to_bytes()

    def test_none(self, results: Results) -> None:
        with pytest.raises(Unusable, match=r"there is no capture\.mcz"):
            results.capture((InputSpec((3,)),))

    def test_of_another_input(self, results: Results, tmp_path: Path) -> None:
        capture_model(nn.Linear(3, 2), (3,)).save(tmp_path / "capture.mcz")
        with pytest.raises(DamagedCapture, match="another shape"):
            results.capture((InputSpec((4, 3)),))

    @pytest.mark.parametrize("keep", [0, 100, -1])
    def test_damaged(self, results: Results, tmp_path: Path, keep: int) -> None:
        data = capture_model(nn.Linear(3, 2), (3,)).to_bytes()
        (tmp_path / "capture.mcz").write_bytes(data[:keep])
        with pytest.raises(DamagedCapture, match="wrote no usable capture"):
            results.capture((InputSpec((3,)),))


class TestPlace:
    def test_the_innermost_line_of_the_authors(self, results: Results, tmp_path: Path) -> None:
        (net := tmp_path / "net.py").touch()
        frames = [(nn.__file__, 9), (str(net), 7), (str(net), 3), (os.__file__, 2), ("<string>", 1)]
        lines = "".join(f'  File "{file}", line {line} in f\n' for file, line in frames)
        (tmp_path / "stack.txt").write_text(f"Current thread 0x01 (most recent call first):\n{lines}")
        assert results.place() == (str(net), 7)

    @pytest.mark.parametrize("text", ["", "\0", '  File "gone.py", line 3 in f\n', '  File "", line 3 in f'])
    def test_none(self, results: Results, tmp_path: Path, text: str) -> None:
        (tmp_path / "stack.txt").write_text(text)
        assert results.place() is None
