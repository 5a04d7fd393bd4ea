"""Rows: where the samples of a batch are in a value that keeps them apart.

A value is rows where one of its dimensions is made of samples, and every element is made from its own sample alone.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import torch

from modelcheck.facts.trace import Shape, Step
from modelcheck.graph.operators import schema
from modelcheck.graph.wire import InputRef, NodeRef, TensorRef, Value


@dataclass(frozen=True)
class Rows:
    """Dimension ``dim`` holds the samples: ``ahead`` times all of them in their order, each with ``times`` elements."""

    dim: int
    times: int = 1
    ahead: int = 1

    def moved(self, to: int) -> Rows:
        """The same in another dimension."""
        return Rows(to, self.times, self.ahead)


@dataclass(frozen=True)
class Samples:
    """A number: so many times the number of samples."""

    times: int = 1


State = Rows | Samples | Literal["fixed", "mixed"]  # fixed: made without the input


@dataclass(frozen=True)
class Given:
    """An operator with the states of what it is given.

    Args:
        step: the operator as it ran.
        of: the state of a value.
    """

    step: Step
    of: Callable[[Value], State]

    @property
    def rank(self) -> int:
        """Of what it makes."""
        return len(self.step.shape or ())

    def state(self, position: int) -> State:
        """Of an argument; numbers and what is not given are fixed, and of several values none is known."""
        value = self.step.node.args[position] if position < len(self.step.node.args) else None
        if isinstance(value, NodeRef | InputRef | TensorRef):
            return self.of(value)
        return "mixed" if values(value) else "fixed"

    def shape(self, position: int) -> Shape:
        """Of an argument; nothing where it is no tensor."""
        value = self.step.args[position] if position < len(self.step.args) else None
        return tuple(value) if isinstance(value, torch.Size) else ()

    def rows(self, position: int = 0) -> Rows | None:
        """An argument's place of the samples."""
        found = self.state(position)
        return found if isinstance(found, Rows) else None

    def alone(self) -> Rows | None:
        """The first argument's place of the samples, where nothing else depends on them."""
        others = [one for argument in self.step.node.args[1:] for one in values(argument)]
        others += [one for argument in self.step.node.kwargs.values() for one in values(argument)]
        return self.rows() if all(self.of(one) == "fixed" for one in others) else None

    def named(self, name: str) -> Any:
        """The argument of that name in the operator's schema, its default where it is not given."""
        described = schema(self.step.node.op)
        for at, one in enumerate(described.arguments if described else ()):
            if one.name == name:
                given = self.step.args
                return given[at] if at < len(given) else self.step.node.kwargs.get(name, one.default_value)
        return None


def values(argument: object) -> list[Value]:
    """The values in an argument, which may be a list of them."""
    inside = argument if isinstance(argument, list) else [argument]
    return [one for one in inside if isinstance(one, NodeRef | InputRef | TensorRef)]


Keeps = Callable[[Given], Rows | None]  # where the samples are in what an operator makes; None where it may mix them
