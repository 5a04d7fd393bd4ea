"""Maps that are joined, resized, rearranged and pooled: what one of their pixels sees."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from tests.facts.zoo.animal import Known, animal, conv, conv_macs, dense


@animal(
    (4, 8, 8),
    Known(
        output=(12,),
        total=conv(4, 4, 1, 1) + conv(4, 4, 3, 3) + conv(4, 4, 5, 5),
        weighted=3,
        average=1,
        macs=64 * 16 * (1 + 9 + 25),
        field=(5, 5),
    ),
)
class Inception(nn.Module):
    """Branches of different widths side by side: the widest counts."""

    def __init__(self) -> None:
        super().__init__()
        self.branches = nn.ModuleList([nn.Conv2d(4, 4, k, padding=k // 2) for k in (1, 3, 5)])

    def forward(self, x: Tensor) -> Tensor:
        return torch.cat([branch(x) for branch in self.branches], 1).mean((2, 3))


@animal(
    (1, 16, 16),
    Known(
        output=(2, 8, 8),
        total=2 * conv(1, 2, 3, 3),
        weighted=2,
        macs=2 * conv_macs(1, 2, 3, 3, at=64),
        field=(9, 9),
    ),
)
class OffsetBranches(nn.Module):
    """Windows of three that lie six apart: together they span nine, though each is but three wide."""

    def __init__(self) -> None:
        super().__init__()
        self.one, self.other = nn.Conv2d(1, 2, 3), nn.Conv2d(1, 2, 3)

    def forward(self, x: Tensor) -> Tensor:
        return self.one(x[:, :, :10, :10]) + self.other(x[:, :, 6:, 6:])


@animal(
    (4, 8, 8),
    Known(
        output=(4,),
        total=conv(4, 4, 3, 3) + dense(4, 2) + dense(2, 4),
        weighted=3,
        linear=2,
        average=2,
        macs=conv_macs(4, 4, 3, 3, at=64) + 16,
        field="unbounded",
    ),
)
class SqueezeExcite(nn.Module):
    """Every pixel is scaled by what the whole map says."""

    def __init__(self) -> None:
        super().__init__()
        self.conv, self.squeeze, self.excite = nn.Conv2d(4, 4, 3, padding=1), nn.Linear(4, 2), nn.Linear(2, 4)

    def forward(self, x: Tensor) -> Tensor:
        x = self.conv(x)
        gate = self.excite(self.squeeze(x.mean((2, 3))).tanh()).sigmoid()
        return (x * gate[:, :, None, None]).mean((2, 3))


@animal(
    (1, 8, 8),
    Known(
        output=(1, 8, 8),
        total=conv(1, 4, 3, 3) + conv(1, 1, 3, 3),
        weighted=2,
        field=(5, 5),
        macs=conv_macs(1, 4, 3, 3, at=16) + conv_macs(1, 1, 3, 3, at=64),
    ),
)
class PixelShuffled(nn.Module):
    """Three neighbours of the finer map come from two pixels of the coarser one, which see three each, two apart."""

    def __init__(self) -> None:
        super().__init__()
        self.coarse, self.fine = nn.Conv2d(1, 4, 3, stride=2, padding=1), nn.Conv2d(1, 1, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        return self.fine(F.pixel_shuffle(self.coarse(x), 2))


@animal(
    (1, 8, 8),
    Known(
        output=(2, 8, 8),
        total=conv(1, 2, 3, 3),
        weighted=1,
        macs=conv_macs(1, 2, 3, 3, at=64),
        field=(4, 4),
    ),
)
class NearestNeighbour(nn.Module):
    """Three neighbours of the doubled map are two pixels of the halved one, each an average of two."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(1, 2, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        return self.conv(F.interpolate(F.avg_pool2d(x, 2), scale_factor=2))


