from __future__ import annotations

from typing import Protocol

from modelcheck.report import Epoch


class Observer(Protocol):
    """Who wants to know how a training goes; nothing else in this package speaks.

    Derive from it and write the methods that matter; the others do nothing. A method may raise KeyboardInterrupt,
    which ends the training as ctrl-c does.
    """

    def on_run(self, run: int, runs: int, seed: int, recipe: str) -> None:
        """Called before each of several trainings, of which the first is 1."""

    def on_start(self, total_batches: int, epochs: int, images: int, device: str, dtype: str) -> None:
        """Called once before the first batch; ``total_batches`` is of all epochs, ``images`` of one."""

    def on_batch(self, epoch: int, batch: int, batches: int, loss: float, accuracy: float, images_per_s: float) -> None:
        """Called every few batches and after the last of an epoch.

        Both counts start at 1; loss and accuracy are means over the epoch so far.
        """

    def on_epoch(self, epoch: Epoch, correct: int, test_images: int) -> None:
        """Called after the evaluation at an epoch's end; ``correct`` of ``test_images`` were right."""

    def on_note(self, text: str) -> None:
        """Called with what a person should know and no report tells."""


class Silent:
    """An observer that does nothing."""

    def on_run(self, run: int, runs: int, seed: int, recipe: str) -> None:
        """Do nothing."""

    def on_start(self, total_batches: int, epochs: int, images: int, device: str, dtype: str) -> None:
        """Do nothing."""

    def on_batch(self, epoch: int, batch: int, batches: int, loss: float, accuracy: float, images_per_s: float) -> None:
        """Do nothing."""

    def on_epoch(self, epoch: Epoch, correct: int, test_images: int) -> None:
        """Do nothing."""

    def on_note(self, text: str) -> None:
        """Do nothing."""
