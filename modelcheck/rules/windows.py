"""The window that a convolution or a pool slides over its map."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from modelcheck.facts.flow import Operator

_SAME, _VALID = "same", "valid"


@dataclass(frozen=True)
class Window:
    """A kernel over a map; one number for each dimension of the map.

    Args:
        kernel: pixels that it reads.
        dilation: from one of them to the next.
        before: pixels of padding before the map.
        stride: pixels from one position to the next.
        map: the map's sides.
        positions: where it stands.
    """

    kernel: Sequence[int]
    dilation: Sequence[int]
    before: Sequence[int]
    stride: Sequence[int]
    map: Sequence[int]
    positions: Sequence[int]

    @property
    def pixels(self) -> int:
        """How many pixels it reads at once."""
        return math.prod(self.kernel)

    @property
    def is_larger(self) -> bool:
        """Whether it sticks out of the map in some dimension, wherever it stands."""
        return any(self._span(dim) > side for dim, side in enumerate(self.map))

    @property
    def seen(self) -> int:
        """Of the pixels that it reads, how many lie on the map where most do."""
        return math.prod(self._seen(dim) for dim in range(len(self.map)))

    def _span(self, dim: int) -> int:
        return (self.kernel[dim] - 1) * self.dilation[dim] + 1

    def _seen(self, dim: int) -> int:
        read = range(0, self._span(dim), self.dilation[dim])
        starts = [position * self.stride[dim] - self.before[dim] for position in range(self.positions[dim])]
        return max((sum(0 <= start + pixel < self.map[dim] for pixel in read) for start in starts), default=0)


def window_of(operator: Operator) -> Window | None:
    """The window of a convolution or pool; None for transposed convolutions and adaptive pools, which slide none."""
    arguments, weight = operator.arguments, operator.weights.get("weight")
    kernel = weight.shape[2:] if weight else arguments.get("kernel_size")
    if is_transposed(operator) or not kernel or operator.shape is None:
        return None
    dims = len(weight.shape) - 2 if weight else int(operator.name.partition("pool")[2][0])
    sides, dilation = _numbers(kernel, dims), _numbers(arguments.get("dilation") or 1, dims)
    padding = arguments.get("padding")
    # "same" puts the odd pixel behind the map
    same = [(side - 1) * step // 2 for side, step in zip(sides, dilation, strict=True)]
    return Window(
        kernel=sides,
        dilation=dilation,
        before=same if padding == _SAME else _numbers(0 if padding == _VALID else padding, dims),
        stride=_numbers(arguments.get("stride") or kernel, dims),
        map=operator.input_shapes[0][-dims:],
        positions=operator.shape[-dims:],
    )


def is_wide(operator: Operator) -> bool:
    """Whether it slides a window of more than one pixel."""
    window = window_of(operator)
    return window is not None and window.pixels > 1


def is_transposed(operator: Operator) -> bool:
    """Whether it is a transposed convolution, which makes its map larger."""
    return operator.kind == "convolution" and (
        "transpose" in operator.name or operator.arguments.get("transposed") is True
    )


def _numbers(value: object, dims: int) -> list[int]:
    """One number a dimension; one alone stands for all."""
    values = list(value) if isinstance(value, list | tuple) else [value]
    return [one for one in (values * dims if len(values) == 1 else values) if isinstance(one, int)]
