"""Which operators may write over their argument, since nobody reads it again: a step then moves fewer tensors about."""

from __future__ import annotations

from collections import Counter

import torch

from modelcheck.graph.model import Substitutes
from modelcheck.graph.wire import Graph, NodeRef

# their result is a tensor of its own, which their gradients do not need
_MAKERS = frozenset({"aten.batch_norm.default", "aten.conv2d.default", "aten.conv2d.padding", "aten.linear.default"})


def overwriting(graph: Graph) -> frozenset[int]:
    """The nodes whose first argument is read by them alone, and was made to be read once."""
    scalars = [*(scalar for node in graph.nodes for scalar in node.scalars()), *graph.outputs]
    readers = Counter(scalar.id for scalar in scalars if isinstance(scalar, NodeRef))
    found = set()
    for index, node in enumerate(graph.nodes):
        first = node.args[0] if node.args else None
        if isinstance(first, NodeRef) and readers[first.id] == 1:
            maker = graph.nodes[first.id]
            if maker.op in _MAKERS and maker.grad == node.grad:
                found.add(index)
    return frozenset(found)


def relus_in_place(graph: Graph) -> Substitutes:
    """For the graph's ReLUs that may write over their argument: torch's function that does."""
    return {index: torch.relu_ for index in overwriting(graph) if graph.nodes[index].op == "aten.relu.default"}
