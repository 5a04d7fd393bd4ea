"""The receptive field: how much of the picture one pixel of the last map sees.

Source: Araujo, Norris & Sim, "Computing Receptive Fields of Convolutional Neural Networks", Distill 2019: eq. 1 and 2
for one path, and its section on arbitrary computation graphs for joins. As there, spans are followed from the last map
back to the picture; unlike there, branches may lie at an offset to each other, and the span of all of them is taken.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

import numpy as np

from modelcheck.facts.labels import AXES, is_map, places
from modelcheck.facts.maps import Map
from modelcheck.facts.spans import Span, union
from modelcheck.facts.spatial import Spatial
from modelcheck.facts.structs import FieldKind

_FARTHEST = 2**24  # pixels; what is farther is everything
_MOST_SPANS = 2**24  # of all values together; of more pixels those in the middle are looked at


def receptive_field(found: Spatial) -> tuple[tuple[int, int] | None, FieldKind]:
    """Receptive field (height, width) of one pixel of the last map, all of its channels together, and its kind.

    The last map is the one that is pooled away, flattened or returned; of several the largest field counts. Of a map
    whose pixels see differently much, the one that sees most counts, as if it had enough picture around it.

    The field is None and its kind ``none`` where nothing slides over a map, and ``unbounded`` where a pixel of the last
    map may see the whole picture (attention, global context).
    """
    last = [index for index in last_maps(found) if found.maps[index].slid]
    if not last:
        return None, "none"
    sides = [_extent(found, last, axis) for axis in AXES]
    if max(sides) > _FARTHEST:
        return None, "unbounded"
    return (max(int(sides[0]), 1), max(int(sides[1]), 1)), "exact"


def last_maps(found: Spatial) -> Iterator[int]:
    """The maps from which the output is made without another map between."""
    waiting = [] if found.output is None else [found.output]
    met = set(waiting)
    for index in waiting:
        if is_map(found.maps[index].dims):
            yield index
            continue
        for link in found.links[index]:
            if link.key not in met:
                met.add(link.key)
                waiting.append(link.key)


def seen(found: Spatial, last: Sequence[int], axis: str) -> list[Span]:
    """What each pixel of some maps sees of each picture, along one axis; nothing where a span begins above its end."""
    most = max(_MOST_SPANS // (len(found.maps) * len(last)), 1)
    pixels = [_pixels(found.maps[index], axis, most) for index in last]
    spans = _apart(dict(zip(last, pixels, strict=True)))
    pictures = []
    with np.errstate(all="ignore"):  # infinite places are everything
        for one in _ordered(found, last):
            span = spans.pop(one)
            if one < 0:
                pictures.append(span)
            for link in found.links[one]:
                reached = (link.rows if axis == "h" else link.columns)(span)
                spans[link.key] = union(spans[link.key], reached) if link.key in spans else reached
    return pictures


def _extent(found: Spatial, last: Sequence[int], axis: str) -> float:
    """How many rows (columns) of a picture that pixel sees that sees most of them."""
    with np.errstate(all="ignore"):
        extents = [np.where(low <= high, high - low + 1, 0) for low, high in seen(found, last, axis)]
    most = max((float(one.max(initial=0)) for one in extents), default=0.0)
    return math.inf if math.isnan(most) else most


def _pixels(one: Map, axis: str, most: int) -> Span:
    """The places of a map's pixels: one each, or several where channels hold some of them."""
    own = [factor for k, factor in places(one.dims, axis) if one.dims[k].pure]
    count = math.prod(factor.size for factor in own)
    number = np.arange(max(count - most, 0) // 2, max(count - most, 0) // 2 + min(count, most))
    low = np.zeros(len(number))
    for factor in reversed(own):
        number, rest = np.divmod(number, factor.size)
        low += rest * factor.step
    beside = [factor for k, factor in places(one.dims, axis) if not one.dims[k].pure]
    return low, low + float(sum((factor.size - 1) * factor.step for factor in beside))


def _apart(spans: dict[int, Span]) -> dict[int, Span]:
    """The spans one after the other, each value with nothing in the places of the others."""
    total = sum(len(low) for low, _ in spans.values())
    apart: dict[int, Span] = {}
    start = 0
    for index, (low, high) in spans.items():
        lowest, highest = np.full(total, math.inf), np.full(total, -math.inf)
        lowest[start : start + len(low)], highest[start : start + len(low)] = low, high
        apart[index] = lowest, highest
        start += len(low)
    return apart


def _ordered(found: Spatial, last: Sequence[int]) -> list[int]:
    """The values that some are made of, themselves too, and each before its sources."""
    order: list[int] = []
    done: set[int] = set()
    waiting = [(index, False) for index in last]
    while waiting:
        index, left = waiting.pop()
        if left:
            order.append(index)
        elif index not in done:
            done.add(index)
            waiting.append((index, True))
            waiting += [(link.key, False) for link in found.links[index] if link.key not in done]
    return order[::-1]
