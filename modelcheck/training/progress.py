from __future__ import annotations

import math
import time

import torch
from torch import Tensor


class Progress:
    """Running means over one epoch.

    Reading a number off a device waits for all that is queued on it, so the batches' numbers stay there until
    ``read`` is called.
    """

    def __init__(self) -> None:
        self.start = time.perf_counter()
        self.images = 0
        self._loss_sum = 0.0
        self._correct = 0.0
        self._pending: list[Tensor] = []

    def add(self, losses: Tensor, output: Tensor, labels: Tensor) -> None:
        """Count one batch: its images' losses (N,), and which of them the output (N, classes) has right."""
        correct = (output.detach().argmax(1) == labels).sum()
        self._pending.append(torch.stack([losses.sum(), correct.float()]))
        self.images += len(labels)

    def read(self) -> bool:
        """Bring the means up to date; False where the loss is no longer finite."""
        for loss_sum, correct in torch.stack(self._pending).tolist() if self._pending else ():
            self._loss_sum += loss_sum
            self._correct += correct
        self._pending = []
        return math.isfinite(self._loss_sum)

    @property
    def loss(self) -> float:
        """Mean loss of an image, as of the last ``read``."""
        return self._loss_sum / self.images

    @property
    def accuracy(self) -> float:
        """Fraction of the images that were right, as of the last ``read``."""
        return self._correct / self.images

    @property
    def seconds(self) -> float:
        """Time since the epoch's start."""
        return time.perf_counter() - self.start
