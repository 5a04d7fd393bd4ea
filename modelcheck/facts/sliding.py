"""Operators that slide a window over the map, or lay a finer or coarser grid over it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction
from typing import Any

from modelcheck.facts.labels import AXES, Dim, along, is_map, places, plain, unknown
from modelcheck.facts.maps import GlobalAverage, Link, Made, Map, Source, everything, hazy, joined, key, lost, mixing
from modelcheck.facts.spans import (
    Rule,
    adaptive_window,
    affine,
    mixed,
    nearest,
    regrouped,
    same,
    single,
    smoothed,
    transposed_window,
    whole,
    window,
)
from modelcheck.facts.spans import after as follow
from modelcheck.facts.trace import Shape, Step, argument

_FINEST = 10**6  # denominator of a factor of scale, which is given as a float


def convolved(step: Step, sources: list[Source]) -> Made:
    """A convolution; of several sources the first is its picture, and the kernel may be made of all of the others."""
    source, others = sources[0], sources[1:]
    rank = len(step.args[1]) - 2
    if key(step.node.args[0]) != source.given:  # only the kernel is made of the picture
        return lost(step.shape or (), sources)
    given = [_sized(argument(step, name), rank) for name in ("stride", "dilation")]
    kernel = step.args[1][2:]
    padding = _padding(argument(step, "padding"), kernel, given[1])
    transposed = "transpose" in step.name or argument(step, "transposed") is True
    rule = transposed_window if transposed else window
    made = slid(step.shape or (), source, [rule(*one) for one in zip(kernel, given[0], padding, given[1], strict=True)])
    return Made(made.map, (*made.links, *everything(others)))


def pooled(step: Step, source: Source) -> Made:
    """A pool; one that averages all that is left of the map is a global one."""
    shape, dims = step.shape or (), source.map.dims
    rank = int(step.name[step.name.index("pool") + 4])
    sides, after = tuple(dim.size for dim in dims[-rank:]), shape[-rank:]
    average, adaptive = step.kind == "average-pool", step.name.startswith("adaptive")
    if adaptive:
        rules = [adaptive_window(side, to) for side, to in zip(sides, after, strict=True)]
    else:
        kernel, padding = (_sized(argument(step, name), rank) for name in ("kernel_size", "padding"))
        stride = _sized(argument(step, "stride") or kernel, rank)
        dilation = _sized(1 if average else argument(step, "dilation"), rank)
        rules = [window(*one) for one in zip(kernel, stride, padding, dilation, strict=True)]
    if math.prod(after) != 1 or math.prod(sides) == 1:
        return slid(shape, source, rules, mixes=False)
    taken = tuple(range(len(dims) - rank, len(dims)))
    on_map = all(dims[k].pure or dims[k].size == 1 for k in taken) and any(dims[k].labelled for k in taken)
    left = any(dim.pure and dim.size > 1 for dim in dims[:-rank])
    found = None
    if average and on_map and not left and not source.map.cut and (adaptive or _covers(step, sides)):
        found = GlobalAverage(step.index, ((step.index, taken),))
    made = source.map.made_of([*(_off_map(dim) for dim in dims[:-rank]), *(Dim() for _ in taken)])
    return Made(made, (Link(source.key, *(mixing(dims, axis, taken) for axis in AXES)),), found)


def unfolded(step: Step, source: Source) -> Made:
    """Windows laid out as positions, and their pixels as channels: F.unfold, and Tensor.unfold along one dimension."""
    shape, dims = step.shape or (), source.map.dims
    if step.name == "unfold":
        at = argument(step, "dimension") % len(dims)
        if dims[at].only is None:
            return lost(shape, [source]) if dims[at].labelled else joined(shape[:-1], [source]).also(shape[-1])
        rules: list[Rule | None] = [None] * len(dims)
        rules[at] = window(argument(step, "size"), argument(step, "step"), 0, 1)
        return _sliding(shape[:-1], source, rules, mixed_in=[]).also(shape[-1])
    given = [_sized(argument(step, name), 2) for name in ("kernel_size", "stride", "padding", "dilation")]
    kernel, stride, padding, dilation = given
    sides = [dim.size for dim in dims[-2:]]
    grid = [
        (side + 2 * p - d * (k - 1) - 1) // s + 1
        for side, k, s, p, d in zip(sides, kernel, stride, padding, dilation, strict=True)
    ]
    made = slid((*shape[:-1], *grid), source, [window(*one) for one in zip(*given, strict=True)])
    factors = tuple(factor for dim in made.map.dims[-2:] for factor in dim.factors)
    return Made(made.map.made_of([*made.map.dims[:-2], Dim(factors)]), made.links)


def resized(step: Step, source: Source) -> Made:
    """A finer or coarser grid over the same picture."""
    shape, dims = step.shape or (), source.map.dims
    rank = len(shape) - 2
    scales = argument(step, "scale_factors") or [
        one for name in ("scales_d", "scales_h", "scales_w", "scales") if (one := argument(step, name)) is not None
    ]
    corners = argument(step, "align_corners") is True
    rules = []
    for at in range(rank):
        before, now = dims[2 + at].size, shape[2 + at]
        given = scales[at] if len(scales) == rank else None
        rules.append(_resize(step.name, before, now, given, corners=corners))
    return _sliding(shape, source, [None, None, *rules], mixed_in=[], slides=False)


def shuffled(step: Step, source: Source) -> Made:
    """Pixels moved into channels, as by a window of stride r, or back; channel_shuffle moves no pixel."""
    shape, dims = step.shape or (), source.map.dims
    if step.name == "channel_shuffle":
        return joined(shape, [source])
    factor = step.args[1]
    rule = window(factor, factor, 0, 1) if step.name == "pixel_unshuffle" else regrouped(factor, 1, 0)
    return _sliding(shape, source, [*[None] * (len(dims) - 2), rule, rule], mixed_in=[len(dims) - 3])


def slid(shape: Shape, source: Source, rules: Sequence[Rule], *, mixes: bool = True) -> Made:
    """Windows over the last dimensions; the one before them holds channels, which a convolution mixes."""
    fixed = len(shape) - len(rules)
    if not is_map(source.map.dims) and math.prod(shape[fixed:]) == 1:  # a vector that is written as a map of one pixel
        dims = (*(plain(size) for size in shape[:fixed]), *(Dim() for _ in rules))
        return Made(source.map.made_of(dims), everything([source]))
    channels = [fixed - 1] if mixes or not source.map.dims[fixed - 1].pure else []
    return _sliding(shape, source, [*[None] * fixed, *rules], mixed_in=channels)


def _sliding(
    shape: Shape, source: Source, rules: Sequence[Rule | None], *, mixed_in: Sequence[int], slides: bool = True
) -> Made:
    """A new grid in the dimensions that have a rule; what other dimensions hold of the map must be mixed or stay."""
    dims = source.map.dims
    moving = {k: rule for k, rule in enumerate(rules) if rule is not None}
    links: dict[str, Rule] = {}
    for axis in AXES:
        here = [(k, factor) for k, factor in places(dims, axis) if k in moving and dims[k].only == factor]
        beside = [(k, f) for k, f in places(dims, axis) if f.size > 1 and (k, f) not in here]
        if len(here) == 1 and all(k in mixed_in for k, _ in beside):
            (at, factor), more = here[0], sum((f.size - 1) * f.step for _, f in beside)
            links[axis] = follow(moving[at], affine(factor.step, 0, more))
        elif hazy(dims) or any(k in moving or k in mixed_in for k, _ in [*here, *beside]):
            links[axis] = whole
        else:
            links[axis] = same if beside else single
    made = [
        _grid(dims, k, size, moving, list(moving)) if k in moving else _kept(dims[k], size, k in mixed_in)
        for k, size in enumerate(shape)
    ]
    return Made(
        Map(tuple(made), source.map.slid or slides, source.map.cut and not slides),
        (Link(source.key, links["h"], links["w"]),),
    )


def _grid(dims: Sequence[Dim], at: int, size: int, moving: dict[int, Any], order: list[int]) -> Dim:
    only = dims[at].only
    if only is not None:
        return along(only.axis, size)
    if dims[at].labelled:
        return unknown(size) if size > 1 else Dim()
    taken = {factor.axis for dim in dims for factor in dim.factors}
    # a map of its own, made of what was none
    axis = AXES[order.index(at) - len(order) + 2] if 2 <= len(order) <= 3 and order.index(at) >= len(order) - 2 else ""
    if axis and axis not in taken:
        return along(axis, size)
    return plain(size)


def _kept(dim: Dim, size: int, is_mixed: bool) -> Dim:
    return dim if dim.size == size and not is_mixed else plain(size)


def _off_map(dim: Dim) -> Dim:
    return plain(dim.size) if dim.labelled and not dim.pure else dim


def _padding(given: Any, kernel: Sequence[int], dilation: Sequence[int]) -> list[int]:
    if given == "same":
        return [d * (k - 1) // 2 for k, d in zip(kernel, dilation, strict=True)]
    return [0] * len(kernel) if given == "valid" else _sized(given, len(kernel))


def _sized(given: Any, count: int) -> list[int]:
    values = [given] if isinstance(given, int) else list(given)
    return values * count if len(values) == 1 else values


def _covers(step: Step, sides: Shape) -> bool:
    """Whether an average pool's window takes in the whole map and divides by its area."""
    kernel, padding = (_sized(argument(step, name), len(sides)) for name in ("kernel_size", "padding"))
    if not all(k - p >= side for k, p, side in zip(kernel, padding, sides, strict=True)):
        return False
    divisor = argument(step, "divisor_override")
    if divisor is not None:
        return bool(divisor == math.prod(sides))
    return not any(padding) or argument(step, "count_include_pad") is False


def _resize(name: str, before: int, now: int, given: float | None, *, corners: bool) -> Rule:
    if before == 1 or (corners and now == 1):
        return single
    told = Fraction(given).limit_denominator(_FINEST) if given and 0 < given < math.inf else None
    scale = 1 / told if told else Fraction(before, now)
    if "nearest" in name:
        return nearest(scale, exact="exact" in name)
    reach = 2 if "bicubic" in name else 1
    if name.endswith("_aa"):
        return smoothed(scale, reach)
    return mixed(Fraction(before - 1, now - 1) if corners else scale, reach, corners=corners)
