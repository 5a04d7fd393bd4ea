"""What a model keeps from one batch to the next beside its parameters: running statistics, and what forward writes."""

from __future__ import annotations

import math
import warnings
from collections.abc import Collection, Iterable
from typing import Any

import torch

from modelcheck.facts.live import Trial
from modelcheck.graph.model import GraphModel, scalar_count
from modelcheck.graph.operators import DTYPES
from modelcheck.graph.reach import Key, alias_groups, written_keys, written_tensors
from modelcheck.graph.wire import Argument, Graph, Header, Node, NodeRef, TensorRef, scalars

NORMS = ("aten.batch_norm.default", "aten.instance_norm.default")
LEAST_MOMENTUM = 0.0001  # MnasNet has 0.0003
FREE_SHARE = 4  # parameters for which norms without weights keep one number more
FREE_STATES = 64  # numbers that forward may keep by other means
FREE_STATES_SHARE = 8  # parameters for which it may keep one more
FREE_CHANNELS = 32  # of a norm that stay the same whatever the picture is: units die
SAME = 1e-6  # of a channel's largest value
_ROUNDS = 4  # dead units come alive with other weights

Reached = tuple[Graph, Collection[int], Collection[int]]  # a graph, what reaches its output, what depends on its input


def statistics(node: Node) -> tuple[Argument, ...]:
    """The running mean and variance that a norm is given."""
    return node.args[3:5] if node.op in NORMS else ()


def running_statistics(model: GraphModel, train: Reached, trial: Trial | None) -> set[int]:
    """Tensors that training really keeps as running statistics, as many as cost nothing.

    A norm keeps them whose result is read and whose input changes with the model's. With a momentum of nothing, or
    where something else writes to them too, they are a table, and so are those beyond what the norms have of weights,
    twice the numbers of the input and one for four parameters.

    Args:
        model: whose they are.
        train: its training graph.
        trial: of the model; without one, whatever depends on the input is taken to change with it.
    """
    graph, reachable, dependent = train
    norms = {index for index in reachable if index in dependent and _averages(graph.nodes[index])}
    free = {index for index in norms if not _weights(model, graph.nodes[index])}
    if trial and free:
        norms -= _still(trial, free)
    touched = {model.header.tensors[index].storage for one in _graphs(model.header) for index in written_tensors(one)}
    kept = {
        index
        for norm in norms
        for index in _tensors(statistics(graph.nodes[norm]))
        if model.header.tensors[index].storage not in touched
    }
    paid = {storage for index in norms for storage in _weights(model, graph.nodes[index])}
    allowed = sum(model.storage(storage).numel() for storage in paid)
    allowed += 2 * sum(math.prod(one.shape) for one in model.header.inputs)
    allowed += sum(one.numel() for one in model.parameters()) // FREE_SHARE
    taken = set()
    for storage in sorted({model.header.tensors[index].storage for index in kept}):
        size = scalar_count(model.storage(storage))
        if size <= allowed:
            allowed -= size
            taken.add(storage)
    return {index for index in kept if model.header.tensors[index].storage in taken}


def states(header: Header, graphs: Iterable[Reached]) -> dict[int, bool]:
    """The storages that a graph writes to, and whether what it writes depends on the input.

    Numbers that stand alone are left out: counters of batches.
    """
    found: dict[int, bool] = {}
    for graph, _, dependent in graphs:
        groups = alias_groups(graph)
        written: dict[Key, bool] = {}
        for index, node in enumerate(graph.nodes):
            for key in (*written_keys(node), *(_keys(statistics(node)) if _trains(node) else ())):
                group = groups.find(key)
                written[group] = written.get(group, False) or index in dependent
        for tensor in _tensors(one for node in graph.nodes for one in node.scalars()):
            group, storage = groups.find(("tensor", tensor)), header.tensors[tensor].storage
            if group in written and header.storages[storage].size > 1:
                found[storage] = found.get(storage, False) or written[group]
    return found


