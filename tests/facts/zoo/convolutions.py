"""Convolutions of every form, with their multiply-adds and what they see."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from tests.facts.zoo.animal import Known, animal, conv, conv_macs


@animal(
    (4, 8, 8),
    Known(
        output=(8, 6, 6),
        total=conv(4, 8, 3, 3, groups=2),
        weighted=1,
        field=(3, 3),
        macs=conv_macs(4, 8, 3, 3, at=36, groups=2),
    ),
)
class Grouped(nn.Sequential):
    def __init__(self) -> None:
        super().__init__(nn.Conv2d(4, 8, 3, groups=2))


@animal(
    (4, 8, 8),
    Known(
        output=(6, 6, 6),
        total=conv(4, 4, 3, 3, groups=4, bias=False) + conv(4, 6, 1, 1),
        weighted=2,
        field=(3, 3),
        macs=36 * 4 * 9 + 36 * 4 * 6,
    ),
)
class DepthwiseSeparable(nn.Sequential):
    def __init__(self) -> None:
        super().__init__(nn.Conv2d(4, 4, 3, groups=4, bias=False), nn.Conv2d(4, 6, 1))


@animal(
    (1, 16, 16),
    Known(
        output=(2, 6, 6),
        total=conv(1, 2, 3, 3) + conv(2, 2, 3, 3),
        weighted=2,
        field=(11, 11),
        macs=conv_macs(1, 2, 3, 3, at=14 * 14) + conv_macs(2, 2, 3, 3, at=36),
    ),
)
class Dilated(nn.Sequential):
    """3 and 2·4 more."""

    def __init__(self) -> None:
        super().__init__(nn.Conv2d(1, 2, 3), nn.Conv2d(2, 2, 3, dilation=4))


@animal(
    (1, 16, 16),
    Known(
        output=(2, 2, 2),
        total=2 * conv(2, 2, 3, 3) + conv(1, 2, 5, 5),
        weighted=3,
        field=(17, 17),
        macs=conv_macs(1, 2, 5, 5, at=64) + conv_macs(2, 2, 3, 3, at=16 + 4),
    ),
)
class Strided(nn.Sequential):
    """5, then 2·2 more, then 2·4 more."""

    def __init__(self) -> None:
        layers = [nn.Conv2d(1, 2, 5, stride=2, padding=2), *(nn.Conv2d(2, 2, 3, stride=2, padding=1) for _ in range(2))]
        super().__init__(*layers)


@animal(
    (2, 4, 4),
    Known(
        output=(3, 9, 9),
        total=conv(2, 3, 3, 3),
        weighted=1,
        field=(2, 2),
        macs=16 * 2 * 3 * 9,
    ),
)
class Transposed(nn.Sequential):
    """Each input pixel is spread over the kernel; a unit is reached by ⌈3 ÷ 2⌉ of them."""

    def __init__(self) -> None:
        super().__init__(nn.ConvTranspose2d(2, 3, 3, stride=2))


@animal(
    (2, 4, 4),
    Known(
        output=(4, 8, 8),
        total=conv(2, 4, 4, 4, groups=2),
        weighted=1,
        field=(2, 2),
        macs=16 * 2 * 2 * 16,
    ),
)
class TransposedInGroups(nn.Sequential):
    def __init__(self) -> None:
        super().__init__(nn.ConvTranspose2d(2, 4, 4, stride=2, padding=1, groups=2))


@animal(
    (1, 12, 9),
    Known(
        output=(4, 8, 9),
        total=conv(1, 2, 5, 1) + conv(2, 4, 1, 3),
        weighted=2,
        field=(5, 3),
        macs=conv_macs(1, 2, 5, 1, at=8 * 9) + conv_macs(2, 4, 1, 3, at=8 * 9),
    ),
)
class Asymmetric(nn.Sequential):
    """A column, then a row with padding on its sides only."""

    def __init__(self) -> None:
        super().__init__(nn.Conv2d(1, 2, (5, 1)), nn.Conv2d(2, 4, (1, 3), padding=(0, 1)))


@animal(
    (1, 8, 8),
    Known(
        output=(2, 8, 4),
        total=conv(1, 2, 4, 4),
        weighted=1,
        field=(4, 4),
        macs=conv_macs(1, 2, 4, 4, at=8 * 4),
    ),
)
class PaddedOnOneSide(nn.Sequential):
    """Padding of another size on each side, before a stride on one axis only."""

    def __init__(self) -> None:
        super().__init__(nn.ZeroPad2d((2, 0, 1, 2)), nn.Conv2d(1, 2, 4, stride=(1, 2)))


@animal(
    (1, 9, 9),
    Known(
        output=(2, 9, 9),
        total=conv(1, 2, 4, 4) + conv(2, 2, 3, 3),
        weighted=2,
        field=(8, 8),
        macs=conv_macs(1, 2, 4, 4, at=81) + conv_macs(2, 2, 3, 3, at=81),
    ),
)
class PaddedByAWord(nn.Sequential):
    """``padding="same"`` with a kernel that has no middle, and one that is dilated."""

    def __init__(self) -> None:
        super().__init__(nn.Conv2d(1, 2, 4, padding="same"), nn.Conv2d(2, 2, 3, padding="same", dilation=2))


@animal(
    (1, 9, 9),
    Known(
        output=(2, 9, 9),
        total=conv(1, 2, 3, 3) + conv(2, 2, 3, 3),
        weighted=2,
        field=(5, 5),
        macs=conv_macs(1, 2, 3, 3, at=81) + conv_macs(2, 2, 3, 3, at=81),
    ),
)
class PaddedByTheMap(nn.Sequential):
    """Borders that mirror and that go round."""

    def __init__(self) -> None:
        reflected = nn.Conv2d(1, 2, 3, padding=1, padding_mode="reflect")
        super().__init__(reflected, nn.Conv2d(2, 2, 3, padding=1, padding_mode="circular"))


@animal(
    (3, 20),
    Known(
        output=(8, 9),
        total=conv(3, 4, 3) + conv(4, 8, 2),
        weighted=2,
        macs=conv_macs(3, 4, 3, at=18) + conv_macs(4, 8, 2, at=9),
    ),
)
class OverTime(nn.Sequential):
    """One dimension: no picture, so no receptive field in pixels."""

    def __init__(self) -> None:
        super().__init__(nn.Conv1d(3, 4, 3), nn.ReLU(), nn.Conv1d(4, 8, 2, stride=2))


@animal(
    (1, 6, 6, 6),
    Known(
        output=(2, 2, 4, 4),
        total=conv(1, 2, 5, 3, 3),
        weighted=1,
        macs=conv_macs(1, 2, 5, 3, 3, at=2 * 4 * 4),
    ),
)
class OverVolumes(nn.Sequential):
    def __init__(self) -> None:
        super().__init__(nn.Conv3d(1, 2, (5, 3, 3)))


@animal(
    (8,),
    Known(
        output=(3, 6, 6),
        total=8 * 4 * 9 + 4 * 9 + conv(4, 3, 4, 4),
        weighted=2,
        linear=1,
        macs=8 * 36 + 9 * 4 * 3 * 16,
    ),
)
class Generator(nn.Module):
    """A map that is made from a vector: there is no picture that it could see."""

    def __init__(self) -> None:
        super().__init__()
        self.fc, self.up = nn.Linear(8, 36), nn.ConvTranspose2d(4, 3, 4, stride=2, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        return self.up(self.fc(x).view(-1, 4, 3, 3))


@animal(
    (4, 8, 8),
    Known(
        output=(4, 6, 6),
        total=4 * 4 * 9,
        weighted=1,
        linear=1,
        field=(3, 3),
        macs=conv_macs(4, 4, 3, 3, at=36),
    ),
)
class ByUnfolding(nn.Module):
    """A convolution as a product with the unfolded map: a linear layer, as it is written."""

    def __init__(self) -> None:
        super().__init__()
        self.kernel = nn.Parameter(torch.randn(4, 4 * 9))

    def forward(self, x: Tensor) -> Tensor:
        return (self.kernel @ F.unfold(x, 3)).view(-1, 4, 6, 6)


@animal(
    (4, 8, 8),
    Known(
        output=(4, 6, 6),
        total=conv(4, 4, 3, 3),
        weighted=1,
        field=(3, 3),
        macs=conv_macs(4, 4, 3, 3, at=36),
    ),
)
class WeightStandardised(nn.Conv2d):
    """A kernel that is normalised before each use."""

    def __init__(self) -> None:
        super().__init__(4, 4, 3)

    def forward(self, x: Tensor) -> Tensor:
        mean, deviation = self.weight.mean((1, 2, 3), keepdim=True), self.weight.std((1, 2, 3), keepdim=True)
        return F.conv2d(x, (self.weight - mean) / (deviation + 1e-5), self.bias)
