"""Example: the tensors that a model is captured with."""

from __future__ import annotations

import inspect
import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import nn

from modelcheck.errors import UsageError
from modelcheck.graph.operators import DTYPES
from modelcheck.inputs import Inputs
from modelcheck.names import unknown_name

TARGETS = ("y", "target", "targets", "label", "labels", "gt")  # a second argument of that name is no input


@dataclass(frozen=True)
class Example:
    """One batch of a model's inputs.

    Args:
        names: of forward's arguments; None for what is given by position, which comes first.
        tensors: as many, each with the batch as its first dimension.
    """

    names: tuple[str | None, ...]
    tensors: tuple[torch.Tensor, ...]

    def given_to(self, model: nn.Module, tensors: Sequence[torch.Tensor] | None = None) -> object:
        """What the model returns for the tensors, or for others of their kind."""
        pairs = list(zip(self.names, self.tensors if tensors is None else tensors, strict=True))
        named = {name: tensor for name, tensor in pairs if name is not None}
        return model(*[tensor for name, tensor in pairs if name is None], **named)

    @property
    def looks_up(self) -> bool:
        """Whether there are integers, which may be indices into a table that ends before them."""
        return any(not (one.is_floating_point() or one.is_complex()) for one in self.tensors)

    def copied(self) -> Example:
        """The same numbers in other memory, as forward may change them."""
        return Example(self.names, tuple(tensor.clone() for tensor in self.tensors))

    def __str__(self) -> str:
        pairs = zip(self.names, self.tensors, strict=True)
        shapes = [f"{f'{name} ' if name else ''}{list(one.shape)}" for name, one in pairs]
        return f"an input of shape {shapes[0]}" if len(shapes) == 1 else f"inputs of the shapes {', '.join(shapes)}"


def example(model: nn.Module, specs: Inputs, batch: int, device: torch.device) -> Example:
    """A batch of random numbers; integers are zeros and ones, which any table of embeddings has.

    Raises:
        UsageError: there are no such tensors, or forward has no argument of a name that is given.
    """
    names = _names(model, specs)
    generator = torch.Generator().manual_seed(0)
    try:
        with torch.inference_mode(False):
            tensors = tuple(_random((batch, *spec.shape), DTYPES[spec.dtype], generator).to(device) for spec in specs)
    except (RuntimeError, MemoryError, TypeError):
        raise UsageError(f"there is no input of the shape {', '.join(map(str, specs))}") from None
    pairs = sorted(zip(names, tensors, strict=True), key=lambda pair: pair[0] is not None)
    return Example(tuple(name for name, _ in pairs), tuple(tensor for _, tensor in pairs))


def values(specs: Inputs) -> int:
    """How many numbers one sample has."""
    return sum(math.prod(spec.shape) for spec in specs)


def required_arguments(model: nn.Module) -> list[str]:
    """The arguments without which forward cannot be called."""
    kinds = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
    return [one.name for one in _parameters(model) if one.default is one.empty and one.kind not in kinds]


def _random(shape: tuple[int, ...], dtype: torch.dtype, generator: torch.Generator) -> torch.Tensor:
    if dtype.is_floating_point or dtype.is_complex:
        return torch.randn(shape, generator=generator, dtype=torch.float32).to(dtype)
    return torch.randint(0, 2, shape, generator=generator).to(dtype)


def _names(model: nn.Module, specs: Inputs) -> tuple[str | None, ...]:
    """Under which names the inputs are given: the user's, where forward has such arguments."""
    given = [spec.name for spec in specs if spec.name is not None]
    parameters = _parameters(model) if given else []
    kinds = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.POSITIONAL_ONLY)
    known = [one.name for one in parameters if one.kind not in kinds]
    if unknown := [name for name in given if name not in known]:
        if len(specs) == 1:
            return (None,)  # there is no other argument that could be meant
        if not any(one.kind is one.VAR_KEYWORD for one in parameters):
            raise UsageError(f"--input: forward has no such argument: {unknown_name('argument', unknown[0], known)}")
    return tuple(spec.name for spec in specs)


def _parameters(model: nn.Module) -> list[inspect.Parameter]:
    try:
        return list(inspect.signature(type(model).forward).parameters.values())[1:]
    except (TypeError, ValueError):  # a forward that has no signature, or lies about it
        return []