def free_states(model: GraphModel) -> int:
    """How many numbers that depend on the input forward may keep, as a norm does that is written by hand."""
    return FREE_STATES + sum(one.numel() for one in model.parameters()) // FREE_STATES_SHARE


def _graphs(header: Header) -> tuple[Graph, Graph]:
    return header.train, header.evaluation


def _trains(node: Node) -> bool:
    """Whether a norm changes its running statistics."""
    return node.op in NORMS and node.args[5] is not False


def _averages(node: Node) -> bool:
    """Whether a norm changes its running statistics by so much that they forget."""
    momentum = node.args[6] if node.op in NORMS and node.args[5] is True else None
    return isinstance(momentum, int | float) and momentum >= LEAST_MOMENTUM


def _weights(model: GraphModel, node: Node) -> set[int]:
    """The registered parameters that scale and shift a norm's result."""
    storages = {model.header.tensors[index].storage for index in _tensors(node.args[1:3])}
    return {storage for storage in storages if isinstance(model.storage(storage), torch.nn.Parameter)}


def _tensors(arguments: Iterable[Argument]) -> set[int]:
    return {one.id for one in scalars(*arguments) if isinstance(one, TensorRef)}


def _keys(arguments: Iterable[Argument]) -> list[Key]:
    nodes = [("node", one.id) for one in arguments if isinstance(one, NodeRef)]
    return nodes + [("tensor", index) for index in _tensors(arguments)]


def _still(trial: Trial, norms: Collection[int]) -> set[int]:
    """The norms that are given more than a few channels that stay the same, whatever the picture and the weights are.

    Nobody knows where the graph takes no random pictures, or takes too long.
    """
    if not trial.affords(2 * _ROUNDS, training=True):
        return set()
    left: dict[int, torch.Tensor] = {}
    try:
        for number in range(_ROUNDS):
            one, other = (_given(trial, norms, number, picture) for picture in range(2))
            for index, values in one.items():
                same = (values - other[index]).abs() <= SAME * values.abs().amax(1, keepdim=True)
                left[index] = same.all(1) & left.get(index, torch.tensor(True))
            if not any(channels.sum() > FREE_CHANNELS for channels in left.values()):
                break
    except Exception:  # operators raise many kinds when they are given what they cannot take
        return set()
    return {index for index, channels in left.items() if channels.sum() > FREE_CHANNELS}


def _given(trial: Trial, norms: Collection[int], number: int, picture: int) -> dict[int, torch.Tensor]:
    """What the norms are given, a row for each channel: for random pictures, and later rounds with other weights."""
    model, given = trial.model, {}
    generator = torch.Generator().manual_seed(1000 * number + picture)
    inputs = [_noise((trial.samples, *one.shape), DTYPES[one.dtype], generator) for one in model.header.inputs]
    generator = torch.Generator().manual_seed(number)
    values = {}
    for index in range(len(model.header.storages)):
        values[index] = model.storage(index).detach().clone()
        if number and model.storage(index).requires_grad:
            scale = values[index].abs().mean().item() or 1.0
            values[index] = (scale * torch.randn(values[index].shape, generator=generator)).to(values[index].dtype)

    def observe(index: int, node: Node, args: tuple[Any, ...], result: Any) -> None:
        if index in norms:
            given[index] = args[0].detach().transpose(0, 1).flatten(1).clone()

    with torch.no_grad(), torch.random.fork_rng(devices=[]), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch tells of operators that it runs slowly
        torch.default_generator.manual_seed(number)
        model.run(inputs, training=True, observe=observe, values=values)
    return given


def _noise(shape: tuple[int, ...], dtype: torch.dtype, generator: torch.Generator) -> torch.Tensor:
    """Noise and no picture: some pixels are the same in all pictures of digits."""
    if dtype.is_floating_point:
        return torch.randn(shape, generator=generator).to(dtype)
    return torch.randint(0, 2, shape, generator=generator).to(dtype)
