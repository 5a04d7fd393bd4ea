"""Runs a graph on meta tensors: the shapes of every value, without weights, data or time."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import msgspec
import torch

from modelcheck.errors import DamagedCapture, ForwardError
from modelcheck.graph.model import GraphModel
from modelcheck.graph.operators import DTYPES, KINDS, Kind, schema
from modelcheck.graph.wire import Graph, Node

BATCHES = (1, 2, 64)
MAX_ELEMENTS = 2**33  # of one value for the batch that is traced

Shape = tuple[int, ...]


@dataclass(frozen=True)
class Step:
    """One node as it ran.

    Args:
        args: what the node received, each tensor as its shape.
        shape: of the (first) result; None where it is no tensor.
    """

    index: int
    node: Node
    kind: Kind
    args: tuple[Any, ...]
    shape: Shape | None

    @property
    def name(self) -> str:
        """The operator without its overload: ``conv2d``."""
        return self.node.op.removeprefix("aten.").split(".")[0]


@dataclass(frozen=True)
class Trace:
    """A graph's steps in order, and the shapes of its outputs, all for one batch."""

    graph: Graph
    batch: int
    steps: tuple[Step, ...]
    outputs: tuple[Shape, ...]


def traces(model: GraphModel) -> tuple[int, Trace, Trace]:
    """The batch that the facts are found with, and the traces of the training and of the evaluation graph for it.

    The batch is two, or 64 where a graph refuses two, as one does that splits its batch.

    Raises:
        DamagedCapture: the graphs run on neither.
    """
    failure: DamagedCapture | None = None
    for batch in BATCHES[1:]:
        try:
            training = trace(model, batch, training=True)
            same = _with_dropout_off(training, model.header.evaluation)
            return batch, training, same or trace(model, batch, training=False)
        except DamagedCapture as error:
            failure = failure or error
    assert failure is not None
    raise failure


def trace(model: GraphModel, batch: int, *, training: bool) -> Trace:
    """Shapes of every value of one graph.

    Args:
        model: on the meta device.
        batch: number of samples.
        training: which graph.
    Raises:
        DamagedCapture: an operator does not take what the graph gives it, or a value is absurdly large.
    """
    steps: list[Step] = []

    def observe(index: int, node: Node, args: tuple[Any, ...], result: Any) -> None:
        steps.append(step_of(index, node, args, result))
        if _elements(result) > MAX_ELEMENTS:
            raise DamagedCapture(f"node {index} ({node.op}) makes a value of more than {MAX_ELEMENTS:,} elements")

    outputs = run(model, batch, training=training, observe=observe)
    graph = model.header.train if training else model.header.evaluation
    return Trace(graph, batch, tuple(steps), tuple(tuple(output.shape) for output in outputs))


def _with_dropout_off(training: Trace, evaluation: Graph) -> Trace | None:
    """The evaluation graph's trace where it is the training graph but for flags of dropouts.

    They shape nothing, so that a transformer's graph need not be run once more.
    """
    graph = training.graph
    if (len(graph.nodes), graph.outputs) != (len(evaluation.nodes), evaluation.outputs):
        return None
    steps: list[Step] = []
    for step, node in zip(training.steps, evaluation.nodes, strict=True):
        if node != step.node:
            flag = node.args[-1] if node.args else None
            turned = msgspec.structs.replace(step.node, args=(*step.node.args[:2], flag))
            if step.kind != "dropout" or not isinstance(flag, bool) or node != turned:
                return None
            step = dataclasses.replace(step, node=node, args=(*step.args[:2], flag))
        steps.append(step)
    return dataclasses.replace(training, graph=evaluation, steps=tuple(steps))


def step_of(index: int, node: Node, args: tuple[Any, ...], result: Any) -> Step:
    """A node with the shapes of what it received and made."""
    return Step(index, node, KINDS[node.op], _shapes(args), _shape_of(result))


def argument(step: Step, name: str) -> Any:
    """The argument of that name in the operator's schema, or its default; None where there is no such argument."""
    described = schema(step.node.op)
    for at, one in enumerate(described.arguments if described else ()):
        if one.name == name:
            default = one.default_value if one.has_default_value() else None
            return step.args[at] if at < len(step.args) else step.node.kwargs.get(name, default)
    return None


def run(
    model: GraphModel, batch: int, *, training: bool, observe: Callable[..., None] | None = None
) -> tuple[torch.Tensor, ...]:
    """The outputs of one graph for a batch of meta tensors.

    Raises:
        DamagedCapture: an operator does not take what the graph gives it, or an output is no tensor.
    """
    inputs = [torch.empty((batch, *one.shape), dtype=DTYPES[one.dtype], device="meta") for one in model.header.inputs]
    try:
        with torch.no_grad():
            outputs = model.run(inputs, training=training, observe=observe)
    except (DamagedCapture, ForwardError):
        raise
    except Exception as error:  # operators raise many kinds when they are given what they cannot take
        text = str(error).splitlines()[0][:300] if str(error) else type(error).__name__
        raise DamagedCapture(f"the graph does not run on a batch of {batch}: {text}") from None
    if not all(isinstance(output, torch.Tensor) for output in outputs):
        raise DamagedCapture("an output of the graph is no tensor")
    return outputs


def _shape_of(value: Any) -> Shape | None:
    if isinstance(value, tuple | list) and value:
        value = value[0]
    return tuple(value.shape) if isinstance(value, torch.Tensor) else None


def _shapes(value: Any) -> Any:
    if isinstance(value, torch.Tensor):
        return torch.Size(value.shape)
    if isinstance(value, tuple | list):
        return tuple(_shapes(one) for one in value)
    return value


def _elements(value: Any) -> int:
    if isinstance(value, torch.Tensor):
        return value.numel()
    return sum(_elements(one) for one in value) if isinstance(value, tuple | list) else 0
