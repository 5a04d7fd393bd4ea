"""Operators that make one value of many: averages and other reductions, linear layers, products and attention."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from typing import Any

from modelcheck.facts.labels import AXES, Dim, Dims, places, plain
from modelcheck.facts.maps import GlobalAverage, Link, Made, Map, Source, everything, joined, key, lost, mixing, sizes
from modelcheck.facts.products import letters
from modelcheck.facts.spans import Rule, same, single, whole
from modelcheck.facts.trace import Step, argument

_ROUNDING = Fraction(1, 10**6)  # of a reciprocal written as a float


def reduced(step: Step, source: Source) -> Made:
    """mean, sum, max, var … over dimensions; the first two may complete a global average."""
    dims = source.map.dims
    taken = _dims(argument(step, "dim"), len(dims))
    keep = bool(argument(step, "keepdim"))
    made = [Dim() if k in taken else dim for k, dim in enumerate(dims) if keep or k not in taken]
    links = (Link(source.key, *(mixing(dims, axis, taken) for axis in AXES)),)
    on_map = [k for k in taken if dims[k].labelled]
    if not on_map:
        return Made(source.map.made_of(made), links)
    pure = all(dims[k].pure or dims[k].size == 1 for k in taken)
    if not pure or step.kind not in ("mean", "sum"):
        return Made(source.map.made_of(made, slid=_is_window(dims, taken)), links)
    area = math.prod(dims[k].size for k in taken)
    averaged = replace(
        source.map,
        dims=tuple(made),
        slid=source.map.slid or _is_window(dims, taken),
        by=(*source.map.by, (step.index, tuple(taken))),
        summed=source.map.summed * (area if step.kind == "sum" else 1),
        area=source.map.area * area,
    )
    return Made(averaged, links, _completed(averaged, step.index))


def scaled(step: Step, sources: list[Source]) -> Made:
    """Arithmetic by element; a division may complete the average that a sum began."""
    source = sources[0].map
    divisor = _divisor(step) if len(sources) == 1 and source.by and source.summed != 1 else None
    made = joined(step.shape or (), sources)
    if divisor is None:
        return made
    left = source.summed / divisor
    divided = replace(source, summed=Fraction(1) if abs(left - 1) <= _ROUNDING else left)
    return Made(divided, made.links, _completed(divided, step.index))


def spread(step: Step, source: Source) -> Made:
    """softmax, cumsum, sort, fft …: along its dimensions each position depends on every other one."""
    dims, shape = source.map.dims, step.shape or ()
    given = argument(step, "dim")
    taken = _dims([-2, -1] if given is None and step.name.endswith("2") else given, len(dims))
    links = (Link(source.key, *(mixing(dims, axis, taken) for axis in AXES)),)
    if len(shape) != len(dims):
        return lost(shape, [source])
    made = tuple(dim if dim.size == size else plain(size) for dim, size in zip(dims, shape, strict=True))
    return Made(source.map.made_of(made, slid=_is_window(dims, taken)), links)


def multiplied(step: Step, sources: list[Source]) -> Made:
    """Products of matrices: what stands in the dimension that is summed over is mixed."""
    shape = step.shape or ()
    found = letters(step)
    if found is None:
        return lost(shape, sources)
    operands, result = found
    inside = [one for one in sources if one.given in operands]
    made = tuple(_dim_of(letter, size, inside, operands) for letter, size in zip(result, shape, strict=True))
    links = tuple(
        Link(one.key, *(_product_rule(one, operands[one.given], made, result, axis) for axis in AXES)) for one in inside
    )
    windowed = any(
        _is_window(one.map.dims, [k for k, letter in enumerate(operands[one.given]) if letter not in result])
        for one in inside
    )
    slid = windowed or any(one.map.slid for one in sources)
    cut = bool(inside) and all(one.map.cut for one in inside)
    return Made(Map(made, slid=slid, cut=cut), (*links, *everything([one for one in sources if one not in inside])))


def attended(step: Step, sources: list[Source]) -> Made:
    """Attention: each query may see every key."""
    shape, query = step.shape or (), next((one for one in sources if one.given == key(step.node.args[0])), None)
    if query is None or sizes(query.map.dims)[:-1] != shape[:-1]:
        return lost(shape, sources)
    dims = (*query.map.dims[:-1], query.map.dims[-1] if query.map.dims[-1].size == shape[-1] else plain(shape[-1]))
    return Made(query.map.made_of(dims, slid=any(one.map.slid for one in sources)), everything(sources))


def _dim_of(letter: str, size: int, sources: Sequence[Source], operands: dict[int, str]) -> Dim:
    found = [
        one.map.dims[operands[one.given].index(letter)]
        for one in sources
        if letter in operands[one.given] and one.map.dims[operands[one.given].index(letter)].size == size
    ]
    return next((dim for dim in found if dim.labelled), plain(size))


def _product_rule(source: Source, term: str, made: Dims, result: str, axis: str) -> Rule:
    """The axis is followed where what is kept of it is all that the result has of it."""
    dims = source.map.dims
    found = [(term[k], factor) for k, factor in places(dims, axis) if factor.size > 1]
    kept = [(result.index(letter), factor) for letter, factor in found if letter in result]
    ours = [(k, factor) for k, factor in places(made, axis) if factor.size > 1]
    taken = [k for k, letter in enumerate(term) if letter not in result]
    rule = mixing(dims, axis, taken)
    if not found and rule is same:
        return single
    return rule if sorted(kept, key=str) == sorted(ours, key=str) else whole


def _is_window(dims: Dims, taken: Sequence[int]) -> bool:
    """Whether a part of an axis is mixed and a part stays, as in a layer over patches."""
    return any(
        any(k in taken for k, factor in places(dims, axis) if factor.size > 1)
        and any(k not in taken for k, factor in places(dims, axis) if factor.size > 1)
        for axis in AXES
    )


def _completed(one: Map, node: int) -> GlobalAverage | None:
    """Whether all of a map larger than one pixel was averaged: what is left of it has one row or column at most."""
    left = any(factor.axis and factor.size > 1 for dim in one.dims if dim.pure for factor in dim.factors)
    complete = bool(one.by) and one.area > 1 and one.summed == 1 and not one.cut and not left
    return GlobalAverage(node, one.by) if complete else None


def _divisor(step: Step) -> Fraction | None:
    """The number that a step divides by."""
    numbers = [one for one in step.args[1:] if isinstance(one, int | float) and not isinstance(one, bool)]
    if len(numbers) != 1 or not math.isfinite(numbers[0]) or numbers[0] == 0:
        return None
    if step.name in ("div", "div_", "true_divide", "divide"):
        return Fraction(numbers[0])
    return 1 / Fraction(numbers[0]) if step.name in ("mul", "mul_", "multiply") else None


def _dims(given: Any, rank: int) -> list[int]:
    """The dimensions that are meant; all of them where none is."""
    dims = [given] if isinstance(given, int) else list(given) if isinstance(given, tuple | list) else []
    return sorted({dim % rank for dim in dims}) if dims and rank else list(range(rank))
