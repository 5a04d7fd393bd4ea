"""A training as lines of JSON, each written when it is known: one for the start, one for each completed epoch."""

from __future__ import annotations

import datetime
import os
from io import FileIO
from pathlib import Path
from types import TracebackType

import msgspec

from modelcheck.errors import UsageError
from modelcheck.files import check_writable
from modelcheck.report import Epoch
from modelcheck.training.observer import Observer, Silent


class Logged:
    """An observer that writes a log, and tells another observer too. A context manager, which closes the file.

    A line is written at once, for who follows the file. A full disk ends no training.

    Args:
        path: the file; opened when the first training begins.
        append: keep what is in it.
        described: what is known of the training beforehand; a part of the first line.
        observer: the other one.
    Raises:
        UsageError: the path is a folder, lies in none that can be written to, or is a file that cannot be.
    """

    def __init__(self, path: Path, described: dict[str, object], observer: Observer | None, *, append: bool) -> None:
        check_writable(path, "--log")
        if path.exists() and not os.access(path, os.W_OK):
            raise UsageError(f"--log {path}: that file cannot be written to")
        self.path, self.append, self.described = path, append, described
        self.observer = observer or Silent()
        self.run: dict[str, object] = {}
        self.file: FileIO | None = None

    def __enter__(self) -> Logged:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.file:
            self.file.close()

    def on_run(self, run: int, runs: int, seed: int, recipe: str) -> None:
        """Remember which run it is; for the first one the file is opened."""
        self.file = self.file or self._open()
        self.run = {"run": run, "runs": runs, "seed": seed, "recipe": recipe}
        self.observer.on_run(run, runs, seed, recipe)

    def on_start(self, total_batches: int, epochs: int, images: int, device: str, dtype: str) -> None:
        """Write what is trained."""
        import torch

        self._write(
            {
                "event": "start",
                "time": datetime.datetime.now(datetime.UTC),
                **self.described,
                **self.run,
                "epochs": epochs,
                "images": images,
                "device": device,
                "dtype": dtype,
                "threads": torch.get_num_threads(),
            }
        )
        self.observer.on_start(total_batches, epochs, images, device, dtype)

    def on_batch(self, epoch: int, batch: int, batches: int, loss: float, accuracy: float, images_per_s: float) -> None:
        """Write nothing."""
        self.observer.on_batch(epoch, batch, batches, loss, accuracy, images_per_s)

    def on_epoch(self, epoch: Epoch, correct: int, test_images: int) -> None:
        """Write what was measured, as the report has it."""
        self._write({"event": "epoch", "run": self.run["run"], **msgspec.structs.asdict(epoch)})
        self.observer.on_epoch(epoch, correct, test_images)

    def on_note(self, text: str) -> None:
        """Write nothing."""
        self.observer.on_note(text)

    def _open(self) -> FileIO:
        try:
            file = self.path.open("ab" if self.append else "wb", buffering=0)
            if self.append and self.path.is_file() and self.path.read_bytes()[-1:] not in (b"", b"\n"):
                file.write(b"\n")  # ends a line that a full disk or a power cut left half
        except OSError as error:
            raise UsageError(f"cannot write the log {self.path}: {error.strerror or error}") from None
        return file

    def _write(self, line: dict[str, object]) -> None:
        assert self.file is not None
        try:
            self.file.write(msgspec.json.encode(line) + b"\n")
        except OSError as error:
            self.observer.on_note(f"cannot write to the log: {error.strerror or error}; the training goes on")
