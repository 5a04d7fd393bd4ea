"""Weights that torch's quantized modules keep in a packed form, which no registry lists."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import nn

from modelcheck.capturing.tree import own_attributes, walk, wire_text
from modelcheck.facts.structs import HiddenWeight


def packed_weights(model: nn.Module) -> Iterator[tuple[HiddenWeight, int]]:
    """Each packed weight and bias, and its size in bytes."""
    for path, module in walk(model):
        if type(module).__module__.startswith("torch."):
            for name, tensor in _unpacked(module):
                size = tensor.numel() * tensor.element_size()
                yield _described(f"{path}.{name}" if path else name, tensor), size


def _unpacked(module: nn.Module) -> Iterator[tuple[str, torch.Tensor]]:
    """What a linear layer or a convolution of torch's own has packed; recurrent ones have no way to be asked."""
    own = own_attributes(module)
    if isinstance(own.get("_packed_params"), torch.ScriptObject):
        weight, bias = module._weight_bias()  # type: ignore[operator]
        yield "weight", weight.half() if own.get("dtype") is torch.float16 else weight  # it is given back as float32
        if bias is not None:
            yield "bias", bias


def _described(path: str, tensor: torch.Tensor) -> HiddenWeight:
    return HiddenWeight(
        path=wire_text(path),
        kind="constant",
        dtype=str(tensor.dtype).removeprefix("torch."),
        shape=tuple(tensor.shape),
        counted=tensor.numel(),
    )
