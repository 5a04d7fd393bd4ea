"""GraphModel: the nn.Module that runs a capture, one operator after the other, without any code of the author's."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import torch
from torch import nn

from modelcheck.graph.capture import Capture
from modelcheck.graph.operators import DTYPES, MEMORY_FORMATS, implementation, takes_device
from modelcheck.graph.wire import (
    Argument,
    Device,
    DType,
    Graph,
    Header,
    InputRef,
    MemoryFormat,
    Node,
    NodeRef,
    Special,
    TensorInfo,
    TensorRef,
    Word,
)

Observe = Callable[[int, Node, tuple[Any, ...], Any], None]
Substitutes = Mapping[int, Callable[..., Any]]


class GraphModel(nn.Module):
    """Runs the training graph after ``train()`` and the evaluation graph after ``eval()``.

    Holds each stored weight once, as ``p<i>`` (parameters) or ``b<i>`` (buffers and constants), so that
    ``sum(p.numel() for p in model.parameters())`` is the number of scalars in the distinct storages of the registered
    parameters: what is counted is what is trained and scored. The weights are copies of the capture's.

    ``substitutes`` are functions that serve nodes of the training graph in place of torch's, by the node's index.

    Args:
        capture: a checked capture.
        device: where to run; by default where the weights are.
        copy: False where nobody will change the weights and they may be shared.
    """

    def __init__(self, capture: Capture, device: torch.device | str | None = None, *, copy: bool = True) -> None:
        super().__init__()
        self.header = capture.header
        self.substitutes: Substitutes = {}
        self._plans = {True: _plan(self.header.train), False: _plan(self.header.evaluation)}
        users = storage_users(self.header)
        wholes = [_whole(lying, one.size) for lying, one in zip(users, self.header.storages, strict=True)]
        trained = [any(one.role == "parameter" and one.trainable for one in lying) for lying in users]
        self._windows = tuple(
            _Window(
                whole=wholes[info.storage] is not None,
                detached=trained[info.storage] and not (info.role == "parameter" and info.trainable),
            )
            for info in self.header.tensors
        )
        for index, storage in enumerate(capture.storages):
            self._hold(index, storage.to(device or storage.device, copy=copy), users[index], wholes[index])

    def _hold(self, index: int, storage: torch.Tensor, users: list[TensorInfo], whole: TensorInfo | None) -> None:
        values = torch.as_strided(storage, whole.shape, whole.stride) if whole else storage
        if any(tensor.role == "parameter" for tensor in users):
            trainable = any(tensor.trainable for tensor in users) and values.is_floating_point() | values.is_complex()
            self.register_parameter(f"p{index}", nn.Parameter(values, requires_grad=trainable))
        else:
            self.register_buffer(f"b{index}", values)

    def storage(self, index: int) -> torch.Tensor:
        """The parameter or buffer that holds a storage."""
        name = f"p{index}"
        return self._parameters[name] if name in self._parameters else self._buffers[f"b{index}"]  # type: ignore[return-value]

    def tensor(self, index: int, values: Mapping[int, torch.Tensor] | None = None) -> torch.Tensor:
        """A tensor of the capture's table, as a view of its storage; ``values`` may stand in for storages."""
        window, info = self._windows[index], self.header.tensors[index]
        base = values[info.storage] if values and info.storage in values else self.storage(info.storage)
        if not window.whole:
            base = base.reshape(-1).as_strided(info.shape, info.stride, info.offset)
        return base.detach() if window.detached else base

    def forward(self, *inputs: torch.Tensor) -> Any:
        """The model's output; a tuple where it has several."""
        outputs = self.run(inputs, training=self.training, substitutes=self.substitutes if self.training else None)
        return outputs[0] if len(outputs) == 1 else outputs

    def run(
        self,
        inputs: Sequence[torch.Tensor],
        *,
        training: bool,
        observe: Observe | None = None,
        substitutes: Substitutes | None = None,
        values: Mapping[int, torch.Tensor] | None = None,
    ) -> tuple[torch.Tensor, ...]:
        """The outputs of one of the two graphs.

        Args:
            inputs: one tensor an input, batch first.
            training: which graph.
            observe: called after each node with its index, the node, its arguments and its result.
            substitutes: functions to run in place of some nodes, by the node's index.
            values: other numbers for some storages, by the storage's index.
        """
        graph = self.header.train if training else self.header.evaluation
        env: dict[int, Any] = {}
        read = _Reader(self, inputs, env, values)
        for index, (node, function, released) in enumerate(self._plans[training]):
            args = tuple(read(argument) for argument in node.args)
            kwargs = {name: read(argument) for name, argument in node.kwargs.items()}
            if takes_device(node.op):
                kwargs["device"] = read.device  # whatever the file says: a run on meta tensors must allocate nothing
            if substitutes and index in substitutes:
                function = substitutes[index]
            if node.grad or not torch.is_grad_enabled():
                env[index] = function(*args, **kwargs)
            else:
                with torch.no_grad():
                    env[index] = function(*args, **kwargs)
            if observe:
                observe(index, node, args, env[index])
            for name in released:
                env.pop(name, None)
        return tuple(read(output) for output in graph.outputs)


