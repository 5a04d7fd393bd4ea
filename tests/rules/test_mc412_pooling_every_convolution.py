from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .firing import firing

CODE = "MC412"


def conv(inputs: int = 4, kernel: int = 3, stride: int = 1) -> list[nn.Module]:
    return [nn.Conv2d(inputs, 4, kernel, stride, padding=kernel // 2), nn.ReLU()]


def pooled(inputs: int = 4) -> list[nn.Module]:
    return [*conv(inputs), nn.MaxPool2d(2)]


def net(*parts: list[nn.Module]) -> nn.Sequential:
    return nn.Sequential(*(layer for part in parts for layer in part), nn.Flatten(), nn.LazyLinear(10))


GAP: list[nn.Module] = [nn.AdaptiveAvgPool2d(1)]


class Functional(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.convs = nn.ModuleList(nn.Conv2d(1, 1, 3, padding=1) for _ in range(3))
        self.norms = nn.ModuleList(nn.BatchNorm2d(1) for _ in range(3))

    def forward(self, x: Tensor) -> Tensor:
        for conv, norm in zip(self.convs, self.norms, strict=True):
            x = F.avg_pool2d(F.dropout(torch.relu(norm(conv(x))), 0.1, self.training), 2)
        return x.mean((2, 3))


class Branching(nn.Module):
    """Three convolutions with pools, and one of their maps used another time."""

    def __init__(self, how: str) -> None:
        super().__init__()
        self.a, self.b, self.c = (nn.Conv2d(1, 1, 3, padding=1) for _ in range(3))
        self.how = how

    def forward(self, x: Tensor) -> Tensor | tuple[Tensor, Tensor]:
        y = F.max_pool2d(self.a(x), 2)
        second = self.b(y)
        if self.how == "added":
            second = second + y
        z = F.max_pool2d(self.c(F.max_pool2d(second, 2)), 2)
        if self.how == "used twice":
            z = z + F.adaptive_avg_pool2d(second, 3)
        return (z.flatten(1), second) if self.how == "returned" else z.flatten(1)


FIRES: dict[str, nn.Module] = {
    "three": net(pooled(1), pooled(), pooled()),
    "down to one pixel": net(pooled(1), pooled(), pooled(), pooled()),
    "three, and one before a global average": net(pooled(1), pooled(), pooled(), conv(), GAP),
    "functions, batch norm and dropout between": Functional(),
    "1×1 elsewhere": net(pooled(1), conv(4, 1), pooled(), pooled()),
    "branching": Branching("not at all"),
}
IS_SILENT: dict[str, nn.Module] = {
    "LeNet": net(pooled(1), pooled()),
    "two, and one before a global average": net(pooled(1), pooled(), conv(), GAP),
    "one without": net(pooled(1), pooled(), pooled(), conv()),
    "two at one size": net(pooled(1), conv(), pooled(), pooled()),
    "strides": net(*(conv(1 if number == 0 else 4, stride=2) for number in range(4))),
    "pools that keep the size": net(*([*conv(1), nn.MaxPool2d(3, 1, 1)] for _ in range(1)), pooled(), pooled()),
    "1×1 before the pool": net([*conv(1), *pooled()[:0]], conv(4, 1), [nn.MaxPool2d(2)], pooled(), pooled()),
    "no pool": net(conv(1), conv(), conv()),
    "no convolution": nn.Sequential(nn.MaxPool2d(2), nn.MaxPool2d(2), nn.MaxPool2d(2), nn.Flatten()),
    "residual": Branching("added"),
    "a map that is used beside": Branching("used twice"),
    "a map that is returned": Branching("returned"),
}


@pytest.mark.parametrize("model", FIRES.values(), ids=list(FIRES))
def test_it_fires_once(model: nn.Module) -> None:
    assert len(firing(CODE, model)) == 1


@pytest.mark.parametrize("model", IS_SILENT.values(), ids=list(IS_SILENT))
def test_it_is_silent(model: nn.Module) -> None:
    assert firing(CODE, model) == ()


def test_the_message() -> None:
    (finding,) = firing(CODE, net(pooled(1), pooled(), pooled()))
    assert finding.message == (
        "each of the 3 convolutions (0, 3 and 6) is followed by a pool at once, so that every size of the map has only "
        "one: put two or three between pools"
    )
    assert finding.where == "0"
