from __future__ import annotations

import datetime
import io
import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from modelcheck.errors import UsageError
from modelcheck.report import Epoch
from modelcheck.training.log import Logged
from modelcheck.training.observer import Silent


class Told(Silent):
    """Keeps what it is told."""

    def __init__(self) -> None:
        self.told: list[tuple[object, ...]] = []

    def on_run(self, *given: object) -> None:
        self.told.append(("run", *given))

    def on_start(self, *given: object) -> None:
        self.told.append(("start", *given))

    def on_batch(self, *given: object) -> None:
        self.told.append(("batch", *given))

    def on_epoch(self, *given: object) -> None:
        self.told.append(("epoch", *given))

    def on_note(self, *given: object) -> None:
        self.told.append(("note", *given))


def epoch(number: int, loss: float | None = 0.25) -> Epoch:
    return Epoch(
        epoch=number,
        images=600,
        train_loss=loss,
        train_accuracy=0.9,
        test_loss=loss,
        test_accuracy=0.98,
        train_s=2.0,
        eval_s=0.5,
    )


def logged(path: Path, observer: Silent | None = None, *, append: bool = False) -> Logged:
    return Logged(path, {"target": "net.py:Net", "dataset": "mnist"}, observer, append=append)


def train(log: Logged, *epochs: Epoch, run: int = 1, runs: int = 1, seed: int = 7) -> None:
    log.on_run(run, runs, seed, "fast")
    log.on_start(10, len(epochs), 600, "cpu", "float32")
    for one in epochs:
        log.on_epoch(one, 98, 100)


def lines(path: Path) -> list[dict[str, Any]]:
    text = path.read_text()
    assert text.endswith("\n")
    return [json.loads(line) for line in text.splitlines()]


def test_a_line_for_the_start_and_each_epoch(tmp_path: Path) -> None:
    with logged(tmp_path / "log.jsonl") as log:
        train(log, epoch(1), epoch(2))
    start, *epochs = lines(tmp_path / "log.jsonl")
    time = datetime.datetime.fromisoformat(start.pop("time"))
    assert abs(datetime.datetime.now(datetime.UTC) - time) < datetime.timedelta(minutes=5)
    assert start.pop("threads") >= 1
    assert start == {
        "event": "start",
        "target": "net.py:Net",
        "dataset": "mnist",
        "run": 1,
        "runs": 1,
        "seed": 7,
        "recipe": "fast",
        "epochs": 2,
        "images": 600,
        "device": "cpu",
        "dtype": "float32",
    }
    for number, one in enumerate(epochs, start=1):
        assert one == {
            "event": "epoch",
            "run": 1,
            "epoch": number,
            "images": 600,
            "train_loss": 0.25,
            "train_accuracy": 0.9,
            "test_loss": 0.25,
            "test_accuracy": 0.98,
            "train_s": 2.0,
            "eval_s": 0.5,
        }


def test_each_line_is_there_as_soon_as_it_is_known(tmp_path: Path) -> None:
    with logged(tmp_path / "log.jsonl") as log:
        log.on_run(1, 1, 0, "fast")
        assert (tmp_path / "log.jsonl").read_bytes() == b""
        log.on_start(10, 2, 600, "cpu", "float32")
        for count in (2, 3):
            log.on_epoch(epoch(count - 1), 98, 100)
            assert len(lines(tmp_path / "log.jsonl")) == count


def test_each_run_has_a_line_that_says_which(tmp_path: Path) -> None:
    with logged(tmp_path / "log.jsonl") as log:
        for run in (1, 2):
            train(log, epoch(1), run=run, runs=2, seed=7 + run)
    found = lines(tmp_path / "log.jsonl")
    assert [(one["event"], one["run"]) for one in found] == [("start", 1), ("epoch", 1), ("start", 2), ("epoch", 2)]
    assert [one["seed"] for one in found if one["event"] == "start"] == [8, 9]