@animal(
    (1, 8, 8),
    Known(
        output=(2, 8, 8),
        total=conv(1, 2, 3, 3),
        weighted=1,
        macs=conv_macs(1, 2, 3, 3, at=64),
        field=(6, 6),
    ),
)
class Bilinear(nn.Module):
    """Each pixel of the doubled map is mixed of two; three neighbours, of three pixels of the halved one."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(1, 2, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        return self.conv(F.interpolate(F.avg_pool2d(x, 2), scale_factor=2, mode="bilinear"))


@animal(
    (1, 8, 8),
    Known(
        output=(2,),
        total=conv(4, 2, 3, 3),
        weighted=1,
        average=1,
        macs=conv_macs(4, 2, 3, 3, at=4),
        field=(6, 6),
    ),
)
class SpaceToDepthBySlices(nn.Module):
    """The four corners of each 2×2 square side by side: three of the coarse pixels are six."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(4, 2, 3)

    def forward(self, x: Tensor) -> Tensor:
        corners = [x[:, :, i::2, j::2] for i in (0, 1) for j in (0, 1)]
        return self.conv(torch.cat(corners, 1)).mean((2, 3))


@animal(
    (1, 8, 8),
    Known(
        output=(2,),
        total=conv(4, 2, 3, 3),
        weighted=1,
        average=1,
        macs=conv_macs(4, 2, 3, 3, at=4),
        field=(6, 6),
    ),
)
class SpaceToDepthByViews(nn.Module):
    """The same by a view and a permutation."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(4, 2, 3)

    def forward(self, x: Tensor) -> Tensor:
        x = x.view(-1, 1, 4, 2, 4, 2).permute(0, 1, 3, 5, 2, 4).reshape(-1, 4, 4, 4)
        return self.conv(x).mean((2, 3))


@animal(
    (3, 8, 8),
    Known(
        output=(5,),
        total=dense(48, 5),
        weighted=1,
        linear=1,
        average=1,
        macs=4 * 48 * 5,
        field=(4, 4),
    ),
)
class PatchesByViews(nn.Module):
    """Patches of 4×4 as tokens, without a convolution."""

    def __init__(self) -> None:
        super().__init__()
        self.embed = nn.Linear(48, 5)

    def forward(self, x: Tensor) -> Tensor:
        x = x.view(-1, 3, 2, 4, 2, 4).permute(0, 2, 4, 1, 3, 5).reshape(-1, 4, 48)
        return self.embed(x).mean(1)


@animal((2, 8, 8), Known(output=(2, 8, 8), total=conv(2, 2, 1, 1), weighted=1, macs=64 * 4, field=(4, 1)))
class Rolled(nn.Module):
    """A map beside itself, three rows further."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(2, 2, 1)

    def forward(self, x: Tensor) -> Tensor:
        return self.conv(x + x.roll(3, 2))


