"""Flow: one graph's operators as rules read them, each with what it takes its values from.

Views, casts, arithmetic on shapes and what does not depend on the model's input are looked through, so that a neighbour
is a neighbour however the code is written. Holding one needs no torch.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from modelcheck.graph.operators import Kind

Shape = tuple[int, ...]
MODEL_INPUT = -1  # in ``Operator.inputs``: the value comes from the model's input


@dataclass(frozen=True)
class Weight:
    """A tensor that an operator reads and that does not depend on the model's input.

    Args:
        path: the name under which it is registered; None for what is computed from other tensors.
        role: ``computed`` where it is made from other tensors, as weight norm does.
        tensor: index in the capture's table of tensors; equal for one tensor at several places.
    """

    path: str | None
    role: Literal["parameter", "buffer", "constant", "computed"]
    shape: Shape
    trainable: bool
    tensor: int | None


@dataclass(frozen=True)
class Operator:
    """One call of one operator on what comes from the model's input.

    Shapes are those of the traced batch, the batch included.

    Args:
        index: its place in the flow.
        kind: as in ``graph/operators.py``: ``convolution``, ``activation``, …
        name: torch's, without overload: ``conv2d``.
        path, type: the module whose forward made the call, as declared; an empty path is the model itself.
        file, line: the author's.
        inputs: for each tensor that it takes and that depends on the model's input, the operator that made it.
        input_shapes: of these, as the operator takes them.
        shape: of the (first) result.
        arguments: the other arguments by the names of torch's schema, defaults included, without weights.
        weights: tensors that do not depend on the model's input, by the schema's names (``weight``, ``bias``).
        used: whether its result can reach the output.
        live: whether it is used and, where that was tried, a substitute in its place changes the output.
    """

    index: int
    kind: Kind
    name: str
    path: str
    type: str
    file: str | None
    line: int | None
    inputs: tuple[int, ...]
    input_shapes: tuple[Shape, ...]
    shape: Shape | None
    arguments: Mapping[str, object]
    weights: Mapping[str, Weight]
    used: bool
    live: bool

    @property
    def shown(self) -> str:
        """What to call it: the module's path, else the function's name."""
        return self.path or self.name


@dataclass(frozen=True)
class Flow:
    """The operators of one graph in the order in which they run.

    Args:
        output: the operator that makes the output.
        batch: the number of samples that the shapes are for.
        further: the operators that make what forward returns beside the output.
    """

    operators: tuple[Operator, ...]
    output: int
    batch: int
    further: tuple[int, ...] = ()

    @cached_property
    def used(self) -> tuple[Operator, ...]:
        """The operators whose result can reach the output."""
        return tuple(one for one in self.operators if one.used)

    @property
    def last(self) -> Operator | None:
        """The operator that makes the output; None where the output is the input or a weight."""
        return self.operators[self.output] if self.output != MODEL_INPUT else None

    def sources(self, operator: Operator) -> tuple[Operator, ...]:
        """The operators whose results an operator takes, each once."""
        return tuple(self.operators[index] for index in dict.fromkeys(operator.inputs) if index != MODEL_INPUT)

    def source(self, operator: Operator) -> Operator | None:
        """The only operator whose result an operator takes; None where there are several, or the input is one."""
        sources = self.sources(operator)
        return sources[0] if len(sources) == 1 and MODEL_INPUT not in operator.inputs else None

    def users(self, operator: Operator) -> tuple[Operator, ...]:
        """The operators that take an operator's result and can reach the output."""
        return self._users.get(operator.index, ())

    def user(self, operator: Operator) -> Operator | None:
        """The only operator that takes an operator's result; None where there are several, or it is an output too."""
        users = self.users(operator)
        returned = operator.index == self.output or operator.index in self.further
        return users[0] if len(users) == 1 and not returned else None

    def upstream(self, operator: Operator) -> Iterator[Operator]:
        """All operators that an operator's result is made from, the nearest first."""
        yield from self._walk(operator, self.sources)

    def downstream(self, operator: Operator) -> Iterator[Operator]:
        """All operators that can reach the output and whose result is made from an operator's, the nearest first."""
        yield from self._walk(operator, self.users)

    def of_kind(self, *kinds: Kind) -> tuple[Operator, ...]:
        """The used operators of these kinds."""
        return tuple(one for one in self.used if one.kind in kinds)

    def _walk(self, operator: Operator, step: object) -> Iterator[Operator]:
        seen = {operator.index}
        waiting = [operator]
        for one in waiting:
            for other in step(one):  # type: ignore[operator]
                if other.index not in seen:
                    seen.add(other.index)
                    waiting.append(other)
                    yield other

    @cached_property
    def _users(self) -> Mapping[int, tuple[Operator, ...]]:
        found: dict[int, list[Operator]] = {}
        for one in self.used:
            for index in dict.fromkeys(one.inputs):
                found.setdefault(index, []).append(one)
        return {index: tuple(users) for index, users in found.items()}


@dataclass(frozen=True)
class Flows:
    """The flow in training mode, which is trained, and in evaluation mode, which is scored."""

    train: Flow
    evaluation: Flow
