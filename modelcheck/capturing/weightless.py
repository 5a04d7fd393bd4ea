"""Large models without their weights: facts are made of the graph and of shapes."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from typing import Any

import torch
from torch import nn
from torch.utils._python_dispatch import TorchDispatchMode

from modelcheck.capturing.manners import is_uninitialized
from modelcheck.capturing.tree import own_attributes, stored, walk
from modelcheck.graph.capture import Capture

REAL_BYTES = 128 * 2**20  # of tensors that are made for real, which every model of up to 33 million floats fits into
LEAST_ELEMENTS = 2**16  # of a tensor that is only described beyond that; tables of positions and masks stay real

_FACTORIES = frozenset(
    getattr(getattr(torch.ops.aten, packet), overload)
    for packet, overload in (
        ("empty", "memory_format"), ("empty_strided", "default"), ("zeros", "default"), ("ones", "default"),
        ("full", "default"), ("rand", "default"), ("rand", "generator"), ("randn", "default"), ("randn", "generator"),
        ("normal", "float_float"),
    )
)  # fmt: skip


class Weightless(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Within it, large tensors are made on the meta device once ``REAL_BYTES`` have been made for real.

    What is computed from those is there too. A constructor that needs their values raises, and is to be run without.
    ``used`` says whether there are such tensors.
    """

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.used = False
        self._made_bytes = 0

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        """Run the operator, on the meta device where it makes a tensor that is too large."""
        kwargs = dict(kwargs or {})
        if func in _FACTORIES and torch.device(kwargs.get("device") or "cpu").type == "cpu":
            elements = math.prod(next(one for one in args if isinstance(one, list | tuple)))
            made = elements * (kwargs.get("dtype") or torch.get_default_dtype()).itemsize
            if elements >= LEAST_ELEMENTS and self._made_bytes + made > REAL_BYTES:
                self.used = True
                kwargs |= {name: None for name in ("generator", "pin_memory") if name in kwargs}
                kwargs["device"] = torch.device("meta")
            else:
                self._made_bytes += made
        return func(*args, **kwargs)


def described(model: nn.Module) -> dict[str, torch.Tensor]:
    """Put every registered tensor of the model onto the meta device, and return the buffers that have values, by path.

    What shares a storage goes on sharing one.
    """
    made: dict[int, tuple[torch.Tensor, torch.Tensor]] = {}  # with the originals, so that no other gets their numbers
    storages: dict[tuple[int, torch.dtype], torch.Tensor] = {}
    values: dict[str, torch.Tensor] = {}
    for path, module in walk(model):
        for kind in ("_parameters", "_buffers"):
            entries = own_attributes(module)[kind]
            for name, tensor in stored(module, kind).items():
                if is_uninitialized(tensor):
                    continue
                if kind == "_buffers" and not tensor.is_meta:
                    values[f"{path}.{name}" if path else name] = tensor.detach()
                if id(tensor) not in made:
                    made[id(tensor)] = _on_meta(tensor, storages), tensor
                entries[name] = made[id(tensor)][0]
    return values


def with_values(capture: Capture, values: Mapping[str, torch.Tensor]) -> Capture:
    """The capture of a model on the meta device with those buffers that have values."""
    storages = list(capture.storages)
    for info in capture.header.tensors:
        known = values.get(info.paths[0])
        if info.role == "buffer" and known is not None and known.numel() == storages[info.storage].numel():
            storages[info.storage] = known.contiguous().reshape(-1)
    return dataclasses.replace(capture, storages=storages)


def _on_meta(tensor: torch.Tensor, storages: dict[tuple[int, torch.dtype], torch.Tensor]) -> torch.Tensor:
    plain = tensor.detach()
    storage = plain.untyped_storage()
    key = storage._cdata, plain.dtype
    if key not in storages:
        elements = storage.nbytes() // plain.element_size()
        storages[key] = torch.empty(elements, dtype=plain.dtype, device="meta")
    window = storages[key].as_strided(plain.shape, plain.stride(), plain.storage_offset())
    return nn.Parameter(window, requires_grad=tensor.requires_grad) if isinstance(tensor, nn.Parameter) else window
