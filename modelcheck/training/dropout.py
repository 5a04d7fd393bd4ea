"""Dropout masks that cost little: torch draws each number of a mask by itself, and that is 40 % of a step on a CPU.

Masks are windows at random places of a long pool of numbers that were drawn before, with torch's own ``bernoulli_``. A
number is 0 with probability p and 1 ÷ (1 − p) else, as ``torch.nn.functional.dropout`` multiplies by. The pool is drawn
anew every epoch. Two masks share numbers where their windows overlap, each at other places.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor

from modelcheck.graph.model import GraphModel, Substitutes
from modelcheck.graph.operators import implementation
from modelcheck.graph.wire import Graph
from modelcheck.training.in_place import overwriting, relus_in_place

POOL = 2**23  # numbers; 16 MiB in bfloat16
LEAST = 2**20
# a mask of one number for each channel is cheap as torch draws it, and so is what is off or drops all
_SERVED: dict[str, str] = {
    "aten.dropout.default": "dropout",
    "aten.dropout_.default": "dropout",
    "aten.alpha_dropout.default": "alpha",
    "aten.alpha_dropout_.default": "alpha",
}
_ALPHA = -1.7580993408473766  # SELU's value at −∞: −scale × alpha, of Klambauer et al. 2017, arXiv:1706.02515


@contextmanager
def served(model: GraphModel, masks: Masks) -> Iterator[None]:
    """Within this the model's training graph takes its dropout masks from there, and spares what memory it can."""
    model.substitutes = {**relus_in_place(model.header.train), **masks.substitutes}
    try:
        yield
    finally:
        model.substitutes = {}


class Masks:
    """Serves a graph's dropouts with masks out of pools.

    ``substitutes`` are what to run in place of the dropouts, by the node's index.

    Args:
        graph: the training graph.
        generator: on the CPU; decides the pools and the windows.
        size: of all pools together, in numbers; there is one for each rate of the graph's.
    """

    def __init__(self, graph: Graph, generator: torch.Generator, size: int = POOL) -> None:
        nodes = {index: node for index, node in enumerate(graph.nodes) if node.op in _SERVED}
        rates = {str(node.args[1]) for node in nodes.values()}
        in_place = overwriting(graph)
        self._generator, self._size = generator, max(size // max(len(rates), 1), LEAST)
        self._pools: dict[tuple[float, torch.dtype], Tensor] = {}
        self.substitutes: Substitutes = {
            index: self._served(node.op, index in in_place) for index, node in nodes.items()
        }

    def mask(self, x: Tensor, p: float) -> Tensor:
        """Of x's shape, type and memory format, each number by itself 0 with probability p, else 1 ÷ (1 − p)."""
        pool = self._pool(p, x.dtype)
        count = x.numel()
        window = pool[self._place(count) :][:count] if count <= self._size // 2 else self._long(pool, count)
        return torch.as_strided(window, x.shape, _dense(x))

    def _served(self, op: str, overwrites: bool) -> Callable[..., Tensor]:
        function = self._dropout if _SERVED[op] == "dropout" else self._alpha
        torchs: Callable[..., Tensor] = implementation(op)
        in_place = overwrites or op.endswith("_.default")

        def serve(x: Tensor, p: float, train: bool) -> Tensor:
            if not train or not 0 < p < 1 or x.device.type != "cpu" or not x.is_floating_point():
                return torchs(x, p, train)
            return function(x, p, in_place)

        return serve

    def _dropout(self, x: Tensor, p: float, in_place: bool) -> Tensor:
        mask = self.mask(x, p)
        return x.mul_(mask) if in_place else x * mask

    def _alpha(self, x: Tensor, p: float, in_place: bool) -> Tensor:
        """As torch's: what is dropped becomes SELU's least value, and the whole keeps its mean and variance."""
        a = ((_ALPHA**2 * p + 1) * (1 - p)) ** -0.5
        kept = self.mask(x, p) * (1 - p)
        beside = (1 - kept).mul_(_ALPHA * a).add_(-_ALPHA * a * p)
        return x.mul_(kept.mul_(a)).add_(beside) if in_place else x * kept.mul_(a) + beside

    def _pool(self, p: float, dtype: torch.dtype) -> Tensor:
        if (p, dtype) not in self._pools:
            drawn = torch.empty(self._size, dtype=dtype).bernoulli_(1 - p, generator=self._generator)
            self._pools[p, dtype] = drawn.div_(1 - p)
        return self._pools[p, dtype]

    def _place(self, count: int) -> int:
        return int(torch.randint(self._size - count + 1, (), generator=self._generator))

    def _long(self, pool: Tensor, count: int) -> Tensor:
        """For more numbers than a window may have: several windows one after the other."""
        parts: list[Tensor] = []
        while count > 0:
            part = min(count, self._size // 2)
            parts.append(pool[self._place(part) :][:part])
            count -= part
        return torch.cat(parts)


def _dense(x: Tensor) -> Any:
    """The strides of a dense tensor in x's memory format."""
    return torch.empty_like(x, device="meta").stride()
