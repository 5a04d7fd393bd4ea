"""Finds weights that several layers use: tied ones, and those of a layer that is called several times."""

from __future__ import annotations

import math
from collections.abc import Mapping

from modelcheck.facts.structs import SharedWeight
from modelcheck.facts.trace import Step
from modelcheck.facts.usage import Side
from modelcheck.graph.operators import DTYPES
from modelcheck.graph.wire import Header, NodeRef, TensorInfo, TensorRef, Value

_USING = ("convolution", "linear", "product", "attention")
_LOOK_UPS = ("embedding", "embedding_bag")

Window = tuple[int, int, int]  # storage, offset, size: a transposed view is the same weight


def shared_weights(header: Header, train: Side) -> tuple[SharedWeight, ...]:
    """The registered parameters that several calls of weighted operators or look-ups in a table read.

    A weight that is viewed first, as ``weight.t()`` is, is the same weight; one that is computed from others is none.
    Recurrent layers use their weights at each step by nature, and are left out, as are normalisations.

    Args:
        header: for the names of modules and tensors.
        train: the training graph.
    """
    users: dict[Window, list[Step]] = {}
    for step in train.trace.steps:
        if train.at_work(step.index) and (step.kind in _USING or step.name in _LOOK_UPS):
            for window in _windows(header, train, step):
                users.setdefault(window, []).append(step)
    names = _names(header)
    return tuple(
        _described(header, names[window], window, steps)
        for window, steps in users.items()
        if len(steps) > 1 and window in names
    )


def _windows(header: Header, train: Side, step: Step) -> dict[Window, None]:
    """The weights that a step reads, each once."""
    found = (_weight(train, one) for one in step.node.scalars() if isinstance(one, NodeRef | TensorRef))
    return {_window(header.tensors[one.id]): None for one in found if one is not None}


def _weight(train: Side, value: Value | None) -> TensorRef | None:
    """The tensor that a value is a view of; None for what depends on the input or is computed."""
    while isinstance(value, NodeRef) and value.id not in train.dependent:
        step = train.trace.steps[value.id]
        first = step.node.args[0] if step.kind == "view" and step.node.args else None
        value = first if isinstance(first, NodeRef | TensorRef) else None
    return value if isinstance(value, TensorRef) else None


def _window(info: TensorInfo) -> Window:
    return info.storage, info.offset, math.prod(info.shape)


def _names(header: Header) -> Mapping[Window, tuple[str, ...]]:
    names: dict[Window, tuple[str, ...]] = {}
    for info in header.tensors:
        if info.role == "parameter":
            names[_window(info)] = (*names.get(_window(info), ()), *info.paths)
    return names


def _described(header: Header, paths: tuple[str, ...], window: Window, steps: list[Step]) -> SharedWeight:
    complex_ = DTYPES[header.storages[window[0]].dtype].is_complex
    second = steps[1].node
    return SharedWeight(
        paths=paths,
        parameters=window[2] * (2 if complex_ else 1),
        layers=tuple(header.modules[step.node.module].path for step in steps),
        file=second.file,
        line=second.line,
    )
