"""One animal of the zoo: a model, its input, and what is known of it."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from torch import nn

from modelcheck.facts.structs import Facts


@dataclass(frozen=True, kw_only=True)
class Known:
    """The scalar facts; the defaults are a model's that has nothing odd about it."""

    output: tuple[int, ...]
    total: int = 0
    frozen: int = 0
    unused: int = 0
    shared: int = 0
    hidden: int = 0
    bytes: int | None = None  # None: four for each scalar
    macs: int = 0
    uncounted: tuple[str, ...] = ()
    weighted: int = 0
    linear: int = 0
    batch_norm: int = 0
    dropout: int = 0
    average: int = 0
    field: tuple[int, int] | str = "none"
    unused_modules: tuple[str, ...] = ()
    batches: tuple[int, ...] = (1, 2, 64)

    def facts(self) -> dict[str, object]:
        """Each fact under the name that the report gives it."""
        return {
            "parameters.total": self.total,
            "parameters.trainable": self.total - self.frozen,
            "parameters.frozen": self.frozen,
            "parameters.unused": self.unused,
            "parameters.shared": self.shared,
            "parameters.hidden": self.hidden,
            "parameters.bytes": 4 * (self.total + self.hidden) if self.bytes is None else self.bytes,
            "macs": self.macs,
            "uncounted_operators": self.uncounted,
            "weighted_layers": self.weighted,
            "batch_norm.count": self.batch_norm,
            "dropout.count": self.dropout,
            "global_average_pooling.count": self.average,
            "fully_connected.count": self.linear,
            "receptive_field": self.field,
            "output_shape": self.output,
            "unused_modules": self.unused_modules,
            "accepted_batches": self.batches,
        }


@dataclass(frozen=True)
class Animal:
    """A model's class, one sample's shape and the known facts."""

    make: Callable[[], nn.Module]
    shape: tuple[int, ...]
    known: Known


ZOO: dict[str, Animal] = {}


def animal(shape: tuple[int, ...], known: Known) -> Callable[[type[nn.Module]], type[nn.Module]]:
    """Enter a class into the zoo."""

    def enter(kind: type[nn.Module]) -> type[nn.Module]:
        assert kind.__name__ not in ZOO
        ZOO[kind.__name__] = Animal(kind, shape, known)
        return kind

    return enter


def found(facts: Facts) -> dict[str, object]:
    """A report's facts in the form of ``Known.facts``."""
    parts = {
        f"parameters.{name}": getattr(facts.parameters, name)
        for name in ("total", "trainable", "frozen", "unused", "shared", "hidden", "bytes")
    }
    counts = ("batch_norm", "dropout", "global_average_pooling", "fully_connected")
    plain = ("macs", "uncounted_operators", "weighted_layers", "output_shape", "unused_modules", "accepted_batches")
    return {
        **parts,
        **{f"{name}.count": getattr(facts, name).count for name in counts},
        **{name: getattr(facts, name) for name in plain},
        "receptive_field": facts.receptive_field or facts.receptive_field_kind,
    }


def dense(inputs: int, outputs: int, *, bias: bool = True) -> int:
    """Parameters of a linear layer."""
    return outputs * (inputs + bias)


def conv(inputs: int, outputs: int, *kernel: int, groups: int = 1, bias: bool = True) -> int:
    """Parameters of a convolution."""
    return outputs * (inputs // groups * math.prod(kernel) + bias)


def conv_macs(inputs: int, outputs: int, *kernel: int, at: int, groups: int = 1) -> int:
    """Multiply-adds of a convolution at that many positions."""
    return at * conv(inputs, outputs, *kernel, groups=groups, bias=False)
