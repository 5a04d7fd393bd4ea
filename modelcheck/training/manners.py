"""What a training borrows and gives back: modes, places, random state, an unfinished epoch's weights."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import chain

import torch
from torch import Tensor, nn


@contextmanager
def mode(model: nn.Module, *, training: bool) -> Iterator[None]:
    """The model in training or evaluation mode; afterwards each submodule is in the mode it was in."""
    before = [(module, module.training) for module in model.modules()]
    model.train(training)
    try:
        yield
    finally:
        for module, was_training in before:
            module.training = was_training


@contextmanager
def placed(model: nn.Module, device: torch.device, *, channels_last: bool = False) -> Iterator[None]:
    """The model on that device, in that memory format; afterwards its tensors lie where and as they did.

    Channels-last changes strides alone. A forward that calls ``view`` on a map may refuse them.
    """
    before = [(tensor, tensor.device, tensor.stride()) for tensor in _tensors(model)]
    model.to(device)
    if channels_last:
        model.to(memory_format=torch.channels_last)
    try:
        yield
    finally:
        for tensor, was_on, stride in before:
            if tensor.device != was_on or tensor.stride() != stride:
                back = torch.empty_strided(tensor.shape, stride, dtype=tensor.dtype, device=was_on)
                tensor.data = back.copy_(tensor.data)


@contextmanager
def seeded(seed: int, device: torch.device) -> Iterator[torch.Generator]:
    """A generator for order and augmentation, and torch's own generators under that seed; then as they were.

    Only the CPU's and the device's generators are touched.
    """
    cuda = [device] if device.type == "cuda" else []
    deterministic = torch.backends.cudnn.flags(deterministic=True, benchmark=False, allow_tf32=True)
    with torch.random.fork_rng(devices=cuda), deterministic:
        torch.default_generator.manual_seed(seed)
        if cuda:
            torch.cuda.manual_seed(seed)
        # Another seed than torch's, or the images' order would come from the bits of the dropout masks.
        yield torch.Generator().manual_seed(seed + 0x9E3779B9)


class Snapshot:
    """The model's parameters and buffers as they were when it was last taken."""

    def __init__(self, model: nn.Module) -> None:
        self.tensors = _tensors(model)
        self.values: list[Tensor] = []
        self.take()

    def take(self) -> None:
        """Remember the present values."""
        self.values = [tensor.detach().clone() for tensor in self.tensors]

    @torch.no_grad()
    def restore(self) -> None:
        """Put the remembered values back."""
        for tensor, value in zip(self.tensors, self.values, strict=True):
            tensor.copy_(value)


def _tensors(model: nn.Module) -> list[Tensor]:
    return list(chain(model.parameters(), model.buffers()))
