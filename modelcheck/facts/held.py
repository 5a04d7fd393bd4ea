"""Names the parameters that do nothing and those that training will not change, whole modules by their own name."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

import msgspec
import torch

from modelcheck.facts.structs import FreezeCause, FrozenPart, Part
from modelcheck.graph.model import GraphModel, scalar_count, storage_users
from modelcheck.graph.reach import Reach, reach
from modelcheck.graph.wire import Graph, TensorInfo

_CAUSES: tuple[FreezeCause, ...] = ("requires_grad", "integer", "detached")


@dataclass(frozen=True)
class _Registered:
    """A registered parameter: one storage, under the first of its names."""

    path: str
    scalars: int
    storage: int
    floating: bool
    trainable: bool


def unused_parts(model: GraphModel, found: Iterable[tuple[Graph, Reach]], unused: Collection[str]) -> tuple[Part, ...]:
    """The parameters that can reach nothing that forward returns, in neither graph.

    Args:
        model: whose parameters are asked for.
        found: each graph with what can reach its output.
        unused: the modules of which no part ran; their parameters are left out.
    """
    read = _storages(model, (tensor for graph, reached in found for tensor in _read(graph, reached)))
    every = _registered(model)
    marked = [one for one in every if one.storage not in read and not _inside(one.path, unused)]
    return tuple(Part(path=path, parameters=held) for path, held in _topmost(every, marked))


def frozen_parts(model: GraphModel, train: Graph, reached: Reach) -> tuple[FrozenPart, ...]:
    """The parameters that training will not change, each with the cause.

    They do not require a gradient, hold no floating-point numbers, or reach the output only through ``no_grad`` and
    ``detach``. What cannot reach the output at all is told as unused.

    Args:
        model: whose parameters are asked for.
        train: the training graph.
        reached: what can reach its output.
    """
    every = _registered(model)
    taught = taught_storages(model, train)
    read = _storages(model, _read(train, reached))
    causes: dict[FreezeCause, list[_Registered]] = {cause: [] for cause in _CAUSES}
    for one in every:
        if not one.floating:
            causes["integer"].append(one)
        elif not one.trainable:
            causes["requires_grad"].append(one)
        elif one.storage in read - taught:
            causes["detached"].append(one)
    return tuple(
        FrozenPart(path=path, parameters=held, cause=cause)
        for cause, marked in causes.items()
        for path, held in _topmost(every, marked)
    )


def taught_storages(model: GraphModel, train: Graph) -> frozenset[int]:
    """The storages that can reach something that forward returns past ``no_grad`` and ``detach``."""
    return frozenset(_storages(model, _read(_taught(train), None)))


def _registered(model: GraphModel) -> list[_Registered]:
    rows = []
    for index, tensors in enumerate(storage_users(model.header)):
        stored = model.storage(index)
        if isinstance(stored, torch.nn.Parameter):
            floating = stored.is_floating_point() or stored.is_complex()
            rows.append(_Registered(_name(tensors), scalar_count(stored), index, floating, stored.requires_grad))
    return rows


def _name(tensors: Iterable[TensorInfo]) -> str:
    return next(tensor for tensor in tensors if tensor.role == "parameter").paths[0]


def _read(graph: Graph, reached: Reach | None) -> frozenset[int]:
    """The tensors that can reach something that forward returns."""
    if reached is not None and not graph.further:
        return reached.tensors
    return reach(msgspec.structs.replace(graph, outputs=(*graph.outputs, *graph.further))).tensors


def _taught(graph: Graph) -> Graph:
    """The graph without the ways that carry no gradient."""
    cut = tuple(
        node
        if node.grad and not node.op.startswith("aten.detach")
        else msgspec.structs.replace(node, args=(), kwargs={})
        for node in graph.nodes
    )
    return msgspec.structs.replace(graph, nodes=cut)


def _storages(model: GraphModel, tensors: Iterable[int]) -> set[int]:
    return {model.header.tensors[tensor].storage for tensor in tensors}


def _inside(path: str, modules: Collection[str]) -> bool:
    return any(prefix in modules for prefix in _above(path))


def _topmost(every: Iterable[_Registered], marked: Iterable[_Registered]) -> list[tuple[str, int]]:
    """The topmost modules of which every parameter is marked, and the other marked ones by their own names."""
    marked = list(marked)
    there, found = _scalars_above(every), _scalars_above(marked)
    held: dict[str, int] = {}
    for one in marked:
        path = next((prefix for prefix in _above(one.path) if there[prefix] == found[prefix]), one.path)
        held[path] = held.get(path, 0) + one.scalars
    return list(held.items())


def _scalars_above(parameters: Iterable[_Registered]) -> Mapping[str, int]:
    """How many parameters lie under each module."""
    counts: dict[str, int] = {}
    for one in parameters:
        for prefix in _above(one.path):
            counts[prefix] = counts.get(prefix, 0) + 1
    return counts


def _above(path: str) -> list[str]:
    """The modules that a parameter lies in, the model itself (an empty path) first."""
    parts = path.split(".")
    return [".".join(parts[:length]) for length in range(len(parts))]
