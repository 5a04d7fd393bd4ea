"""Random small models of convolutions, pools, resizes, views and branches, whose weights are all positive.

A gradient that is not zero then tells what is seen. A maximum has a gradient for one pixel only, so that in the twin
that is measured an average stands in its place.
"""

from __future__ import annotations

import random

import torch
import torch.nn.functional as F
from torch import Tensor, nn

CHANNELS = 4


class Grown(nn.Module):
    """Layers in a row; ``twin`` is set where it is measured."""

    def __init__(self, layers: list[nn.Module]) -> None:
        super().__init__()
        self.layers = nn.ModuleList(layers)

    def forward(self, x: Tensor) -> Tensor:
        for layer in self.layers:
            x = layer(x)
        return x


class Layer(nn.Module):
    """A function of the map, with what it was drawn with."""

    def __init__(self, **drawn: object) -> None:
        super().__init__()
        self.drawn = drawn

    def __getattr__(self, name: str):
        drawn = self.__dict__.get("drawn", {})
        return drawn[name] if name in drawn else super().__getattr__(name)

    def extra_repr(self) -> str:
        return ", ".join(f"{name}={value}" for name, value in self.drawn.items())


class Conv(Layer):
    def __init__(self, **drawn: object) -> None:
        super().__init__(**drawn)
        groups = drawn.get("groups", 1)
        self.weight = nn.Parameter(torch.rand(CHANNELS, CHANNELS // groups, *drawn["kernel"]) + 0.5)

    def forward(self, x: Tensor) -> Tensor:
        return F.conv2d(x, self.weight, None, self.stride, self.padding, self.dilation, self.groups)


class Up(Layer):
    def __init__(self, **drawn: object) -> None:
        super().__init__(**drawn)
        self.weight = nn.Parameter(torch.rand(CHANNELS, CHANNELS, *drawn["kernel"]) + 0.5)

    def forward(self, x: Tensor) -> Tensor:
        return F.conv_transpose2d(x, self.weight, None, self.stride, self.padding)


class Pool(Layer):
    twin = False

    def forward(self, x: Tensor) -> Tensor:
        options = {"stride": self.stride, "padding": self.padding, "ceil_mode": self.ceil_mode}
        return (F.avg_pool2d if self.average or self.twin else F.max_pool2d)(x, self.kernel, **options)


class Adaptive(Layer):
    twin = False

    def forward(self, x: Tensor) -> Tensor:
        size = [max(int(side * part), 1) for side, part in zip(x.shape[2:], self.parts, strict=True)]
        return (F.adaptive_avg_pool2d if self.average or self.twin else F.adaptive_max_pool2d)(x, size)


class Resize(Layer):
    def forward(self, x: Tensor) -> Tensor:
        size = [max(int(side * part), 1) for side, part in zip(x.shape[2:], self.parts, strict=True)]
        return F.interpolate(x, size, mode=self.mode, **self.options)


class Scale(Layer):
    def forward(self, x: Tensor) -> Tensor:
        return F.interpolate(x, scale_factor=self.scale, mode=self.mode)


class Crop(Layer):
    def forward(self, x: Tensor) -> Tensor:
        (top, bottom), (left, right) = self.rows, self.columns
        return x[:, :, top : x.shape[2] - bottom : self.every, left : x.shape[3] - right]


class Pad(Layer):
    def forward(self, x: Tensor) -> Tensor:
        return F.pad(x, self.pad, mode=self.mode)


class PadByCat(Layer):
    def forward(self, x: Tensor) -> Tensor:
        return torch.cat([x.new_ones(x.shape[0], x.shape[1], self.rows, x.shape[3]), x], 2)


class PadByWriting(Layer):
    def forward(self, x: Tensor) -> Tensor:
        y = x.new_zeros(x.shape[0], x.shape[1], x.shape[2] + self.rows + 1, x.shape[3])
        y[:, :, self.rows : -1] = x
        return y


class Roll(Layer):
    def forward(self, x: Tensor) -> Tensor:
        return x.roll(self.shifts, (2, 3))


class Flip(Layer):
    def forward(self, x: Tensor) -> Tensor:
        return x.flip(3)


class Even(Layer):
    """A map with sides that are multiples of two."""

    def forward(self, x: Tensor) -> Tensor:
        return x[:, :, : x.shape[2] // 2 * 2, : x.shape[3] // 2 * 2]


class ToDepth(Even):
    def forward(self, x: Tensor) -> Tensor:
        x = super().forward(x)
        height, width = x.shape[2] // 2, x.shape[3] // 2
        if self.how == "function":
            return F.pixel_unshuffle(x, 2).unflatten(1, (CHANNELS, 4)).sum(2)
        if self.how == "slices":
            x = torch.cat([x[:, :, i::2, j::2] for j in (0, 1) for i in (0, 1)], 1)
        else:
            x = x.view(x.shape[0], CHANNELS, height, 2, width, 2).permute(0, 3, 5, 1, 2, 4)
            x = x.reshape(x.shape[0], 4 * CHANNELS, height, width)
        return x.unflatten(1, (4, CHANNELS)).sum(1)


class FromDepth(Layer):
    def forward(self, x: Tensor) -> Tensor:
        return F.pixel_shuffle(x.repeat_interleave(4, 1), 2)


class Tokens(Layer):
    """A linear layer on pixels as tokens, and back to a map."""

    def __init__(self, **drawn: object) -> None:
        super().__init__(**drawn)
        self.weight = nn.Parameter(torch.rand(CHANNELS, CHANNELS) + 0.5)

    def forward(self, x: Tensor) -> Tensor:
        height, width = x.shape[2:]
        if self.how == "einsum":
            return torch.einsum("nchw,oc->nohw", x, self.weight)
        if self.how == "matmul":
            return (self.weight @ x.flatten(2)).view(x.shape[0], CHANNELS, height, width)
        x = F.linear(x.flatten(2).transpose(1, 2), self.weight)
        return x.transpose(1, 2).unflatten(2, (height, width))


class Patches(Even):
    """A linear layer on patches of two by two, by views."""

    def __init__(self, **drawn: object) -> None:
        super().__init__(**drawn)
        self.weight = nn.Parameter(torch.rand(CHANNELS, 4 * CHANNELS) + 0.5)

    def forward(self, x: Tensor) -> Tensor:
        x = super().forward(x)
        height, width = x.shape[2] // 2, x.shape[3] // 2
        x = x.reshape(x.shape[0], CHANNELS, height, 2, width, 2).permute(0, 2, 4, 1, 3, 5).flatten(3)
        return F.linear(x, self.weight).permute(0, 3, 1, 2)


class Unfold(Layer):
    def __init__(self, **drawn: object) -> None:
        super().__init__(**drawn)
        self.weight = nn.Parameter(torch.rand(CHANNELS, 9 * CHANNELS) + 0.5)

    def forward(self, x: Tensor) -> Tensor:
        made = self.weight @ F.unfold(x, 3, padding=1, stride=self.stride)
        return made.view(x.shape[0], CHANNELS, (x.shape[2] - 1) // self.stride + 1, (x.shape[3] - 1) // self.stride + 1)


class Half(Layer):
    """One half of the channels goes through a layer."""

    def __init__(self, inner: nn.Module, **drawn: object) -> None:
        super().__init__(**drawn)
        self.inner = inner

    def forward(self, x: Tensor) -> Tensor:
        one, other = x.chunk(2, 1)
        other = self.inner(torch.cat([other, other], 1))
        one, other = aligned(torch.cat([one, one], 1), other, self.corners)
        return torch.stack([one, other], 2).flatten(1, 2)[:, ::2] + other


class Branches(Layer):
    """Two branches, joined where they overlap when their corners are laid somewhere over each other."""

    def __init__(self, one: nn.Module, other: nn.Module, **drawn: object) -> None:
        super().__init__(**drawn)
        self.one, self.other = one, other

    def forward(self, x: Tensor) -> Tensor:
        one, other = aligned(self.one(x), self.other(x), self.corners)
        if self.how == "cat":
            return torch.cat([one, other], 1)[:, ::2] + torch.cat([other, one], 1)[:, ::2]
        return one * other if self.how == "mul" else one + other


def aligned(one: Tensor, other: Tensor, corners: tuple[int, int]) -> tuple[Tensor, Tensor]:
    one, other = one[:, :, corners[0] :], other[:, :, :, corners[1] :]
    height, width = min(one.shape[2], other.shape[2]), min(one.shape[3], other.shape[3])
    return one[:, :, :height, :width], other[:, :, :height, :width]


def grow(rng: random.Random, length: int, *, wraps: bool) -> nn.Module:
    """A random model, which may mirror the map at its border or push it around."""
    return Grown([_layer(rng, depth=2, wraps=wraps) for _ in range(length)])


def _pair(rng: random.Random, least: int, most: int) -> tuple[int, int]:
    return rng.randint(least, most), rng.randint(least, most)


def _conv(rng: random.Random) -> nn.Module:
    options = {"stride": _pair(rng, 1, 2) if rng.random() < 0.3 else (1, 1), "padding": _pair(rng, 0, 3)}
    groups = rng.choice([1, 1, 2, CHANNELS])
    return Conv(kernel=_pair(rng, 1, 4), dilation=_pair(rng, 1, 2), groups=groups, **options)


def _pool(rng: random.Random) -> nn.Module:
    kernel = _pair(rng, 1, 3)
    padding = tuple(rng.randint(0, side // 2) for side in kernel)
    return Pool(
        kernel=kernel,
        stride=_pair(rng, 1, 2),
        padding=padding,
        ceil_mode=rng.random() < 0.5,
        average=rng.random() < 0.5,
    )


def _up(rng: random.Random) -> nn.Module:
    stride = _pair(rng, 1, 2)
    kernel = tuple(step + rng.randint(0, 2) for step in stride)
    return Up(kernel=kernel, stride=stride, padding=_pair(rng, 0, 1))


def _resize(rng: random.Random) -> nn.Module:
    mode = rng.choice(["nearest", "nearest-exact", "bilinear", "bicubic"])
    options = {}
    if mode.startswith("bi"):
        options = rng.choice([{"antialias": True}, {"align_corners": True}, {"align_corners": False}, {}])
    return Resize(parts=(rng.choice([0.5, 0.7, 1.3, 2]), rng.choice([0.5, 0.7, 1.3, 2])), mode=mode, options=options)


def _pad(rng: random.Random, *, wraps: bool) -> nn.Module:
    mode = rng.choice(["constant", "reflect", "replicate", "circular"]) if wraps else "constant"
    return Pad(pad=[rng.randint(0, 3) for _ in range(4)], mode=mode)


def _leaf(rng: random.Random, *, wraps: bool) -> nn.Module:
    anywhere = [
        _conv,
        _conv,
        _conv,
        _pool,
        _up,
        lambda rng: nn.Sequential(nn.ReLU(), nn.BatchNorm2d(CHANNELS), nn.Dropout(0.2), nn.Softplus()),
        _resize,
        lambda rng: Adaptive(parts=(rng.choice([0.4, 0.5, 0.7]), 0.6), average=rng.random() < 0.5),
        lambda rng: Scale(scale=2, mode=rng.choice(["nearest", "bilinear", "bicubic"])),
        lambda rng: Crop(rows=_pair(rng, 0, 2), columns=_pair(rng, 0, 2), every=rng.choice([1, 1, 2])),
        lambda rng: _pad(rng, wraps=wraps),
        lambda rng: PadByCat(rows=rng.randint(1, 3)),
        lambda rng: PadByWriting(rows=rng.randint(1, 3)),
        lambda rng: ToDepth(how=rng.choice(["slices", "views", "function"])),
        lambda rng: FromDepth(),
        lambda rng: Tokens(how=rng.choice(["einsum", "matmul", "linear"])),
        lambda rng: Patches(),
        lambda rng: Unfold(stride=rng.randint(1, 2)),
    ]
    return rng.choice(anywhere + ([lambda rng: Roll(shifts=_pair(rng, -3, 3))] if wraps else []))(rng)


def _layer(rng: random.Random, depth: int, *, wraps: bool) -> nn.Module:
    if not depth or rng.random() < 0.6:
        return _leaf(rng, wraps=wraps)
    corners = _pair(rng, 0, 3)
    first, second = (Grown([_layer(rng, depth - 1, wraps=wraps) for _ in range(rng.randint(0, 2))]) for _ in range(2))
    if rng.random() < 0.3:
        return Half(first, corners=corners)
    return Branches(first, second, how=rng.choice(["add", "cat", "mul"]), corners=corners)