@animal(
    (1, 12, 12),
    Known(
        output=(2,),
        total=conv(1, 2, 3, 3),
        weighted=1,
        average=1,
        macs=conv_macs(1, 2, 3, 3, at=100),
        field=(6, 6),
    ),
)
class UnevenPools(nn.Module):
    """Ten rows in three: windows of four overlap. One more that hangs over the end sees no more."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(1, 2, 3)

    def forward(self, x: Tensor) -> Tensor:
        return F.max_pool2d(F.adaptive_avg_pool2d(self.conv(x), 3), 1, stride=2, ceil_mode=True).mean((2, 3))


@animal(
    (1, 16, 16),
    Known(
        output=(1, 16, 16),
        total=conv(1, 2, 3, 3) + conv(2, 2, 3, 3) + conv(2, 2, 2, 2) + conv(4, 1, 3, 3),
        weighted=4,
        macs=256 * 18 + 64 * 36 + 64 * 16 + 256 * 36,
        field=(10, 10),
    ),
)
class UNet(nn.Module):
    """Three neighbours are up to two pixels of the lower floor, which see four there, or eight above and their rims."""

    def __init__(self) -> None:
        super().__init__()
        self.down, self.low = nn.Conv2d(1, 2, 3, padding=1), nn.Conv2d(2, 2, 3, padding=1)
        self.up, self.head = nn.ConvTranspose2d(2, 2, 2, stride=2), nn.Conv2d(4, 1, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        high = self.down(x)
        low = self.up(self.low(F.max_pool2d(high, 2)))
        return self.head(torch.cat([high, low], 1))


@animal(
    (2, 6, 6),
    Known(
        output=(6,),
        total=conv(2, 2, 3, 3) + conv(4, 2, 3, 3),
        weighted=2,
        average=1,
        field=(5, 5),
        macs=36 * 2 * 2 * 9 + 36 * 4 * 2 * 9,
    ),
)
class Dense(nn.Module):
    """Every layer gets all maps before it."""

    def __init__(self) -> None:
        super().__init__()
        self.one, self.two = nn.Conv2d(2, 2, 3, padding=1), nn.Conv2d(4, 2, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        x = torch.cat([x, self.one(x)], 1)
        return torch.cat([x, self.two(x)], 1).mean((2, 3))


@animal(
    (4, 6, 6),
    Known(
        output=(4,),
        total=2 * conv(2, 2, 3, 3),
        weighted=2,
        average=1,
        macs=2 * 36 * 36,
        field=(5, 5),
    ),
)
class ChannelShuffled(nn.Module):
    """Half of the channels at a time, shuffled between."""

    def __init__(self) -> None:
        super().__init__()
        self.one, self.two = nn.Conv2d(2, 2, 3, padding=1), nn.Conv2d(2, 2, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        for layer in (self.one, self.two):
            left, right = x.chunk(2, 1)
            x = torch.stack([left, layer(right)], 2).flatten(1, 2)
        return x.mean((2, 3))


@animal(
    (1, 8, 8),
    Known(
        output=(3,),
        total=conv(1, 3, 3, 3),
        weighted=1,
        macs=conv_macs(1, 3, 3, 3, at=36),
        field=(3, 3),
    ),
)
class GlobalMaximum(nn.Module):
    """A pooling of the whole map that is no average."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(1, 3, 3)

    def forward(self, x: Tensor) -> Tensor:
        return F.adaptive_max_pool2d(self.conv(x), 1).flatten(1)


@animal(
    (1, 8, 8),
    Known(
        output=(6,),
        total=conv(1, 2, 3, 3) + conv(1, 4, 5, 5),
        weighted=2,
        average=2,
        field=(5, 5),
        macs=conv_macs(1, 2, 3, 3, at=36) + conv_macs(1, 4, 5, 5, at=16),
    ),
)
class TwoPooledBranches(nn.Module):
    """Two branches that are pooled each and joined afterwards: the wider one counts."""

    def __init__(self) -> None:
        super().__init__()
        self.wide, self.narrow = nn.Conv2d(1, 4, 5), nn.Conv2d(1, 2, 3)

    def forward(self, x: Tensor) -> Tensor:
        return torch.cat([self.wide(x).mean((2, 3)), self.narrow(x).mean((2, 3))], 1)


@animal(
    (2, 8, 8),
    Known(
        output=(2,),
        total=conv(2, 2, 1, 1) + conv(2, 2, 3, 3),
        weighted=2,
        average=1,
        field="unbounded",
        macs=64 * 4 + conv_macs(2, 2, 3, 3, at=64),
    ),
)
class StripPooled(nn.Module):
    """Each row is scaled by its own mean: all of the width is seen, and three of the height."""

    def __init__(self) -> None:
        super().__init__()
        self.conv, self.gate = nn.Conv2d(2, 2, 3, padding=1), nn.Conv2d(2, 2, 1)

    def forward(self, x: Tensor) -> Tensor:
        gate = self.gate(x).mean(3, keepdim=True)
        return (self.conv(x) * gate).mean((2, 3))
