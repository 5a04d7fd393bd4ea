"""Where height and width lie in each value, how far it sees, and where they are averaged away.

Every value that has a map carries labels, one a dimension: ``h``, ``w``, ``hw`` for the two laid out as one, or
nothing. Views and permutations move the labels, so that ``x.flatten(2).mean(2)`` is seen for the average over the map
that it is. The receptive field is the theoretical one in input pixels; sources: Araujo, Norris & Sim, "Computing
Receptive Fields of Convolutional Neural Networks", Distill 2019, eq. 2, and its rule for joins (the larger field wins).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

import torch

from modelcheck.facts.labels import Labels, permutation, relabel
from modelcheck.facts.trace import Shape, Step, Trace
from modelcheck.graph.operators import schema
from modelcheck.graph.wire import InputRef, NodeRef

_FARTHEST = 2**24  # pixels
_ROUNDING = Fraction(1, 10**6)  # of a reciprocal written as a float


@dataclass(frozen=True)
class Map:
    """How a value holds the picture's height and width.

    Args:
        labels: one a dimension.
        field: receptive field (height, width) in input pixels; None where a unit may see the whole picture.
        jump: input pixels between neighbouring units (height, width).
        pooled: True once the map was pooled away or flattened.
        slid: True once a convolution or a pool slid over it.
        cut: True where a part of the map was left out since.
        averaged: labels whose dimension was averaged (or summed) by the nodes in ``by``.
        summed: by what a sum has yet to be divided to be an average; 1 where nothing is pending.
    """

    labels: Labels
    field: tuple[Fraction, Fraction] | None
    jump: tuple[Fraction, Fraction]
    pooled: bool = False
    slid: bool = False
    cut: bool = False
    averaged: str = ""
    by: tuple[int, ...] = ()
    summed: Fraction = Fraction(1)
    area: int = 1


@dataclass(frozen=True)
class GlobalAverage:
    """A global average pooling: the node that completes it, and each node that reduces, with its dimensions."""

    node: int
    reductions: tuple[tuple[int, tuple[int, ...]], ...]


@dataclass(frozen=True)
class Spatial:
    """What the walk over a graph found."""

    maps: dict[int, Map]
    averages: tuple[GlobalAverage, ...]


def spatial(trace: Trace, input_shape: Shape) -> Spatial:
    """The maps and the global average poolings of a graph; empty where the input is no picture (C, H, W)."""
    if len(input_shape) != 3:
        return Spatial({}, ())
    walk = _Walk(trace)
    for step in trace.steps:
        walk.visit(step)
    return Spatial(walk.maps, tuple(walk.averages))


def receptive_field(found: Spatial, live: Callable[[int], bool]) -> tuple[int, int] | None:
    """Receptive field (height, width) of the last live map before it is pooled away or flattened.

    None where no convolution or pool slides over a map, or where a unit of it may see the whole picture (attention,
    global context).
    """
    last = None
    for index, one in found.maps.items():
        if live(index) and one.slid and not one.pooled and _has_map(one.labels):
            last = one
    if last is None or last.field is None:
        return None
    return math.ceil(last.field[0]), math.ceil(last.field[1])


class _Walk:
    def __init__(self, trace: Trace) -> None:
        self.maps: dict[int, Map] = {}
        self.averages: list[GlobalAverage] = []
        self.reduced: dict[int, tuple[int, ...]] = {}
        one = Fraction(1)
        self.input = Map(("", "", "h", "w"), (one, one), (one, one))

    def of(self, argument: Any) -> Map | None:
        if isinstance(argument, InputRef):
            return self.input
        return self.maps.get(argument.id) if isinstance(argument, NodeRef) else None

    def visit(self, step: Step) -> None:
        sources = [found for scalar in step.node.scalars() if (found := self.of(scalar)) is not None]
        if not sources or step.shape is None:
            return
        handler = _HANDLERS.get(step.kind) or _HANDLERS.get(step.name)
        if _reshaped_in_place(step, sources[0]):
            self.maps[step.index] = _lost(sources[0], len(step.shape))
        else:
            self.maps[step.index] = handler(self, step, sources) if handler else _joined(step, sources)

    def average(self, node: int, by: Sequence[int]) -> None:
        self.averages.append(GlobalAverage(node, tuple((index, self.reduced[index]) for index in by)))


def _reshaped_in_place(step: Step, source: Map) -> bool:
    """Whether an operator such as ``unsqueeze_`` changed its argument, so that the labels are of another rank."""
    return bool(step.args) and isinstance(step.args[0], torch.Size) and len(step.args[0]) != len(source.labels)


Handler = Callable[[_Walk, Step, list[Map]], Map]


def _lost(source: Map, rank: int, *, whole: bool = False) -> Map:
    """A value without a map any more; with ``whole``, one that mixes all of it."""
    return replace(
        source,
        labels=("",) * rank,
        pooled=True,
        field=None if whole else source.field,
        averaged="",
        by=(),
        summed=Fraction(1),
    )


def _has_map(labels: Labels) -> bool:
    return "hw" in labels or ("h" in labels and "w" in labels)


def _joined(step: Step, sources: list[Map]) -> Map:
    """Several values in one: the larger field wins, and a value that saw the whole map spreads that everywhere."""
    rank = len(step.shape or ())
    spatial_ones = [one for one in sources if not one.pooled]
    if not spatial_ones:
        return _lost(sources[0], rank)
    shaped = [one for one in spatial_ones if len(one.labels) == rank]
    if not shaped:
        return _lost(spatial_ones[0], rank, whole=True)
    whole = any(one.field is None for one in spatial_ones) or len(spatial_ones) < len(sources)
    base = replace(shaped[0], averaged="", by=(), summed=Fraction(1))
    if whole:
        return replace(base, field=None)
    fields = [one.field for one in spatial_ones if one.field is not None]
    return replace(
        base,
        field=(max(f[0] for f in fields), max(f[1] for f in fields)),
        jump=(max(one.jump[0] for one in spatial_ones), max(one.jump[1] for one in spatial_ones)),
        slid=any(one.slid for one in spatial_ones),
    )


def _elementwise(walk: _Walk, step: Step, sources: list[Map]) -> Map:
    source = sources[0]
    divisor = _divisor(step) if len(sources) == 1 and source.by and source.summed != 1 else None
    if divisor is None:
        return _joined(step, sources)
    left = source.summed / divisor
    if abs(left - 1) > _ROUNDING:
        return replace(source, summed=left)
    divided = replace(source, summed=Fraction(1))
    if _is_complete(divided, step.shape or ()):
        walk.average(step.index, source.by)
    return divided


def _divisor(step: Step) -> Fraction | None:
    """The number that a step divides by."""
    numbers = [one for one in step.args[1:] if isinstance(one, int | float) and not isinstance(one, bool)]
    if len(numbers) != 1 or not math.isfinite(numbers[0]) or numbers[0] == 0:
        return None
    if step.name in ("div", "div_", "true_divide", "divide"):
        return Fraction(numbers[0])
    return 1 / Fraction(numbers[0]) if step.name in ("mul", "mul_", "multiply") else None


def _is_complete(one: Map, shape: Shape) -> bool:
    """Whether all of a map larger than one pixel was averaged: what is left of it has one row or column at most."""
    left = [size for label, size in zip(one.labels, shape, strict=True) if label]
    return bool(one.averaged) and one.area > 1 and one.summed == 1 and not one.cut and all(size == 1 for size in left)


def _view(walk: _Walk, step: Step, sources: list[Map]) -> Map:
    source, shape = sources[0], step.shape or ()
    before = step.args[0] if isinstance(step.args[0], tuple) else ()
    order = permutation(step, len(before))
    if order is not None:
        return replace(source, labels=tuple(source.labels[position] for position in order))
    labels = relabel(tuple(before), source.labels, shape)
    if labels is None:
        partial = any(source.labels)
        return _lost(source, len(shape)) if partial or source.pooled else replace(source, labels=("",) * len(shape))
    return replace(source, labels=labels)


def _pair(value: Any) -> tuple[int, int]:
    if isinstance(value, int):
        return value, value
    return (value[0], value[0]) if len(value) == 1 else (value[-2], value[-1])


def _argument(step: Step, position: int, name: str, default: Any) -> Any:
    if position < len(step.args):
        return step.args[position]
    return step.node.kwargs.get(name, default)


def _slide(source: Map, kernel: tuple[int, int], stride: tuple[int, int], dilation: tuple[int, int]) -> Map:
    field, jump = source.field, source.jump
    if field is not None:
        field = (
            field[0] + (kernel[0] - 1) * dilation[0] * jump[0],
            field[1] + (kernel[1] - 1) * dilation[1] * jump[1],
        )
    jump = (jump[0] * stride[0], jump[1] * stride[1])
    # exact numbers grow without end in a graph that strides over one pixel again and again
    if any(max(one.numerator, one.denominator) > _FARTHEST for one in (*jump, *(field or ()))):
        field, jump = None, (Fraction(1), Fraction(1))
    return replace(source, field=field, jump=jump, slid=True, cut=False, averaged="", by=(), summed=Fraction(1))


def _convolution(walk: _Walk, step: Step, sources: list[Map]) -> Map:
    source, rank = _as_picture(sources[0], step.args[0]), len(step.shape or ())
    if source.pooled or source.labels[-2:] != ("h", "w"):
        return _lost(source, rank, whole=not source.pooled)
    kernel = _pair(step.args[1][-2:])
    stride = _pair(_argument(step, 3, "stride", 1))
    if "transpose" in step.name:
        # one unit of the result is reached from every stride-th weight of the kernel
        reached = (math.ceil(kernel[0] / stride[0]), math.ceil(kernel[1] / stride[1]))
        slid = _slide(source, reached, (1, 1), _pair(_argument(step, 7, "dilation", 1)))
        return replace(slid, jump=(slid.jump[0] / stride[0], slid.jump[1] / stride[1]))
    return _slide(source, kernel, stride, _pair(_argument(step, 5, "dilation", 1)))


def _average_pool(walk: _Walk, step: Step, sources: list[Map]) -> Map:
    return _pool(walk, step, sources[0], average=True)


def _max_pool(walk: _Walk, step: Step, sources: list[Map]) -> Map:
    return _pool(walk, step, sources[0], average=False)


def _pool(walk: _Walk, step: Step, source: Map, *, average: bool) -> Map:
    shape, before = step.shape or (), step.args[0]
    dims = 1 if "1d" in step.name else 2
    source = _as_picture(source, before) if dims == 2 else source
    labels = source.labels[-dims:]
    if labels not in (("h", "w"), ("hw",)) or len(before) != len(source.labels):
        return _joined(step, [source])
    sides, after = before[-dims:], shape[-dims:]
    adaptive = step.name.startswith("adaptive")
    if math.prod(after) == 1 and math.prod(sides) > 1:
        if average and not source.cut and (adaptive or _covers(step, sides)):
            walk.reduced[step.index] = tuple(range(len(before) - dims, len(before)))
            walk.average(step.index, [step.index])
        return _lost(source, len(shape))
    if dims == 1:
        return replace(_lost(source, len(shape)), pooled=False, field=None, labels=source.labels)
    if adaptive:
        kernel, stride = _adaptive_window(sides, after)
        return _slide(source, kernel, stride, (1, 1))
    kernel = _pair(step.args[1])
    given = _argument(step, 2, "stride", None)
    dilation = _argument(step, 4, "dilation", 1) if not average else 1
    return _slide(source, kernel, _pair(given) if given else kernel, _pair(dilation))


def _as_picture(source: Map, shape: Shape) -> Map:
    """The value as a 2d convolution or pool takes it: whatever became of its labels, its last dimensions are a map."""
    if len(shape) != 4 or math.prod(shape[-2:]) == 1 or source.labels == ("", "", "h", "w"):
        return source
    return replace(_lost(source, 4, whole=True), labels=("", "", "h", "w"), pooled=False)


def _covers(step: Step, sides: Shape) -> bool:
    """Whether the window takes in the whole map and divides by its area."""
    kernel, padding = (_sized(_argument(step, at, "", 0), len(sides)) for at in (1, 3))
    if not all(k - p >= side for k, p, side in zip(kernel, padding, sides, strict=True)):
        return False
    divisor = _argument(step, 6, "divisor_override", None)
    if divisor is not None:
        return bool(divisor == math.prod(sides))
    return not any(padding) or _argument(step, 5, "count_include_pad", True) is False


def _sized(value: Any, count: int) -> tuple[int, ...]:
    values = (value,) if isinstance(value, int) else tuple(value)
    return values * count if len(values) == 1 else values


def _adaptive_window(sides: Shape, after: Shape) -> tuple[tuple[int, int], tuple[int, int]]:
    kernel = tuple(math.ceil(side / max(to, 1)) for side, to in zip(sides, after, strict=True))
    stride = tuple(max(side // max(to, 1), 1) for side, to in zip(sides, after, strict=True))
    return (kernel[0], kernel[1]), (stride[0], stride[1])


def _reduction(walk: _Walk, step: Step, sources: list[Map]) -> Map:
    """mean, sum, max, var … over dimensions; the first two may be a global average."""
    source, before = sources[0], step.args[0]
    rank = len(before)
    given = _by_name(step, "dim")
    dims = sorted(_dims(given, rank) if isinstance(given, int | tuple | list) else range(rank))
    keep = bool(_by_name(step, "keepdim"))
    taken = "".join(source.labels[dim] for dim in dims)
    labels = tuple("" if k in dims else label for k, label in enumerate(source.labels) if keep or k not in dims)
    if not taken:
        return replace(source, labels=labels, averaged="", by=(), summed=Fraction(1))
    pure = all(source.labels[dim] for dim in dims)
    sizes = math.prod(before[dim] for dim in dims)
    together = "".join(sorted(source.averaged + taken))
    averaging = step.kind in ("mean", "sum") and pure
    if not averaging:
        return _lost(source, len(labels)) if not _has_map(labels) else replace(source, labels=labels)
    walk.reduced[step.index] = tuple(dims)
    averaged = replace(
        source,
        labels=labels,
        averaged=together,
        by=(*source.by, step.index),
        summed=source.summed * (sizes if step.kind == "sum" else 1),
        area=source.area * sizes,
    )
    if _is_complete(averaged, step.shape or ()):
        walk.average(step.index, averaged.by)
    gone = not any(size > 1 for label, size in zip(labels, step.shape or (), strict=True) if label)
    return replace(averaged, pooled=source.pooled or gone)


def _by_name(step: Step, name: str) -> Any:
    """The argument of that name in the operator's schema; None where it is not given."""
    described = schema(step.node.op)
    names = [argument.name for argument in described.arguments] if described else []
    at = names.index(name) if name in names else len(step.args)
    return step.args[at] if at < len(step.args) else step.node.kwargs.get(name)


