"""Tells a person how a training goes, on stderr: a bar on a terminal, one line an epoch elsewhere."""

from __future__ import annotations

from types import TracebackType

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

from modelcheck.report import Epoch
from modelcheck.words import loss_text


class TrainingProgress:
    """An observer of training; a context manager, so that the bar is gone whatever happens.

    Args:
        console: where it tells; by default stderr, or below the cell of a notebook.
    """

    def __init__(self, console: Console | None = None) -> None:
        self.console = console or Console(stderr=True)
        self.epochs = 0
        self.bar: Progress | None = None
        self.task: TaskID | None = None
        self.done = 0  # batches, of the epochs before this one

    def __enter__(self) -> TrainingProgress:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.bar:
            self.bar.stop()

    def on_run(self, run: int, runs: int, seed: int, recipe: str) -> None:
        """A line of its own, from the second one on."""
        if run > 1:
            self.on_note(f"Run {run} of {runs}, seed {seed}")

    def on_start(self, total_batches: int, epochs: int, images: int, device: str, dtype: str) -> None:
        """Start the bar, where there is a terminal."""
        self.epochs = epochs
        text = f"Training on {images:,} images, {epochs} epoch{'s' if epochs > 1 else ''}, {device}, {dtype}"
        self.console.print(text, highlight=False, markup=False, soft_wrap=True)
        if self.console.is_terminal:
            self.bar = Progress(
                TextColumn("epoch {task.fields[epoch]}"),
                BarColumn(bar_width=None),
                TextColumn("{task.fields[batch]}  loss {task.fields[loss]:.4f}  {task.fields[accuracy]:.2%}"),
                TextColumn("{task.fields[speed]:,.0f} images/s"),
                TimeRemainingColumn(compact=True),
                console=self.console,
                transient=True,
                expand=True,
            )
            self.task = self.bar.add_task(
                "", total=total_batches, epoch=f"1/{epochs}", batch="", loss=0.0, accuracy=0.0, speed=0.0
            )
            self.bar.start()

    def on_batch(self, epoch: int, batch: int, batches: int, loss: float, accuracy: float, images_per_s: float) -> None:
        """Move the bar."""
        if self.bar and self.task is not None:
            self.bar.update(
                self.task,
                completed=self.done + batch,
                epoch=f"{epoch}/{self.epochs}",
                batch=f"batch {batch}/{batches}",
                loss=loss,
                accuracy=accuracy,
                speed=images_per_s,
            )
        if batch == batches:
            self.done += batches

    def on_epoch(self, epoch: Epoch, correct: int, test_images: int) -> None:
        """One line: how the epoch went, and the test set's."""
        speed = epoch.images / max(epoch.train_s, 1e-9)
        trained = (
            f"Epoch {epoch.epoch}/{self.epochs}: loss {loss_text(epoch.train_loss)}, "
            f"accuracy {epoch.train_accuracy:.2%}, {speed:,.0f} images/s, {epoch.train_s + epoch.eval_s:.1f} s"
        )
        tested = (
            f"Test set: Average loss: {loss_text(epoch.test_loss)}, "
            f"Accuracy: {correct}/{test_images} ({epoch.test_accuracy:.2%})"
        )
        separator = "\n" if self.console.is_terminal else ". "
        self.console.print(f"{trained}{separator}{tested}", highlight=False, markup=False, soft_wrap=True)

    def on_note(self, text: str) -> None:
        """A line of its own."""
        self.console.print(text, highlight=False, markup=False, soft_wrap=True)
