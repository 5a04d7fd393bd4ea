"""No element of any value on the way sees more than what is known of it, whatever operators are on it."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from modelcheck.capturing.capture import capture_model
from modelcheck.facts.labels import UNKNOWN, Dims
from modelcheck.facts.maps import Link
from modelcheck.facts.receptive_field import seen
from modelcheck.facts.spatial import Spatial, spatial
from modelcheck.facts.trace import traces
from modelcheck.graph.model import GraphModel

SHAPE = (3, 8, 8)


def weights(*shape: int) -> Tensor:
    return torch.arange(math.prod(shape)).mul(1.7).cos().view(shape)


def tokens(x: Tensor, before: int = 0) -> Tensor:
    return torch.cat([torch.zeros(x.shape[0], before, 3), x.flatten(2).transpose(1, 2)], 1)


def windows(x: Tensor) -> Tensor:
    return x.view(-1, 3, 2, 4, 2, 4).permute(0, 2, 4, 1, 3, 5).reshape(-1, 3, 4, 4)


def written(into: Tensor, value: Tensor, *where: slice) -> Tensor:
    into[where] = value
    return into * 2


def row_by_row(into: Tensor, value: Tensor, *, reads: bool = False) -> Tensor:
    for row in range(8):
        into[:, :, row : row + 1] = value[:, :, 7 - row : 8 - row] + (into[:, :, :1] if reads else 0)
    return into * 2


ROWS = slice(None), slice(None)

FUNCTIONS = {
    "a row added to the others": lambda x: x + x[:, :, :1],
    "turned over and cropped": lambda x: x.flip([2, 3])[:, :, 1:],
    "with its transpose": lambda x: x + x.transpose(2, 3),
    "rotated": lambda x: x.rot90(1, (2, 3)),
    "one after the other": lambda x: torch.cat([x, x], 2),
    "between zeros": lambda x: torch.cat([torch.zeros(x.shape[0], 3, 2, 8), x, torch.zeros(x.shape[0], 3, 1, 8)], 2),
    "its second part": lambda x: x.split([3, 5], 2)[1] + x.tensor_split(3, 3)[2].mean(),
    "its last third": lambda x: x.chunk(3, 3)[2],
    "rows taken by number": lambda x: x[:, :, [2, 0]],
    "pixels taken by number": lambda x: x[:, :, [2, 0], [1, 1]],
    "copies": lambda x: x.repeat(1, 1, 2, 1),
    "columns three times": lambda x: x.repeat_interleave(3, dim=3),
    "windows as channels": lambda x: x.unfold(2, 3, 2),
    "overlapping windows and back": lambda x: F.fold(F.unfold(x, 3, padding=1), (8, 8), 3, padding=1),
    "windows as samples": lambda x: F.conv2d(windows(x), weights(2, 3, 3, 3)),
    "attention in windows": lambda x: (lambda w: (w @ w.mT).softmax(-1) @ w)(windows(x).flatten(2)),
    "attention by row": lambda x: F.scaled_dot_product_attention(*[x.permute(0, 2, 3, 1)] * 3),
    "a view across rows": lambda x: x.reshape(-1, 4, 6, 8),
    "a view across columns": lambda x: x.transpose(1, 2).reshape(-1, 3, 8, 8),
    "tokens without one for the class": lambda x: tokens(x, 1)[:, 1:].mT.reshape(-1, 3, 8, 8),
    "tokens without the first": lambda x: tokens(x, 1)[:, 2:],
    "tokens and their mean": lambda x: torch.cat([tokens(x), x.mean((2, 3))[:, None]], 1)[:, :-1],
    "a product with its own rows": lambda x: torch.einsum("nchw,nchv->nhwv", x, x + 1),
    "a product with itself": lambda x: x @ x,
    "a diagonal": lambda x: torch.einsum("nchh->nch", x),
    "columns mixed": lambda x: torch.einsum("...hw,kw->...hk", x, weights(5, 8)),
    "channels mixed": lambda x: torch.tensordot(x, weights(3, 5), dims=([1], [0])),
    "an inner product": lambda x: torch.inner(x, weights(5, 8)),
    "rows as channels": lambda x: F.conv1d(x.flatten(1, 2), weights(4, 24, 3), padding=1),
    "rows as samples": lambda x: F.conv1d(x.permute(0, 2, 1, 3).flatten(0, 1), weights(4, 3, 3), padding=1),
    "channels as depth": lambda x: F.conv3d(x[:, None], weights(2, 1, 3, 3, 3)),
    "spread with gaps": lambda x: F.conv_transpose2d(x, weights(3, 2, 2, 3), stride=3, dilation=(2, 1)),
    "spread thinly": lambda x: F.conv_transpose2d(x, weights(3, 2, 1, 1), stride=3, output_padding=1),
    "pooled by row": lambda x: F.avg_pool1d(x.flatten(1, 2), 2),
    "pooled over channels": lambda x: F.max_pool3d(x[:, None], (3, 2, 2)),
    "pooled upwards": lambda x: F.adaptive_avg_pool2d(x, (11, 5)),
    "unpooled": lambda x: F.max_unpool2d(*F.max_pool2d(x, 2, return_indices=True), 2),
    "resized by a factor": lambda x: F.interpolate(x, scale_factor=(1.3, 0.6), mode="bilinear"),
    "resized from one pixel": lambda x: x + F.interpolate(x.mean((2, 3), keepdim=True), size=8),
    "both strips": lambda x: x.mean(3, keepdim=True) + x.amax(2, keepdim=True),
    "summed up along rows": lambda x: x.cumsum(2) + x.sort(1)[0],
    "normalised by what it is": lambda x: x / x.norm(dim=(2, 3), keepdim=True) + torch.renorm(x, 2, 1, 1.0),
    "a gate from one half of the rows": lambda x: F.glu(x, 2),
    "frequencies": lambda x: torch.fft.rfft(x).abs(),
    "samples mixed": lambda x: x - x.mean((0, 2, 3), keepdim=True),
    "added in place": lambda x: (lambda y: (y.add_(x.flip(3)), y * 2)[1])(x.clone()),
    "added in place, read through an older view": lambda x: (
        lambda y: (lambda view: (y.add_(x.flip(2)), view * 2)[1])(y[:, :, 1:])
    )(x.clone()),
    "a row written": lambda x: written(x.clone(), x[:, :, 3:5], *ROWS, slice(6, 8)),
    "a shifted half of the channels": lambda x: written(
        x.clone(), x[:, :1, :-1], slice(None), slice(0, 1), slice(1, None)
    ),
    "every other row written": lambda x: written(x.clone(), x[:, :, 1::2], *ROWS, slice(None, None, 2)),
    "written row by row": lambda x: row_by_row(torch.zeros(x.shape), x),
    "read while it is written": lambda x: row_by_row(x.clone(), x, reads=True),
    "another shape in place": lambda x: x.clone().unsqueeze_(1).mul_(2),
}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_no_element_sees_more_than_its_span(name: str) -> None:
    found, values, x = looked_at(FUNCTIONS[name])
    picks = torch.Generator().manual_seed(0)
    for index, value in values.items():
        dims = found.maps[index].dims
        assert tuple(dim.size for dim in dims) == tuple(value.shape)
        for _ in range(6):
            element = tuple(int(torch.randint(size, (), generator=picks)) for size in value.shape)
            (gradient,) = torch.autograd.grad(value[element].abs(), x, retain_graph=True)
            for axis, across in (("h", (0, 1, 3)), ("w", (0, 1, 2))):
                place = place_of(dims, element, axis)
                reached = (gradient != 0).any(dim=across).nonzero()
                if place is not None and len(reached):
                    low, high = span(found, index, axis, place)
                    assert low <= reached.min() and reached.max() <= high, (index, element, axis)  # noqa: PT018


def looked_at(function: Callable[[Tensor], Tensor]) -> tuple[Spatial, dict[int, Tensor], Tensor]:
    """What is known of a graph, its values as they were made, and the input that they were made of."""

    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv = nn.Conv2d(3, 3, 3, padding=1)

        def forward(self, x: Tensor) -> Tensor:
            return function(self.conv(x))

    torch.manual_seed(0)
    capture = capture_model(Net(), SHAPE)
    meta = GraphModel(capture, device="meta")
    batch, _, evaluation = traces(meta)
    found = spatial(evaluation, meta.header.inputs)
    values: dict[int, Tensor] = {}

    def observe(index: int, node: object, args: object, result: object) -> None:
        if index in found.maps and isinstance(result, Tensor) and result.requires_grad and result.numel():
            values[index] = result.clone()

    x = torch.randn(batch, *SHAPE, requires_grad=True)
    GraphModel(capture).run([x], training=False, observe=observe)
    return found, values, x


def place_of(dims: Dims, element: tuple[int, ...], axis: str) -> int | None:
    """The place on an axis of one element; None where that is not followed, or it is none of the map's."""
    place = 0
    for dim, at in zip(dims, element, strict=True):
        inner = at - dim.lead
        for factor in reversed(dim.factors):
            inner, rest = divmod(inner, factor.size)
            place += rest * factor.step if factor.axis == axis else 0
            if factor.axis == UNKNOWN and factor.size > 1:
                return None
        if dim.labelled and inner:
            return None
    return place


def span(found: Spatial, index: int, axis: str, place: int) -> tuple[float, float]:
    """What is seen from one place of a value."""
    one = max(found.maps, default=0) + 1
    start = Link(index, lambda _: (np.array([float(place)]),) * 2, lambda _: (np.array([float(place)]),) * 2)
    known = replace(found, maps={**found.maps, one: found.maps[index]}, links={**found.links, one: (start,)})
    pictures = seen(known, [one], axis)
    return min(low.min() for low, _ in pictures), max(high.max() for _, high in pictures)
