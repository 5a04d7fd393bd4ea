"""What each pixel of the last map sees, against the gradients of random models with positive weights."""

from __future__ import annotations

import random
from dataclasses import replace

import numpy as np
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from torch import nn

from modelcheck.capturing.capture import capture_model
from modelcheck.facts.labels import places
from modelcheck.facts.maps import Link
from modelcheck.facts.receptive_field import last_maps, receptive_field, seen
from modelcheck.facts.spans import Rule, Span
from modelcheck.facts.spatial import Spatial, spatial
from modelcheck.facts.trace import traces
from modelcheck.graph.model import GraphModel
from tests.facts.growing import CHANNELS, grow

SIDES = (43, 48)
MOST_VALUES = 2**17
TRIED = 16  # pixels of the last map, on each axis


def found(model: nn.Module, shape: tuple[int, ...]) -> Spatial:
    meta = GraphModel(capture_model(model, shape), device="meta")
    return spatial(traces(meta)[2], meta.header.inputs)


def measured(model: nn.Module, axis: int, pixels: np.ndarray, across: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The first and the last row (column) that those of the output depend on; nothing: last before first.

    Of a row (column) only the pixels ``across`` it are looked at.
    """
    for module in model.modules():
        module.twin = True
    x = (torch.rand(1, CHANNELS, *SIDES, dtype=torch.float64) + 0.5).repeat(len(pixels), 1, 1, 1).requires_grad_()
    y = model.double().eval()(x)
    sum(y[place].select(1 + axis, pixel)[:, across].sum() for place, pixel in enumerate(pixels.tolist())).backward()
    reached = (x.grad != 0).any(1).any(2 - axis).numpy()
    first = np.where(reached.any(1), reached.argmax(1), SIDES[axis])
    last = np.where(reached.any(1), SIDES[axis] - 1 - reached[:, ::-1].argmax(1), -1)
    return first, last


def small_enough(model: nn.Module) -> bool:
    """Whether the model runs, on maps that are never smaller than its windows nor large."""
    sizes: list[int] = []
    hooks = [module.register_forward_hook(lambda *given: sizes.append(given[2].numel())) for module in model.modules()]
    try:
        with torch.no_grad():
            model.eval()(torch.rand(1, CHANNELS, *SIDES))
    except RuntimeError:
        return False
    finally:
        for hook in hooks:
            hook.remove()
    return min(sizes) > 0 and max(sizes) <= MOST_VALUES


def seen_with_borders(found: Spatial, last: int, axis: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """What each pixel sees where every map on the way ends at its border, and whether no border is reached."""
    touched: list[np.ndarray] = []

    def ended(rule: Rule, border: int) -> Rule:
        def rule_with_end(span: Span) -> Span:
            low, high = rule(span)
            bound = np.maximum(low, 0), np.minimum(high, border)
            touched.append((low <= high) & ((low < 0) | (high > border)))
            nothing = bound[0] > bound[1]
            return np.where(nothing, np.inf, bound[0]), np.where(nothing, -np.inf, bound[1])

        return rule_with_end

    ends = {key: sum((f.size - 1) * f.step for _, f in places(one.dims, axis)) for key, one in found.maps.items()}
    links = {
        key: tuple(Link(one.key, ended(one.rows, ends[one.key]), ended(one.columns, ends[one.key])) for one in those)
        for key, those in found.links.items()
    }
    ((low, high),) = seen(replace(found, links=links), [last], axis)
    return low, high, ~np.any([np.zeros(len(low), bool), *touched], axis=0)


@settings(max_examples=12, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(1, 4), st.booleans())
def test_every_pixel_sees_what_its_gradient_shows(seed: int, length: int, wraps: bool) -> None:
    torch.manual_seed(seed)
    model = grow(random.Random(seed), length, wraps=wraps)
    assume(small_enough(model))
    spatial = found(model, (CHANNELS, *SIDES))
    (last,) = last_maps(spatial)
    field, kind = receptive_field(spatial)
    inside = [seen_with_borders(spatial, last, name) for name in "hw"]
    for axis, name in enumerate("hw"):
        low, high, free = inside[axis]
        pixels = np.unique(np.linspace(0, len(low) - 1, TRIED).astype(int))
        across = np.flatnonzero(inside[1 - axis][2])
        low, high, free = low[pixels], high[pixels], free[pixels] & bool(len(across))
        first, end = measured(model, axis, pixels, across)
        assert ends(low[free], high[free]) == ends(first[free], end[free]), model
        # a border may lie between two places that are seen; what is mirrored at one is seen somewhere else
        assert wraps or ((low <= first) & (end <= high) | (first > end)).all(), model
        ((low, high),) = seen(spatial, [last], name)
        assert kind == "none" or field[axis] == max(high - low + 1)


def test_a_map_of_very_many_rows_is_looked_at_in_its_middle() -> None:
    model = nn.Sequential(
        nn.Conv2d(1, 1, (3, 8), padding=(1, 0)), nn.Upsample(size=(2**28, 1)), nn.Conv2d(1, 1, (3, 1))
    )
    spatial = found(model.to("meta"), (1, 8, 8))
    (last,) = last_maps(spatial)
    ((low, _),) = seen(spatial, [last], "h")
    assert len(low) < 2**24
    assert receptive_field(spatial) == ((4, 8), "exact")  # two neighbours of the eight, in the middle


def ends(low: np.ndarray, high: np.ndarray) -> list[tuple[int, int] | None]:
    return [(int(first), int(last)) if first <= last else None for first, last in zip(low, high, strict=True)]
