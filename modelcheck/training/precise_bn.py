"""Running statistics of batch norm that fit the final weights.

While a model is trained its weights move, its dropout spreads what batch norm sees, and a selection shows it the
hardest images: what was averaged meanwhile is not what evaluation meets. Estimating the statistics again at the end,
with fixed weights, is PreciseBN of Wu and Johnson 2021, arXiv:2105.07576; that dropout shifts them is from Li et al.
2018, arXiv:1801.05134.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from torch import Tensor

from modelcheck.graph.model import GraphModel, Substitutes
from modelcheck.graph.operators import KINDS, implementation
from modelcheck.graph.wire import Graph, Node, TensorRef

_BATCH_NORM = "aten.batch_norm.default"
_batch_norm: Callable[..., Tensor] = implementation(_BATCH_NORM)


def keeps_statistics(graph: Graph) -> bool:
    """Whether a batch norm of the training graph keeps running statistics."""
    return any(_statistics(node) is not None for node in graph.nodes)


@contextmanager
def averaging(model: GraphModel) -> Iterator[None]:
    """Within this the training graph drops nothing, and running statistics are the means over all batches from here."""
    model.substitutes = _substitutes(model.header.train)
    try:
        yield
    finally:
        model.substitutes = {}


def _statistics(node: Node) -> int | None:
    """The tensor that a batch norm of the batch's own statistics moves towards their mean; None for all else."""
    if node.op != _BATCH_NORM or node.args[5] is not True or node.args[6] == 0:
        return None
    mean = node.args[3]
    return mean.id if isinstance(mean, TensorRef) else None


def _substitutes(graph: Graph) -> Substitutes:
    seen: Counter[int] = Counter()  # batches, by the tensor of the running mean, which several nodes may share

    def averaged(statistics: int) -> Callable[..., Tensor]:
        def norm(x: Tensor, *args: Any) -> Tensor:
            seen[statistics] += 1
            before, (_, *after) = args[:5], args[5:]
            return _batch_norm(x, *before, 1 / seen[statistics], *after)

        return norm

    found: dict[int, Callable[..., Tensor]] = {}
    for index, node in enumerate(graph.nodes):
        statistics = _statistics(node)
        if statistics is not None:
            found[index] = averaged(statistics)
        elif KINDS.get(node.op) == "dropout":
            found[index] = _as_it_is
    return found


def _as_it_is(x: Tensor, p: float, train: bool) -> Tensor:
    return x
