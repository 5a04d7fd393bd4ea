"""Which nodes and tensors can reach the output, aliases and in-place changes included; linear in the graph's size."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from modelcheck.graph.operators import schema
from modelcheck.graph.wire import Argument, Graph, InputRef, Node, NodeRef, TensorRef, scalars

Key = tuple[str, int]


@dataclass(frozen=True)
class Reach:
    """What of a graph can reach its output."""

    nodes: frozenset[int]
    tensors: frozenset[int]


def reach(graph: Graph) -> Reach:
    """The nodes whose result, or whose change to a value that is read later, can reach an output."""
    groups = alias_groups(graph)
    needed: set[Key] = set()
    needed_groups: set[Key] = set()
    nodes: set[int] = set()

    def need(argument: Argument) -> None:
        for key in _keys(argument):
            needed.add(key)
            needed_groups.add(groups.find(key))

    for output in graph.outputs:
        need(output)
    for index in reversed(range(len(graph.nodes))):
        node = graph.nodes[index]
        writes = any(groups.find(key) in needed_groups for key in written_keys(node))
        if ("node", index) in needed or writes:
            nodes.add(index)
            for argument in (*node.args, *node.kwargs.values()):
                need(argument)
    return Reach(frozenset(nodes), frozenset(index for kind, index in needed if kind == "tensor"))


def depends_on_input(graph: Graph) -> frozenset[int]:
    """The nodes whose result is made from the model's input, through values or through in-place changes."""
    groups = alias_groups(graph)
    dependent: set[Key] = set()
    nodes: set[int] = set()
    for index, node in enumerate(graph.nodes):
        keys = [key for argument in (*node.args, *node.kwargs.values()) for key in _keys(argument)]
        if any(key[0] == "input" or groups.find(key) in dependent for key in keys):
            nodes.add(index)
            dependent.add(groups.find(("node", index)))
            dependent.update(groups.find(key) for key in written_keys(node))
    return frozenset(nodes)


def written_tensors(graph: Graph) -> frozenset[int]:
    """The table's tensors that a node changes in place, through whatever alias; batch norm's statistics aside."""
    groups = alias_groups(graph)
    written = {groups.find(key) for node in graph.nodes for key in written_keys(node)}
    read = {key for node in graph.nodes for argument in (*node.args, *node.kwargs.values()) for key in _keys(argument)}
    return frozenset(index for kind, index in read if kind == "tensor" and groups.find((kind, index)) in written)


class Groups:
    """Union-find over values that may share memory."""

    def __init__(self) -> None:
        self._parents: dict[Key, Key] = {}

    def find(self, key: Key) -> Key:
        """What stands for all values that may share memory with this one."""
        root = key
        while self._parents.get(root, root) != root:
            root = self._parents[root]
        while self._parents.get(key, key) != root:
            self._parents[key], key = root, self._parents[key]
        return root

    def join(self, one: Key, other: Key) -> None:
        """Note that two values may share memory."""
        self._parents[self.find(one)] = self.find(other)


def alias_groups(graph: Graph) -> Groups:
    """Which values of a graph may share memory."""
    groups = Groups()
    for index, node in enumerate(graph.nodes):
        aliased = range(len(node.args)) if node.op == "operator.getitem" else _aliases(node.op)[0]
        for position in aliased:
            if position < len(node.args):
                for key in _keys(node.args[position]):
                    groups.join(("node", index), key)
    return groups


def written_keys(node: Node) -> list[Key]:
    """The values that a node changes in place; batch norm's statistics aside."""
    return [key for position in _aliases(node.op)[1] if position < len(node.args) for key in _keys(node.args[position])]


@cache
def _aliases(op: str) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Positions of the arguments that the result may share memory with, and of those that the operator changes."""
    described = schema(op)
    if described is None:
        return (), ()
    returned = any(one.alias_info is not None for one in described.returns)
    arguments = list(enumerate(described.arguments))
    shared = tuple(i for i, one in arguments if returned and one.alias_info is not None)
    return shared, tuple(i for i, one in arguments if one.alias_info is not None and one.alias_info.is_write)


def _keys(argument: Argument) -> list[Key]:
    keys: list[Key] = []
    for scalar in scalars(argument):
        match scalar:
            case NodeRef(id=id_):
                keys.append(("node", id_))
            case TensorRef(id=id_):
                keys.append(("tensor", id_))
            case InputRef(id=id_):
                keys.append(("input", id_))
    return keys
