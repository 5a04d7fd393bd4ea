"""The linear layers that read a map laid flat, as the heads of AlexNet and LeNet do."""

from __future__ import annotations

import math
from dataclasses import dataclass

from modelcheck.facts.flow import Flow, Operator

_MAPPED = ("convolution", "batch-norm", "max-pool", "average-pool")  # what they make is (N, C, …) for certain
_KEEPS = ("activation", "dropout", "elementwise", "normalisation")
_JOINS = ("cat", "concat", "concatenate")


@dataclass(frozen=True)
class Reader:
    """A linear layer that reads every pixel of a map.

    Args:
        layer: the linear operator.
        map: what it reads of one sample, (C, H, W) or (C, L), of more than one pixel.
    """

    layer: Operator
    map: tuple[int, ...]


def readers_of_maps(flow: Flow) -> tuple[Reader, ...]:
    """The linear layers that read a map laid flat, in the order in which they run."""
    found = ((one, _map_read(flow, one)) for one in flow.of_kind("linear") if len(one.input_shapes[0]) == 2)
    return tuple(Reader(one, shape) for one, shape in found if shape is not None and math.prod(shape[1:]) > 1)


def _map_read(flow: Flow, linear: Operator) -> tuple[int, ...] | None:
    """The shape of the map that a layer reads laid flat; None where it is not certain that it reads one."""
    source = flow.source(linear)
    while source is not None and source.kind in _KEEPS and len(source.shape or ()) == 2:
        source = flow.source(source)
    if source is None or source.shape is None or not _is_map(flow, source):
        return None
    shape = source.shape[1:]
    return shape if math.prod(shape) == linear.input_shapes[0][1] else None


def _is_map(flow: Flow, operator: Operator) -> bool:
    """Whether an operator makes a map (N, C, …): it or what it takes without a view between is a convolution's kin."""
    while len(operator.shape or ()) > 2 and operator.kind not in _MAPPED:
        source = next(iter(flow.sources(operator)), None)
        keeps = operator.kind in _KEEPS or operator.name in _JOINS
        if source is None or not keeps or source.shape not in operator.input_shapes:
            return False
        operator = source
    return operator.kind in _MAPPED
