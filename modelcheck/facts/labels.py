"""Of what each dimension of a value is made: rows and columns of the picture's map, or something else.

A dimension is a product of factors, the outer one first, as a row-major view lays them out: in ``x.flatten(2)`` the
last one is made of rows and columns, and in ``x.view(n, c, h // 2, 2, w // 2, 2)`` the rows are split into pairs.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from modelcheck.facts.trace import Shape, Step

AXES = ("h", "w")
UNKNOWN = "?"  # places of the map in an order that is not followed


@dataclass(frozen=True, slots=True)
class Factor:
    """A part of a dimension.

    Args:
        axis: ``h`` or ``w``; ``?`` for places whose order is not followed; nothing for what is no place on the map.
        size: how many there are.
        step: how many rows (columns) of the map lie between neighbours.
    """

    axis: str
    size: int
    step: int = 1


@dataclass(frozen=True, slots=True)
class Dim:
    """A dimension: its factors, and how many positions that are none of the map's stand before and after them."""

    factors: tuple[Factor, ...] = ()
    lead: int = 0
    trail: int = 0

    @property
    def size(self) -> int:
        """How many positions it has."""
        return math.prod(factor.size for factor in self.factors) + self.lead + self.trail

    @property
    def labelled(self) -> bool:
        """Whether any of it lies on the map."""
        return any(factor.axis for factor in self.factors)

    @property
    def pure(self) -> bool:
        """Whether all of it lies on the map."""
        return self.labelled and all(factor.axis or factor.size == 1 for factor in self.factors)

    @property
    def only(self) -> Factor | None:
        """Its only factor, if that is rows or columns and nothing stands beside it."""
        whole = len(self.factors) == 1 and self.factors[0].axis in AXES and not (self.lead or self.trail)
        return self.factors[0] if whole else None


Dims = tuple[Dim, ...]


def plain(size: int) -> Dim:
    """A dimension that is none of the map's."""
    return Dim((Factor("", size),)) if size != 1 else Dim()


def unknown(size: int) -> Dim:
    """A dimension that holds the map's places in an order that is not followed."""
    return Dim((Factor(UNKNOWN, size),))


def along(axis: str, size: int) -> Dim:
    """A dimension that is the rows (columns) of a map of its own."""
    return Dim((Factor(axis, size),))


def places(dims: Sequence[Dim], axis: str) -> list[tuple[int, Factor]]:
    """The factors of an axis with the dimensions they stand in."""
    return [(k, factor) for k, dim in enumerate(dims) for factor in dim.factors if factor.axis == axis]


def is_map(dims: Dims) -> bool:
    """Whether rows and columns have dimensions of their own, or share one, so that pixels can be told apart."""
    axes = {factor.axis for dim in dims if dim.pure for factor in dim.factors}
    return UNKNOWN in axes or axes.issuperset(AXES)


def permutation(step: Step, rank: int) -> list[int] | None:
    """The order of dimensions that a permuting view gives; None for the others."""
    order = list(range(rank))
    if step.name == "permute":
        return [one % rank for one in step.args[1]]
    if step.name in ("transpose", "swapaxes", "swapdims"):
        one, other = step.args[1] % rank, step.args[2] % rank
        order[one], order[other] = order[other], order[one]
        return order
    if step.name in ("t", "mT", "mH", "adjoint", "numpy_T") and rank >= 2:
        return order[::-1] if step.name == "numpy_T" else [*order[:-2], order[-1], order[-2]]
    if step.name in ("movedim", "moveaxis"):
        return _moved(step.args[1], step.args[2], rank)
    return None


def _moved(source: int | Sequence[int], target: int | Sequence[int], rank: int) -> list[int]:
    sources = [one % rank for one in ([source] if isinstance(source, int) else source)]
    targets = [one % rank for one in ([target] if isinstance(target, int) else target)]
    order = [one for one in range(rank) if one not in sources]
    for place, one in sorted(zip(targets, sources, strict=True)):
        order.insert(place, one)
    return order


def relabel(dims: Dims, after: Shape) -> Dims | None:
    """The dimensions after a reshape; None where places of the map cannot be followed.

    Sizes are matched from the left in groups of equal products, as a row-major reshape lays them out.
    """
    before = tuple(dim.size for dim in dims)
    if before == after:
        return dims
    if math.prod(before) != math.prod(after) or 0 in before:
        return None
    result: list[Dim] = []
    for inside, outside in _groups(before, after):
        group = [dims[k] for k in inside]
        large = [dim for dim in group if dim.size > 1]
        sizes = [after[k] for k in outside]
        if any(dim.lead or dim.trail for dim in group):
            alone = [size for size in sizes if size > 1] == [dim.size for dim in large]
            made = [large[0] if size > 1 else Dim() for size in sizes] if alone else []
        else:
            made = list(_distributed([factor for dim in group for factor in dim.factors], sizes))
        if [dim.size for dim in made] != sizes:
            if not all(dim.pure for dim in large):
                return None
            made = [unknown(size) if size > 1 else Dim() for size in sizes]
        result += made
    return tuple(result)


def _groups(before: Shape, after: Shape) -> Iterator[tuple[list[int], list[int]]]:
    """Runs of dimensions with equal products."""
    i = j = 0
    while i < len(before) or j < len(after):
        inside, outside = before[i : i + 1], after[j : j + 1]
        while math.prod(inside) != math.prod(outside):
            if math.prod(inside) < math.prod(outside):
                inside = before[i : i + len(inside) + 1]
            else:
                outside = after[j : j + len(outside) + 1]
        yield list(range(i, i + len(inside))), list(range(j, j + len(outside)))
        i, j = i + len(inside), j + len(outside)


def _distributed(factors: list[Factor], sizes: list[int]) -> Iterator[Dim]:
    """Dimensions of these sizes out of factors of the same product, which are split where that is needed."""
    left = list(factors)
    for at, size in enumerate(sizes):
        taken: list[Factor] = []
        if size == 1 and left and left[0].size == 1:
            taken.append(left.pop(0))
        while size > 1 and left:
            first = left.pop(0)
            if size % first.size == 0:
                taken.append(first)
                size //= first.size
            elif first.size % size == 0:
                inner = first.size // size
                taken.append(replace(first, size=size, step=first.step * inner))
                left.insert(0, replace(first, size=inner))
                size = 1
            else:
                return
        if at == len(sizes) - 1:
            taken += left
        yield Dim(tuple(taken))