def _dims(given: int | Sequence[int], rank: int) -> list[int]:
    dims = [given] if isinstance(given, int) else list(given)
    return [dim % rank for dim in dims] if dims else list(range(rank))


def _linear(walk: _Walk, step: Step, sources: list[Map]) -> Map:
    source, rank = sources[0], len(step.shape or ())
    if source.pooled:
        return _lost(source, rank)
    if len(sources) == 1 and step.name == "linear" and not source.labels[-1]:
        return replace(source, averaged="", by=(), summed=Fraction(1))
    return _lost(source, rank, whole=True)


def _mixing(walk: _Walk, step: Step, sources: list[Map]) -> Map:
    """Products of values that both come from the map: every unit may see every other."""
    mixed = next((one for one in sources if not one.pooled), sources[0])
    rank = len(step.shape or ())
    if mixed.pooled:
        return _lost(mixed, rank)
    return replace(
        _lost(mixed, rank, whole=True),
        pooled=False,
        labels=mixed.labels if len(mixed.labels) == rank else ("",) * rank,
    )


def _softmax(walk: _Walk, step: Step, sources: list[Map]) -> Map:
    source = sources[0]
    dim = _argument(step, 1, "dim", -1)
    dims = dim if isinstance(dim, tuple | list) else [dim]
    over_map = any(isinstance(one, int) and source.labels[one % len(source.labels)] for one in dims if source.labels)
    return replace(_joined(step, [source]), field=None) if over_map else _joined(step, [source])