class _Reader:
    """Turns the wire's arguments into what operators take."""

    def __init__(
        self,
        model: GraphModel,
        inputs: Sequence[torch.Tensor],
        env: dict[int, Any],
        values: Mapping[int, torch.Tensor] | None,
    ) -> None:
        self.model, self.inputs, self.env, self.values = model, inputs, env, values
        self.device = inputs[0].device

    def __call__(self, argument: Argument) -> Any:
        match argument:
            case NodeRef(id=id_):
                return self.env[id_]
            case TensorRef(id=id_):
                return self.model.tensor(id_, self.values)
            case None | bool() | int() | float():
                return argument
            case list():
                return [self(one) for one in argument]
            case InputRef(id=id_):
                return self.inputs[id_]
            case Special(value=value):
                return float(value)
            case DType(name=name):
                return DTYPES[name]
            case MemoryFormat(name=name):
                return MEMORY_FORMATS[name]
            case Word(value=value):
                return value
            case Device():
                return self.device


class _Window:
    """How a tensor lies in the parameter or buffer that holds it."""

    __slots__ = ("detached", "whole")

    def __init__(self, whole: bool, detached: bool) -> None:
        self.whole, self.detached = whole, detached


def scalar_count(values: torch.Tensor) -> int:
    """How many real numbers a tensor holds; a complex one counts as two.

    What is not trained may hold several in one of its own: of that every four bytes count.
    """
    count = values.numel() * (2 if values.is_complex() else 1)
    return count if values.requires_grad else max(count, -(-values.numel() * values.element_size() // 4))


def storage_users(header: Header) -> list[list[TensorInfo]]:
    """For each storage the tensors that lie in it."""
    users: list[list[TensorInfo]] = [[] for _ in header.storages]
    for tensor in header.tensors:
        users[tensor.storage].append(tensor)
    return users


def _whole(users: Iterable[TensorInfo], size: int) -> TensorInfo | None:
    """The window that all users share if it covers the storage exactly once; then the weight keeps its shape."""
    windows = {(tensor.offset, tensor.shape, tensor.stride): tensor for tensor in users}
    if len(windows) != 1:
        return None
    tensor = next(iter(windows.values()))
    dense = 1
    for length, step in sorted(zip(tensor.shape, tensor.stride, strict=True), key=lambda pair: pair[1]):
        if length != 1:
            if step != dense:
                return None
            dense *= length
    return tensor if tensor.offset == 0 and dense == size else None


def _plan(graph: Graph) -> list[tuple[Node, Callable[..., Any], list[int]]]:
    """Each node with its function and the values that nobody reads after it."""
    last: dict[int, int] = {}
    for index, node in enumerate(graph.nodes):
        last[index] = index
        for scalar in node.scalars():
            if isinstance(scalar, NodeRef):
                last[scalar.id] = index
    for output in graph.outputs:
        if isinstance(output, NodeRef):
            last[output.id] = len(graph.nodes)
    released: dict[int, list[int]] = {}
    for value, reader in last.items():
        released.setdefault(reader, []).append(value)
    return [(node, implementation(node.op), released.get(index, [])) for index, node in enumerate(graph.nodes)]
