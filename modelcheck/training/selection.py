"""Which images an epoch shows."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from modelcheck.training.recipe import Selection


class Order:
    """The order of an epoch's images: all of them, or those that the model did worst on when it saw them last.

    A loss is what the training step gave, so that choosing costs no forward pass. An image that is not chosen keeps the
    loss that it had, and comes back when others have become easier.

    Args:
        images: how many there are.
        options: which of them.
        generator: on the CPU; decides the order.
        device: where the losses are.
    """

    def __init__(self, images: int, options: Selection, generator: torch.Generator, device: torch.device) -> None:
        self.losses = torch.full((images,), math.inf, device=device)  # nothing is known of what was never seen
        self._options, self._generator = options, generator

    def count(self, epoch: int) -> int:
        """How many images an epoch shows, the first being 1."""
        images = len(self.losses)
        if epoch < self._options.from_epoch:
            return images
        return min(images, max(2, self._options.least, round(images * self._options.fraction)))

    def draw(self, epoch: int) -> Tensor:
        """The images of an epoch in their order, by index."""
        shuffled = torch.randperm(len(self.losses), generator=self._generator)
        count = self.count(epoch)
        if count == len(self.losses):
            return shuffled
        hardest = torch.zeros(len(self.losses), dtype=torch.bool)
        hardest[self.losses.topk(count).indices.cpu()] = True
        return shuffled[hardest[shuffled]]

    def note(self, index: Tensor, losses: Tensor) -> None:
        """Remember the losses of images."""
        self.losses[index] = losses