def _resample(walk: _Walk, step: Step, sources: list[Map]) -> Map:
    source, shape = sources[0], step.shape or ()
    if source.pooled:
        return replace(source, labels=("", "", "h", "w")[: len(shape)], pooled=False, field=None)
    before = step.args[0]
    factor = [Fraction(now, max(was, 1)) for was, now in zip(before[-2:], shape[-2:], strict=True)]
    return replace(_joined(step, [source]), jump=(source.jump[0] / factor[0], source.jump[1] / factor[1]))


def _cropped(walk: _Walk, step: Step, sources: list[Map]) -> Map:
    """slice, narrow, index and pad: a map that lost pixels is not the whole map any more."""
    source, before, shape = sources[0], step.args[0], step.shape or ()
    if len(before) != len(shape) or len(sources) > 1:
        return _joined(step, sources)
    lost = any(label and now < was for label, was, now in zip(source.labels, before, shape, strict=True))
    every = step.args[4] if step.name == "slice" and len(step.args) > 4 and isinstance(step.args[4], int) else 1
    label = source.labels[step.args[1] % len(before)] if every > 1 else ""
    jump = (source.jump[0] * (every if label == "h" else 1), source.jump[1] * (every if label == "w" else 1))
    return replace(_joined(step, sources), cut=source.cut or lost, jump=jump)


