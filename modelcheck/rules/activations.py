"""What activations do to values: what they give, what they leave as it is, and of what family they are."""

from __future__ import annotations

from math import inf

from modelcheck.facts.flow import Operator

Interval = tuple[float, float]

SQUASHING = ("sigmoid", "hardsigmoid", "tanh")
_RECTIFYING = (
    *("relu", "relu6", "leaky_relu", "prelu", "rrelu", "elu", "celu", "selu", "gelu", "silu", "mish", "hardswish"),
    "softplus",
)
_POSITIVE: Interval = (0, inf)
_GIVEN: dict[str, Interval] = {
    "relu": _POSITIVE,
    "relu6": (0, 6),
    "softplus": _POSITIVE,
    "sigmoid": (0, 1),
    "hardsigmoid": (0, 1),
    "softmax": (0, 1),
    "tanh": (-1, 1),
    "log_softmax": (-inf, 0),
    "log_sigmoid": (-inf, 0),
}
_LEFT: dict[str, Interval] = {
    "relu": _POSITIVE,
    "relu6": (0, 6),
    "leaky_relu": _POSITIVE,
    "prelu": _POSITIVE,
    "rrelu": _POSITIVE,
    "elu": _POSITIVE,
    "celu": _POSITIVE,
}


def plain_name(operator: Operator) -> str:
    """The function's name, in place or not: ``relu``."""
    return operator.name.strip("_")


def given(operator: Operator) -> Interval:
    """The interval that holds all values of an activation or a softmax."""
    return _bounds(operator) or _GIVEN.get(plain_name(operator), (-inf, inf))


def left(operator: Operator) -> Interval | None:
    """The interval of values that an activation gives back as they are; None where there is none."""
    return _bounds(operator) or _LEFT.get(plain_name(operator))


def rectifies(operator: Operator) -> bool:
    """Whether it lets positive values through and holds negative ones back; ``nn.ReLU6`` is a hardtanh from zero."""
    bounds = _bounds(operator)
    return bounds[0] == 0 if bounds else plain_name(operator) in _RECTIFYING


def _bounds(operator: Operator) -> Interval | None:
    """Hardtanh's own."""
    low, high = operator.arguments.get("min_val"), operator.arguments.get("max_val")
    return (low, high) if isinstance(low, int | float) and isinstance(high, int | float) else None
