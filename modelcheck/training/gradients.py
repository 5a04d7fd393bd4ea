from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from modelcheck.graph.model import GraphModel
from modelcheck.report import DeadCause, DeadParameter
from modelcheck.training.manners import Snapshot

CHECKS = 32  # steps of a training at which its gradients are looked at


@dataclass(frozen=True)
class _Part:
    """One of the author's trainable parameters: where it lies in a parameter, or in its gradient or a copy of it."""

    path: str
    parameter: nn.Parameter
    window: Callable[[Tensor], Tensor]


class Gradients:
    """Which of the author's trainable parameters get a gradient, and which change.

    Gradients are looked at in a few steps that lie evenly over the training, values after each epoch. Nothing is read
    off the device before an epoch's end.

    Args:
        model: as it lies on the device.
        steps: how many the whole training has.
        decays: whether weight decay may change what has no gradient.
    """

    def __init__(self, model: nn.Module, steps: int, *, decays: bool) -> None:
        self._parts = list(_parts(model))
        self._every = max(1, steps // CHECKS)
        self._decays = decays
        self._pending: list[Tensor] = []
        self.checks = 0
        self._given, self._nonzero, self._changed = ([False] * len(self._parts) for _ in range(3))

    def look(self, step: int) -> None:
        """Look at the gradients that one step has made, if it is one of those; the first step is 0."""
        if step % self._every:
            return
        self.checks += 1
        nonzero = []
        for index, part in enumerate(self._parts):
            gradient = part.parameter.grad
            self._given[index] |= gradient is not None
            nonzero.append(
                part.parameter.new_zeros((), dtype=torch.bool) if gradient is None else _nonzero(part, gradient)
            )
        self._pending.append(torch.stack(nonzero))

    def compare(self, before: Snapshot) -> None:
        """Note what is different from the snapshot, which an epoch began with."""
        values = dict(zip(map(id, before.tensors), before.values, strict=True))
        differ = [_nonzero(part, part.parameter.detach() != values[id(part.parameter)]) for part in self._parts]
        self._changed = _either(self._changed, torch.stack(differ))
        if self._pending:
            self._nonzero = _either(self._nonzero, torch.stack(self._pending).any(0))
            self._pending = []

    def dead(self) -> tuple[DeadParameter, ...]:
        """Those that did not learn in the epochs that were compared."""
        causes = [(part, self._cause(index)) for index, part in enumerate(self._parts)]
        return tuple(
            DeadParameter(path=part.path, parameters=part.window(part.parameter).numel(), cause=cause)
            for part, cause in causes
            if cause
        )

    def _cause(self, index: int) -> DeadCause | None:
        """Why a parameter did not learn; None where it did."""
        changed = self._changed[index]
        if self._nonzero[index]:
            return None if changed else "unchanged"
        if self._given[index]:
            return None if changed and not self._decays else "zero gradient"
        return None if changed else "no gradient"

    def state(self) -> dict[str, Any]:
        """What has been seen, for ``restore``."""
        return {"checks": self.checks, "given": self._given, "nonzero": self._nonzero, "changed": self._changed}

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from ``state``."""
        self.checks = state["checks"]
        self._given, self._nonzero, self._changed = state["given"], state["nonzero"], state["changed"]


def _parts(model: nn.Module) -> Iterator[_Part]:
    """The trainable parameters under the names that their author gave them."""
    if not isinstance(model, GraphModel):
        for name, parameter in model.named_parameters():
            if parameter.requires_grad:
                yield _Part(name, parameter, lambda values: values)
        return
    for index, info in enumerate(model.header.tensors):
        held = model.storage(info.storage)
        if info.role == "parameter" and info.trainable and isinstance(held, nn.Parameter) and held.requires_grad:
            yield _Part(info.paths[0], held, _window(model, index, info.storage))


def _window(model: GraphModel, index: int, storage: int) -> Callable[[Tensor], Tensor]:
    return lambda values: model.tensor(index, {storage: values})


def _nonzero(part: _Part, values: Tensor) -> Tensor:
    """Whether any of the parameter's own is not zero, as NaN is not; a tensor without dimensions, on the device."""
    return (part.window(values) != 0).any()


def _either(known: list[bool], found: Tensor) -> list[bool]:
    return [one or other for one, other in zip(known, found.tolist(), strict=True)]