def _shuffle(walk: _Walk, step: Step, sources: list[Map]) -> Map:
    """Pixels moved into channels, as by a window of stride r, or back."""
    source, factor = _as_picture(sources[0], step.args[0]), step.args[1]
    if source.pooled or source.labels != ("", "", "h", "w"):
        return _joined(step, sources)
    if step.name == "pixel_unshuffle":
        return _slide(source, (factor, factor), (factor, factor), (1, 1))
    return replace(source, jump=(source.jump[0] / factor, source.jump[1] / factor))


def _select(walk: _Walk, step: Step, sources: list[Map]) -> Map:
    source, rank = sources[0], len(step.args[0])
    dim = _argument(step, 1, "dim", 0) % max(rank, 1)
    labels = tuple(label for k, label in enumerate(source.labels) if k != dim)
    return replace(
        source, labels=labels, averaged="", by=(), summed=Fraction(1), pooled=source.pooled or bool(source.labels[dim])
    )


_HANDLERS: dict[str, Handler] = {
    "convolution": _convolution,
    "average-pool": _average_pool,
    "max-pool": _max_pool,
    "mean": _reduction,
    "sum": _reduction,
    "view": _view,
    "elementwise": _elementwise,
    "linear": _linear,
    "product": _mixing,
    "attention": _mixing,
    "recurrent": _mixing,
    "softmax": _softmax,
    "select": _select,
    "slice": _cropped,
    "narrow": _cropped,
    "index": _cropped,
    "index_select": _cropped,
    "pad": _cropped,
    "constant_pad_nd": _cropped,
    "pixel_shuffle": _shuffle,
    "pixel_unshuffle": _shuffle,
    "amax": _reduction,
    "amin": _reduction,
    "var": _reduction,
    "std": _reduction,
    "prod": _reduction,
    "linalg_vector_norm": _reduction,
    "upsample_nearest2d": _resample,
    "upsample_bilinear2d": _resample,
    "upsample_bicubic2d": _resample,
    "_upsample_nearest_exact2d": _resample,
    "_upsample_bilinear2d_aa": _resample,
    "_upsample_bicubic2d_aa": _resample,
}
