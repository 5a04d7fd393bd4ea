"""Counts scalars: the registered ones, and what else the graph reads."""

from __future__ import annotations

import math
from collections.abc import Iterable

import torch

from modelcheck.facts.structs import HiddenWeight, Parameters
from modelcheck.graph.model import GraphModel, scalar_count, storage_users
from modelcheck.graph.reach import written_tensors
from modelcheck.graph.wire import Argument, Graph, Header, Node, TensorInfo, TensorRef

LEAST_MOMENTUM = 0.001
FREE_FORMULAS = 64  # tensors that a formula gives and that cost nothing; a thousand of them are a code


def parameters(
    model: GraphModel, read: frozenset[int], hidden: Iterable[HiddenWeight], hidden_bytes: int
) -> Parameters:
    """Scalars of the model by DESIGN's definition; a complex number counts as two.

    Args:
        model: its parameters are the distinct storages.
        read: tensors that can reach the output in either graph.
        hidden: what ``hidden_weights`` found, and its bytes.
    """
    users = storage_users(model.header)
    rows = []
    for index, tensors in enumerate(users):
        stored = model.storage(index)
        if isinstance(stored, torch.nn.Parameter):
            scalars = scalar_count(stored)
            rows.append((index, scalars, tensors, stored))
    used = {model.header.tensors[tensor].storage for tensor in read}
    total = sum(scalars for _, scalars, _, _ in rows)
    trainable = sum(scalars for _, scalars, _, stored in rows if stored.requires_grad)
    return Parameters(
        total=total,
        trainable=trainable,
        frozen=total - trainable,
        unused=sum(scalars for index, scalars, _, _ in rows if index not in used),
        shared=sum(_shared(tensors) * (2 if stored.is_complex() else 1) for _, _, tensors, stored in rows),
        hidden=sum(weight.counted for weight in hidden),
        bytes=sum(stored.numel() * stored.element_size() for _, _, _, stored in rows) + hidden_bytes,
    )


def hidden_weights(
    model: GraphModel, graphs: Iterable[tuple[Graph, frozenset[int], frozenset[int]]]
) -> tuple[tuple[HiddenWeight, ...], int]:
    """What the graphs read and that is no registered parameter, and its size in bytes.

    Not hidden: what a formula of position gives, the running statistics of batch norms whose input depends on the
    model's, and what lies within a registered parameter.

    Args:
        graphs: each graph with the nodes that can reach its output and the nodes that depend on its input.
    """
    read: set[int] = set()
    kept = _running_statistics(model.header)
    for graph, reachable, dependent in graphs:
        for index in reachable:
            read |= _weights_read(graph.nodes[index], index in dependent, kept)
        read |= {output.id for output in graph.outputs if isinstance(output, TensorRef)}
    storages: dict[int, TensorInfo] = {}
    for index in sorted(read):
        info = model.header.tensors[index]
        if not isinstance(model.storage(info.storage), torch.nn.Parameter):
            storages.setdefault(info.storage, info)
    found, size, free = [], 0, 0
    for storage, info in storages.items():
        stored = model.storage(storage)
        if _is_formula(stored) and free < FREE_FORMULAS:
            free += 1
            continue
        stored_bytes = stored.numel() * stored.element_size()
        size += stored_bytes
        found.append(
            HiddenWeight(
                path=info.paths[0],
                kind="buffer" if info.role == "buffer" else "constant",
                dtype=str(stored.dtype).removeprefix("torch."),
                shape=info.shape,
                counted=max(scalar_count(stored), math.ceil(stored_bytes / 4)),
            )
        )
    return tuple(found), size


def _shared(tensors: list[TensorInfo]) -> int:
    """How many elements of a storage lie within the reach of more than one registered parameter."""
    ends: list[tuple[int, int]] = []
    for tensor in tensors:
        if tensor.role == "parameter" and 0 not in tensor.shape:
            steps = ((size - 1) * step for size, step in zip(tensor.shape, tensor.stride, strict=True))
            ends += [(tensor.offset, len(tensor.paths)), (tensor.offset + sum(steps) + 1, -len(tensor.paths))]
    shared = depth = last = 0
    for place, change in sorted(ends):
        shared += (place - last) * (depth > 1)
        depth, last = depth + change, place
    return shared


def _weights_read(node: Node, dependent: bool, kept: set[int]) -> set[int]:
    """Tensors that a node reads, without the running statistics (``kept``) of a batch norm on the picture."""
    read = {scalar.id for scalar in node.scalars() if isinstance(scalar, TensorRef)}
    if node.op == "aten.batch_norm.default" and dependent:
        statistics = _statistics(list(node.args[3:5]))
        # what stands in two places is read in the other one
        elsewhere = _statistics([*node.args[:3], *node.args[5:]])
        read -= (statistics & kept) - elsewhere
    return read


def _running_statistics(header: Header) -> set[int]:
    """Tensors that training really keeps as running statistics.

    With a momentum of nothing, or where another node writes to them too, they are a table.
    """
    kept: set[int] = set()
    for node in header.train.nodes:
        if node.op == "aten.batch_norm.default" and node.args[5] is True:
            momentum = node.args[6]
            if not isinstance(momentum, int | float) or momentum >= LEAST_MOMENTUM:
                kept |= _statistics(list(node.args[3:5]))
    touched = {
        header.tensors[index].storage for graph in (header.train, header.evaluation) for index in written_tensors(graph)
    }
    return {index for index in kept if header.tensors[index].storage not in touched}


def _statistics(arguments: list[Argument]) -> set[int]:
    return {one.id for one in arguments if isinstance(one, TensorRef)}


def _is_formula(values: torch.Tensor) -> bool:
    """Whether constant, evenly spaced, the identity or a triangular mask; on the meta device nobody knows."""
    if values.is_meta:
        return False
    flat = values.detach().reshape(-1)
    if flat.numel() <= 1 or bool((flat == flat[0]).all()):
        return True
    return _is_even(flat) or _is_triangular(values)


def _is_even(flat: torch.Tensor) -> bool:
    """Whether the numbers are evenly spaced: exactly for integers, to two roundings of their own type for floats.

    What is finer than a type's rounding cannot carry a weight; a tolerance relative to the step could.
    """
    if flat.dtype is torch.bool or flat.is_complex():
        return False
    if not flat.is_floating_point():
        steps = flat.to(torch.int64).diff()
        return bool((steps == steps[0]).all())
    numbers = flat.to(torch.float64)
    if not bool(numbers.isfinite().all()):
        return False
    spaced = torch.linspace(numbers[0].item(), numbers[-1].item(), len(numbers), dtype=torch.float64)
    rounding = 2 * torch.finfo(flat.dtype).eps * numbers.abs().max()
    return bool(((numbers - spaced).abs() <= rounding).all())


def _is_triangular(values: torch.Tensor) -> bool:
    """The identity, or a mask with one value on and below (above) the diagonal and another beyond it."""
    square = values.detach().squeeze()
    if square.dim() != 2 or square.shape[0] != square.shape[1] or square.shape[0] < 2:
        return False
    side = square.shape[0]
    if square.is_complex():
        return False
    rows, columns = torch.meshgrid(torch.arange(side), torch.arange(side), indexing="ij")
    splits = (columns <= rows, columns < rows, columns == rows)
    return any(_two_values(square, split) for split in splits)


def _two_values(square: torch.Tensor, split: torch.Tensor) -> bool:
    inside, outside = square[split], square[~split]
    return bool((inside == inside[0]).all() and (outside == outside[0]).all())
