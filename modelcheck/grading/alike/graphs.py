"""A digest of a capture's graphs that names, order of registration, lines and order of independent operators leave."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from functools import cache
from typing import TypeAlias

from modelcheck.graph.operators import KINDS, schema
from modelcheck.graph.reach import alias_groups, reach, written_keys
from modelcheck.graph.wire import Argument, Graph, Header, InputRef, Node, NodeRef, TensorInfo, TensorRef

Color: TypeAlias = str
Colors: TypeAlias = Mapping[int, Color]
_Key: TypeAlias = tuple[str, int]


def graph_digest(header: Header) -> str:
    """The digest of the training and the evaluation graph; equal for equal graphs.

    An operator's color is made from its name, its arguments and the colors of what it reads, so that what does not
    reach the output does not count. A tensor is known by its shape in a first walk, and in a second one also by the
    operators that read its storage, so that shared weights are told from equal shapes. Linear in the graphs' sizes.

    Source: Weisfeiler & Leman, "The reduction of a graph to canonical form", 1968, one round of it on a Merkle tree.
    """
    inputs = [_color("input", str(index), str(one.shape), one.dtype) for index, one in enumerate(header.inputs)]
    return _color(*(_Walk(graph, header, inputs).digest() for graph in (header.train, header.evaluation)))


def live_operators(header: Header) -> int:
    """How many operators of the evaluation graph can reach its output."""
    return len(reach(header.evaluation).nodes)


class _Walk:
    """One graph, with what is the same in both walks through it."""

    def __init__(self, graph: Graph, header: Header, inputs: Sequence[Color]) -> None:
        self.graph, self.header, self.inputs = graph, header, inputs
        self.live = sorted(reach(graph).nodes)
        self.groups = alias_groups(graph)

    def digest(self) -> Color:
        first = _Colored(self, [self._shape(one) for one in self.header.tensors])
        second = _Colored(self, self._by_readers(first))
        return _color(*(second.read(one) for one in self.graph.outputs), *sorted(second.nodes.values()))

    def _shape(self, tensor: TensorInfo) -> Color:
        return _color(tensor.role, str(tensor.shape), self.header.storages[tensor.storage].dtype)

    def _by_readers(self, first: _Colored) -> list[Color]:
        """Each tensor's color by its shape and by who reads its storage, as what."""
        readers: list[list[str]] = [[] for _ in self.header.storages]
        for index in self.live:
            node = self.graph.nodes[index]
            for place, scalar in enumerate(node.scalars()):
                if isinstance(scalar, TensorRef):
                    tensor = self.header.tensors[scalar.id]
                    window = f"{tensor.offset} {tensor.shape} {tensor.stride}"
                    readers[tensor.storage].append(f"{window} {place} {first.nodes[index]}")
        storages = [_color(*sorted(found)) for found in readers]
        return [
            _color(shape, str(one.offset), storages[one.storage])
            for shape, one in zip(first.tensors, self.header.tensors, strict=True)
        ]


class _Colored:
    """The colors of a graph's operators, given those of its tensors."""

    def __init__(self, walk: _Walk, tensors: Sequence[Color]) -> None:
        self.walk, self.tensors = walk, tensors
        self.nodes: dict[int, Color] = {}
        # the last change in place to values that may share memory: by which operator, and what all changes come to
        self._written: dict[_Key, tuple[int, Color]] = {}
        for index in walk.live:
            self._visit(index, walk.graph.nodes[index])

    def read(self, argument: Argument) -> Color:
        """The color of what an argument stands for at this point of the walk."""
        match argument:
            case NodeRef(id=id_):
                return self._now(("node", id_), id_, self.nodes[id_])
            case TensorRef(id=id_):
                return self._now(("tensor", id_), -1, self.tensors[id_])
            case InputRef(id=id_):
                return self._now(("input", id_), -1, self.walk.inputs[id_])
            case list():
                return f"[{','.join(self.read(one) for one in argument)}]"
            case _:
                return repr(argument)

    def _now(self, key: _Key, made: int, color: Color) -> Color:
        """The color of a value that later operators may have changed in place since it was made."""
        written = self._written.get(self.walk.groups.find(key)) if self._written else None
        return _color(color, written[1]) if written and made < written[0] else color

    def _visit(self, index: int, node: Node) -> None:
        written = written_keys(node)
        op = _plain(node.op) if written else node.op
        color = _color(op, "" if node.grad else "no grad", *(self.read(one) for one in _given(node)))
        self.nodes[index] = color
        for group in {self.walk.groups.find(key) for key in written}:
            before = self._written.get(group)
            self._written[group] = index, _color(before[1] if before else "", color)


def _plain(op: str) -> str:
    """The operator that computes the same and changes nothing in place: ``aten.relu.default`` for ``relu_``."""
    packet, _, overload = op.rpartition(".")
    plain = f"{packet.removesuffix('_')}.{overload}"
    return plain if plain in KINDS else op


def _given(node: Node) -> list[Argument]:
    """All arguments in the order of the operator's schema, those by default included."""
    given = list(node.args)
    for place, (name, default) in enumerate(_expected(node.op)):
        if place >= len(node.args):
            given.append(node.kwargs.get(name, default))
        if name == "stride" and given[place] == []:
            given[place] = given[place - 1]  # a pool's, where none is given: its window
    return given


@cache
def _expected(op: str) -> tuple[tuple[str, Argument], ...]:
    """Names and defaults of the operator's arguments; none for arithmetic on shapes."""
    described = schema(op)
    arguments = described.arguments if described else ()
    return tuple((one.name, _default(one.default_value)) for one in arguments)


def _default(value: object) -> Argument:
    known = value is None or isinstance(value, bool | int | float)
    return value if known else list(value) if isinstance(value, list | tuple) else repr(value)  # type: ignore[return-value]


def _color(*parts: str) -> Color:
    return hashlib.blake2b("\n".join(parts).encode(), digest_size=16).hexdigest()
