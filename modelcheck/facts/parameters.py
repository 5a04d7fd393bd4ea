"""Counts scalars: the registered ones, and what else the graph reads."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import torch

from modelcheck.facts.kept import Reached, free_states, running_statistics, states, statistics
from modelcheck.facts.live import Trial
from modelcheck.facts.structs import HiddenWeight, Parameters
from modelcheck.facts.written import length, written_numbers
from modelcheck.graph.model import GraphModel, scalar_count, storage_users
from modelcheck.graph.wire import Argument, Node, TensorInfo, TensorRef, scalars

FREE_FORMULAS = 64  # tensors that a formula gives and that cost nothing; a thousand of them are a code
FREE_ROUNDED = 256  # elements of ramps that are off by their rounding; what each is off by may be a code
FREE_DIGITS = 64  # numbers of 16 bits that formulas take beyond their first
FREE_WINDOWS = 64  # further windows on storages; where one lies may be a code
_INTEGERS = {1: torch.uint8, 2: torch.int16, 4: torch.int32, 8: torch.int64}  # by their bytes


def parameters(
    model: GraphModel, read: frozenset[int], taught: frozenset[int], hidden: Iterable[HiddenWeight], hidden_bytes: int
) -> Parameters:
    """Scalars of the model by DESIGN's definition; a complex number counts as two.

    One that is read and that no gradient reaches may hold several, as a constant does.

    Args:
        model: its parameters are the distinct storages.
        read: tensors that can reach the output in either graph.
        taught: storages that a gradient reaches.
        hidden: what ``hidden_weights`` found, and its bytes.
    """
    users = storage_users(model.header)
    used = {model.header.tensors[tensor].storage for tensor in read}
    rows = []
    for index, tensors in enumerate(users):
        stored = model.storage(index)
        if isinstance(stored, torch.nn.Parameter):
            held = scalar_count(stored.detach() if index in used - taught else stored)
            rows.append((index, held, tensors, stored))
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
    model: GraphModel, graphs: Sequence[Reached], trial: Trial | None
) -> tuple[tuple[HiddenWeight, ...], int]:
    """What the graphs read and that is no registered parameter, and its size in bytes.

    Not hidden: what a formula of position gives and nothing writes to, the running statistics of norms whose input
    changes with the model's, and what lies within a registered parameter.

    Args:
        model: whose they are.
        graphs: the training graph and that of evaluation, each with the nodes that can reach its output and the nodes
            that depend on its input.
        trial: of the model, where it can be tried.
    """
    read: set[int] = set()
    kept = running_statistics(model, graphs[0], trial)
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
    for storage, info in _not_free(model, held, states(model.header, graphs)):
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


def _not_free(
    model: GraphModel, held: dict[int, TensorInfo], written: dict[int, bool]
) -> Iterator[tuple[int, TensorInfo]]:
    """The storages that no formula gives, with all formulas beyond those that are free.

    What is written to holds what training makes of it, whatever it begins with: of the input a little is free.
    """
    formulas, rounded, digits, kept = FREE_FORMULAS, FREE_ROUNDED, FREE_DIGITS, free_states(model)
    for storage, info in held.items():
        stored = model.storage(storage)
        if storage in written:
            size = scalar_count(stored)
            if not written[storage] or size > kept:
                yield storage, info
                continue
            kept -= size
        exact = _is_formula(stored)
        longer = _longer(stored)
        if formulas and longer <= digits and (exact or (stored.numel() <= rounded and _is_rounded_ramp(stored))):
            formulas -= 1
            digits -= longer
            rounded -= 0 if exact else stored.numel()
        else:
            yield storage, info


def _longer(formula: torch.Tensor) -> int:
    """How many numbers of 16 bits its smallest and its largest number are, beyond one for each."""
    if formula.is_meta or formula.dtype is torch.bool or not formula.numel():
        return 0
    plain = torch.view_as_real(formula.resolve_conj()) if formula.is_complex() else formula
    ends = torch.stack(plain.detach().aminmax())
    told = ends.float() if ends.dtype is torch.bfloat16 else ends
    return sum(length(str(one)) - 1 for one in set(told.cpu().numpy()))


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
    """Tensors that a node reads, without the running statistics (``kept``) of a norm on the picture."""
    read = _tensors(node.scalars())
    if dependent and statistics(node):
        # what stands in two places is read in the other one
        elsewhere = _tensors(scalars(*node.args[:3], *node.args[5:]))
        read -= (_tensors(statistics(node)) & kept) - elsewhere
    return read


def _tensors(arguments: Iterable[Argument]) -> set[int]:
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