@pytest.mark.parametrize("append", [False, True])
def test_what_was_there_is_kept_where_that_is_wanted(tmp_path: Path, append: bool) -> None:
    path = tmp_path / "log.jsonl"
    with logged(path, append=append) as log:
        train(log, epoch(1))
    with logged(path, append=append) as log:
        train(log, epoch(2))
    assert [one.get("epoch") for one in lines(path)] == ([None, 1, None, 2] if append else [None, 2])


def test_half_a_line_is_ended_before_the_next(tmp_path: Path) -> None:
    path = tmp_path / "log.jsonl"
    path.write_text('{"event": "sta')
    with logged(path, append=True) as log:
        train(log, epoch(1))
    half, start, one = path.read_text().splitlines()
    assert half == '{"event": "sta'
    assert [json.loads(line)["event"] for line in (start, one)] == ["start", "epoch"]


def test_a_loss_that_was_not_finite_is_null(tmp_path: Path) -> None:
    with logged(tmp_path / "log.jsonl") as log:
        train(log, epoch(1, None))
    assert lines(tmp_path / "log.jsonl")[1]["train_loss"] is None


def test_another_observer_is_told_all(tmp_path: Path) -> None:
    told = Told()
    with logged(tmp_path / "log.jsonl", told) as log:
        train(log, epoch(1))
        log.on_batch(1, 2, 3, 0.5, 0.9, 100.0)
        log.on_note("note")
    assert told.told == [
        ("run", 1, 1, 7, "fast"),
        ("start", 10, 1, 600, "cpu", "float32"),
        ("epoch", epoch(1), 98, 100),
        ("batch", 1, 2, 3, 0.5, 0.9, 100.0),
        ("note", "note"),
    ]


def test_nothing_is_touched_before_a_training_begins(tmp_path: Path) -> None:
    path = tmp_path / "log.jsonl"
    path.write_text("of before\n")
    with logged(path), logged(tmp_path / "new.jsonl"):
        pass
    assert path.read_text() == "of before\n"
    assert not (tmp_path / "new.jsonl").exists()


def test_a_full_disk_ends_no_training(tmp_path: Path) -> None:
    told = Told()
    with logged(tmp_path / "log.jsonl", told) as log:
        log.on_run(1, 1, 0, "fast")
        assert log.file is not None
        log.file.close()
        log.file = io.FileIO("/dev/full", "w")
        log.on_start(10, 1, 600, "cpu", "float32")
        log.on_epoch(epoch(1), 98, 100)
    notes = [text for kind, text, *_ in told.told if kind == "note"]
    assert notes == ["cannot write to the log: No space left on device; the training goes on"] * 2
    assert ("epoch", epoch(1), 98, 100) in told.told


def test_a_pipe_is_read_as_the_training_goes(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    reader = subprocess.Popen(["cat", str(tmp_path / "pipe")], stdout=subprocess.PIPE)
    with logged(tmp_path / "pipe", append=True) as log:
        train(log, epoch(1), epoch(2))
    out, _ = reader.communicate(timeout=20)
    assert [json.loads(line)["event"] for line in out.splitlines()] == ["start", "epoch", "epoch"]


@pytest.mark.parametrize("name", [".", "gone/log.jsonl"])
def test_what_cannot_be_written_is_an_error_before_the_training(tmp_path: Path, name: str) -> None:
    with pytest.raises(UsageError, match=r"--log .*: (that is a folder|there is no folder)"):
        logged(tmp_path / name)


def test_a_file_that_cannot_be_written_to_is_one_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "log.jsonl"
    path.touch()
    monkeypatch.setattr("os.access", lambda place, mode: Path(place) != path)  # for root all files can be
    with pytest.raises(UsageError, match=r"--log .*log\.jsonl: that file cannot be written to"):
        logged(path)


def test_a_file_that_can_no_longer_be_opened(tmp_path: Path) -> None:
    with logged(tmp_path / "log.jsonl") as log:
        (tmp_path / "log.jsonl").mkdir()
        with pytest.raises(UsageError, match=r"cannot write the log .*: Is a directory"):
            log.on_run(1, 1, 0, "fast")
