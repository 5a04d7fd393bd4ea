from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .firing import firing

CODE = "MC413"


def classifier(*layers: nn.Module) -> nn.Sequential:
    """The layers, each by its number, and ten scores of the average over their map."""
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.LazyLinear(10))


def chain(*channels: int, kernel: int = 3) -> list[nn.Module]:
    pairs = pairwise(channels)
    layers = [(nn.Conv2d(give, take, kernel, padding=kernel // 2), nn.ReLU()) for give, take in pairs]
    return [layer for pair in layers for layer in pair]


class Branches(nn.Module):
    """A wide map, and a narrowing convolution in a branch beside it, joined as asked."""

    def __init__(self, how: str) -> None:
        super().__init__()
        self.how = how
        self.stem = nn.Conv2d(1, 16, 3, padding=1)
        self.wide, self.narrow = nn.Conv2d(16, 16, 3, padding=1), nn.Conv2d(16, 4, 3, padding=1)
        self.again, self.fc = nn.Conv2d(4, 16, 3, padding=1), nn.LazyLinear(10)

    def forward(self, x: Tensor) -> Tensor:
        x = self.stem(x).relu()
        branch = self.narrow(self.wide(x).relu()).relu()
        if self.how == "bottleneck":
            x = x + self.again(branch)
        elif self.how == "inception":
            x = torch.cat([x, branch], 1)
        elif self.how == "dense":
            x = torch.cat([x, self.again(branch)], 1)
        else:
            x = branch
        return self.fc(x.mean((2, 3)))


class Decoder(nn.Module):
    def __init__(self, how: str) -> None:
        super().__init__()
        self.encode, self.how = nn.Conv2d(1, 32, 3, padding=1), how
        self.up = nn.ConvTranspose2d(32, 32, 2, 2)
        self.narrow = nn.Sequential(*chain(32, 16, 8))

    def forward(self, x: Tensor) -> Tensor:
        x = F.max_pool2d(self.encode(x), 2)
        x = self.up(x) if self.how == "transposed" else F.interpolate(x, scale_factor=2, mode=self.how)
        return self.narrow(x).mean((2, 3))


FIRES: dict[str, tuple[nn.Module, Sequence[str]]] = {
    "a chain": (classifier(*chain(1, 32, 16, 8)), ["2", "4"]),
    "with all that stands between": (
        classifier(nn.Conv2d(1, 8, 3), nn.BatchNorm2d(8), nn.Dropout(0.1), nn.GELU(), nn.Conv2d(8, 4, 3)),
        ["4"],
    ),
    "without padding": (classifier(nn.Conv2d(1, 8, 3), nn.ReLU(), nn.Conv2d(8, 4, 5)), ["2"]),
    "after a transition": (classifier(*chain(1, 16, 16), *chain(16, 8, kernel=1), *chain(8, 4)), ["6"]),
    "before the pool": (classifier(*chain(1, 16, 8), nn.MaxPool2d(2), *chain(8, 16)), ["2"]),
    "a flat window": (classifier(*chain(1, 16), nn.Conv2d(16, 4, (1, 3))), ["2"]),
    "as many channels as classes, before others": (classifier(*chain(1, 16, 10, 16)), ["2"]),
    "on the trunk": (Branches("none"), ["narrow"]),
}
IS_SILENT: dict[str, nn.Module] = {
    "growing": classifier(*chain(1, 8, 16, 32)),
    "constant": classifier(*chain(1, 16, 16, 16)),
    "1×1": classifier(*chain(1, 32), *chain(32, 8, kernel=1), *chain(8, 16)),
    "pooled between": classifier(*chain(1, 32), nn.MaxPool2d(2), *chain(32, 16)),
    "strided": classifier(*chain(1, 32), nn.Conv2d(32, 16, 3, stride=2)),
    "depthwise and grouped": classifier(
        *chain(1, 32), nn.Conv2d(32, 32, 3, groups=32), nn.ReLU(), nn.Conv2d(32, 4, 3, groups=4)
    ),
    "the first one": classifier(*chain(1, 1)),
    "the last one, for the classes": nn.Sequential(*chain(1, 32, 10), nn.AdaptiveAvgPool2d(1), nn.Flatten()),
    "the last one, for the classes, with log-softmax": nn.Sequential(
        nn.Conv2d(1, 16, 3), nn.ReLU(), nn.Conv2d(16, 10, 3), nn.AvgPool2d(24), nn.Flatten(), nn.LogSoftmax(1)
    ),
    "for the classes, and a window over all of the map": nn.Sequential(
        *chain(1, 16, 10), nn.Conv2d(10, 10, 28), nn.Flatten(), nn.LogSoftmax(1)
    ),
    "for the classes, and a linear layer": classifier(*chain(1, 16, 10)),
    "down to a pixel": classifier(*chain(1, 16), nn.MaxPool2d(7), *chain(16, 16), nn.Conv2d(16, 12, 4)),
    "bottleneck": Branches("bottleneck"),
    "inception": Branches("inception"),
    "dense": Branches("dense"),
    "transposed decoder": Decoder("transposed"),
    "nearest decoder": Decoder("nearest"),
    "bilinear decoder": Decoder("bilinear"),
    "a map as output": nn.Sequential(*chain(1, 32, 16, 1)),
    "a linear layer": nn.Sequential(nn.Flatten(), nn.Linear(784, 32), nn.ReLU(), nn.Linear(32, 16)),
}


@pytest.mark.parametrize(("model", "where"), FIRES.values(), ids=list(FIRES))
def test_it_fires(model: nn.Module, where: Sequence[str]) -> None:
    assert [finding.where for finding in firing(CODE, model)] == where


@pytest.mark.parametrize("model", IS_SILENT.values(), ids=list(IS_SILENT))
def test_it_is_silent(model: nn.Module) -> None:
    assert firing(CODE, model) == ()


def test_the_message() -> None:
    (finding,) = firing(CODE, classifier(nn.Conv2d(1, 8, 3), nn.ReLU(), nn.Conv2d(8, 4, 3)))
    assert finding.message == (
        "2 makes 4 channels of the 8 that 0 gives, and the map does not shrink for it (24×24): let channels grow, and "
        "narrow them by a 1×1 convolution where the map is pooled"
    )


def test_a_layer_that_is_called_again_is_told_once() -> None:
    narrow = nn.Conv2d(8, 4, 3, padding=1)
    model = classifier(*chain(1, 8), narrow, nn.ReLU(), *chain(4, 8), narrow)
    assert len(firing(CODE, model)) == 1
