"""The receptive field: how much of the picture one pixel of the last map sees.

Source: Araujo, Norris & Sim, "Computing Receptive Fields of Convolutional Neural Networks", Distill 2019: eq. 1 and 2
for one path, and its section on arbitrary computation graphs for joins. As there, spans are followed from the last map
back to the picture; unlike there, branches may lie at an offset to each other, and the span of all of them is taken.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from modelcheck.facts.labels import AXES, is_map, places
from modelcheck.facts.maps import Map
from modelcheck.facts.spans import Span, union
from modelcheck.facts.spatial import Spatial
from modelcheck.facts.structs import FieldKind

_FARTHEST = 2**24  # pixels; what is farther is everything


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
    sides = [max(_extent(found, index, axis) for index in last) for axis in AXES]
    if max(sides) > _FARTHEST:
        return None, "unbounded"
    return (max(int(sides[0]), 1), max(int(sides[1]), 1)), "exact"


def last_maps(found: Spatial) -> Iterator[int]:
    """The maps from which the output is made without another map between."""
    waiting = [] if found.output is None else [found.output]
    seen = set(waiting)
    for index in waiting:
        if is_map(found.maps[index].dims):
            yield index
            continue
        for link in found.links[index]:
            if link.key not in seen:
                seen.add(link.key)
                waiting.append(link.key)


def seen(found: Spatial, index: int, axis: str) -> list[Span]:
    """What each pixel of a map sees of each picture, along one axis; nothing where a span begins above its end."""
    spans = {index: _pixels(found.maps[index], axis)}
    pictures = []
    with np.errstate(all="ignore"):  # infinite places are everything
        for one in _ordered(found, index):
            span = spans.pop(one)
            if one < 0:
                pictures.append(span)
            for link in found.links[one]:
                reached = (link.rows if axis == "h" else link.columns)(span)
                spans[link.key] = union(spans[link.key], reached) if link.key in spans else reached
    return pictures


def _extent(found: Spatial, index: int, axis: str) -> float:
    """How many rows (columns) of a picture that pixel of a map sees that sees most of them."""
    with np.errstate(all="ignore"):
        extents = [np.where(low <= high, high - low + 1, 0) for low, high in seen(found, index, axis)]
    most = max((float(one.max(initial=0)) for one in extents), default=0.0)
    return math.inf if math.isnan(most) else most


def _ordered(found: Spatial, last: int) -> list[int]:
    """The values that one is made of, itself first, and each before its sources."""
    order: list[int] = []
    done: set[int] = set()
    waiting = [(last, False)]
    while waiting:
        index, left = waiting.pop()
        if left:
            order.append(index)
        elif index not in done:
            done.add(index)
            waiting.append((index, True))
            waiting += [(link.key, False) for link in found.links[index] if link.key not in done]
    return order[::-1]


def _pixels(one: Map, axis: str) -> Span:
    """The places of each of a map's pixels: one, or several where channels hold some of them."""
    low = np.zeros(1)
    beside = 0
    for k, factor in places(one.dims, axis):
        if one.dims[k].pure:
            low = (low[:, None] + np.arange(factor.size) * factor.step).reshape(-1)
        else:
            beside += (factor.size - 1) * factor.step
    return low.astype(np.float64), low + float(beside)
