"""Counts scalars: the registered ones, and what else the graph reads."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import torch

from modelcheck.facts.structs import HiddenWeight, Parameters
from modelcheck.facts.written import written_numbers
from modelcheck.graph.model import GraphModel, scalar_count, storage_users
from modelcheck.graph.reach import written_tensors
from modelcheck.graph.wire import Argument, Graph, Header, Node, TensorInfo, TensorRef

LEAST_MOMENTUM = 0.001
FREE_FORMULAS = 64  # tensors that a formula gives and that cost nothing; a thousand of them are a code
FREE_ROUNDED = 256  # elements of ramps that are off by their rounding; what each is off by may be a code
FREE_WINDOWS = 64  # further windows on storages; where one lies may be a code
_INTEGERS = {1: torch.uint8, 2: torch.int16, 4: torch.int32, 8: torch.int64}  # by their bytes


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
    model: GraphModel, graphs: Sequence[tuple[Graph, frozenset[int], frozenset[int]]]
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
    windows: dict[int, list[TensorInfo]] = {}
    for index in sorted(read):
        info = model.header.tensors[index]
        windows.setdefault(info.storage, []).append(info)
    held = {storage: infos[0] for storage, infos in windows.items() if not _is_parameter(model, storage)}
    found, size = [], 0
    for storage, info in _not_free(model, held):
        stored = model.storage(storage)
        size += stored.numel() * stored.element_size()
        found.append(_hidden(info, str(stored.dtype).removeprefix("torch."), info.shape, scalar_count(stored)))
    held_scalars = sum(scalar_count(one) for one in model.parameters())
    written = max(written_numbers(graph, reached, fed, held_scalars) for graph, reached, fed in graphs)
    if written:
        size += 4 * written
        found.append(HiddenWeight(path="forward", kind="constant", dtype="float32", shape=(written,), counted=written))
    further = [info for infos in windows.values() for info in _further(infos)][FREE_WINDOWS:]
    if further:
        found.append(_hidden(further[0], "int64", (len(further),), len(further)))
    return tuple(found), size


def _is_parameter(model: GraphModel, storage: int) -> bool:
    return isinstance(model.storage(storage), torch.nn.Parameter)


def _hidden(info: TensorInfo, dtype: str, shape: tuple[int, ...], counted: int) -> HiddenWeight:
    return HiddenWeight(
        path=info.paths[0],
        kind="buffer" if info.role == "buffer" else "constant",
        dtype=dtype,
        shape=shape,
        counted=counted,
    )


def _not_free(model: GraphModel, held: dict[int, TensorInfo]) -> Iterator[tuple[int, TensorInfo]]:
    """The storages that no formula gives, with all formulas beyond those that are free."""
    formulas, rounded = FREE_FORMULAS, FREE_ROUNDED
    for storage, info in held.items():
        stored = model.storage(storage)
        exact = _is_formula(stored)
        if formulas and (exact or (stored.numel() <= rounded and _is_rounded_ramp(stored))):
            formulas -= 1
            rounded -= 0 if exact else stored.numel()
        else:
            yield storage, info


def _further(infos: list[TensorInfo]) -> list[TensorInfo]:
    """The windows on a storage beyond its first; registered parameters are counted by what they cover."""
    windows = {(info.offset, info.shape, info.stride): info for info in infos if info.role != "parameter"}
    return list(windows.values())[1:]


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
    """Whether constant, evenly spaced, the identity or a triangular mask, to the bit; on the meta device nobody knows.

    Zeros of two signs are equal, and no constant.
    """
    if values.is_meta:
        return False
    flat = values.detach().reshape(-1)
    if flat.numel() <= 1:
        return True
    bits = _bits(flat)
    return bool((bits == bits[0]).all()) or _is_even(flat) or _is_triangular(values)


def _bits(values: torch.Tensor) -> torch.Tensor:
    """The numbers as the integers of the same bits; those of a complex number stand side by side."""
    plain = torch.view_as_real(values.resolve_conj()) if values.is_complex() else values
    return plain.contiguous().view(_INTEGERS[plain.element_size()])


def _is_even(flat: torch.Tensor) -> bool:
    """Whether the numbers are evenly spaced, each as a formula in their own type or in doubles gives it."""
    if flat.dtype is torch.bool or flat.is_complex():
        return False
    if not flat.is_floating_point():
        steps = flat.to(torch.int64).diff()
        return bool((steps == steps[0]).all())
    first, last, places = flat[0], flat[-1], torch.arange(len(flat), dtype=torch.float64)
    start, step = first.double().item(), (flat[1].double() - first.double()).item()
    mean = (last.double().item() - start) / (len(flat) - 1)
    parts = [1 / round(1 / one) for one in (step, mean) if 0 < abs(one) <= 1 and abs(1 / one) < 2**53]
    ramps = [(start + places * one).to(flat.dtype) for one in (step, mean, *parts)]
    ramps.append(first + places.to(flat.dtype) * (flat[1] - first))
    ramps.append(torch.linspace(start, last.double().item(), len(flat), dtype=torch.float32).to(flat.dtype))
    bits = _bits(flat)
    return any(torch.equal(bits, _bits(ramp)) for ramp in ramps)


def _is_rounded_ramp(values: torch.Tensor) -> bool:
    """Whether the numbers are evenly spaced to two roundings of their own type."""
    if values.is_meta or not values.is_floating_point():
        return False
    numbers = values.detach().reshape(-1).to(torch.float64)
    if not bool(numbers.isfinite().all()):
        return False
    spaced = torch.linspace(numbers[0].item(), numbers[-1].item(), len(numbers), dtype=torch.float64)
    rounding = 2 * torch.finfo(values.dtype).eps * numbers.abs().max()
    near = bool(((numbers - spaced).abs() <= rounding).all())
    return near and bool(numbers[0] != numbers[-1])


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
    inside, outside = _bits(square[split]), _bits(square[~split])
    return bool((inside == inside[0]).all() and (outside == outside[0]).all())
