"""What findings about operators share: where they point, what an operator is called, how much a dropout drops."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeVar

from modelcheck.facts.flow import Flow, Operator
from modelcheck.rules.base import Problem

T = TypeVar("T")


def problem_at(operator: Operator, message: str) -> Problem:
    """The problem with the operator's module and the author's line."""
    return Problem(message, where=operator.path or None, file=operator.file, line=operator.line)


def once_a_place(found: Iterable[tuple[Operator, T]]) -> list[tuple[Operator, T]]:
    """What was found at operators, once for what the same line of the same module calls again, as a loop does."""
    first: dict[object, tuple[Operator, T]] = {}
    for operator, what in found:
        first.setdefault((operator.path, operator.name, operator.file, operator.line), (operator, what))
    return list(first.values())


def named(flow: Flow, operator: Operator) -> str:
    """What to call it: the module's path where the module is that operator, else the function in it.

    ``bn1``; ``relu in block1`` for ``F.relu`` in the forward of a block; ``relu`` in the model's own.
    """
    function = operator.name.rstrip("_")
    if not operator.path:
        return function
    weight = operator.weights.get("weight")
    owns = weight is not None and weight.path == f"{operator.path}.weight"
    return operator.path if owns or not _does_more(flow, operator) else f"{function} in {operator.path}"


def dropout_rate(dropout: Operator) -> float | None:
    """The share that a dropout drops; None where it is off."""
    rate = dropout.arguments.get("p")
    return float(rate) if dropout.arguments.get("train") is True and isinstance(rate, int | float) else None


def _does_more(flow: Flow, operator: Operator) -> bool:
    below = f"{operator.path}."
    return any(
        one.path.startswith(below) or (one.path == operator.path and one.name != operator.name)
        for one in flow.operators
    )
