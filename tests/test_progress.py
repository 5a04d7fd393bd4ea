from __future__ import annotations

import contextlib
import io

import pytest
from rich.console import Console

from modelcheck.progress import TrainingProgress
from modelcheck.report import Epoch


def epoch(number: int, loss: float = 0.1234567) -> Epoch:
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


def run(console: Console, *epochs: Epoch) -> None:
    with TrainingProgress(console) as progress:
        progress.on_start(10 * len(epochs), len(epochs), 600, "cpu", "float32")
        for one in epochs:
            progress.on_batch(one.epoch, 10, 10, one.train_loss, 0.9, 300.0)
            progress.on_epoch(one, 98, 100)


@pytest.mark.parametrize("width", [20, 80])
def test_one_line_an_epoch_in_a_pipe_whatever_its_width(width: int) -> None:
    file = io.StringIO()
    run(Console(file=file, width=width), epoch(1), epoch(2))
    first, *lines = file.getvalue().splitlines()
    assert first == "Training on 600 images, 2 epochs, cpu, float32"
    assert lines == [
        f"Epoch {number}/2: loss 0.1235, accuracy 90.00%, 300 images/s, 2.5 s. "
        "Test set: Average loss: 0.1235, Accuracy: 98/100 (98.00%)"
        for number in (1, 2)
    ]


def test_a_run_is_told_from_the_second_on() -> None:
    file = io.StringIO()
    progress = TrainingProgress(Console(file=file))
    for run in (1, 2):
        progress.on_run(run, 2, 7 + run, "fast")
    assert file.getvalue() == "Run 2 of 2, seed 9\n"


def test_one_epoch_is_singular() -> None:
    file = io.StringIO()
    run(Console(file=file), epoch(1))
    assert "1 epoch," in file.getvalue()


@pytest.mark.parametrize("loss", [float("nan"), float("inf")])
def test_a_diverged_loss_is_shown(loss: float) -> None:
    file = io.StringIO()
    run(Console(file=file), epoch(1, loss))
    assert f"Average loss: {loss}" in file.getvalue()


def test_the_bar_is_gone_after_an_interruption() -> None:
    console = Console(file=io.StringIO(), force_terminal=True)
    progress = TrainingProgress(console)
    with contextlib.suppress(KeyboardInterrupt), progress:
        progress.on_start(10, 1, 600, "cpu", "float32")
        raise KeyboardInterrupt
    assert progress.bar is not None
    assert not progress.bar.live.is_started
