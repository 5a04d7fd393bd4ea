from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .firing import firing

CODE = "MC402"


def ended(*layers: nn.Module) -> nn.Sequential:
    """The layers, each by its number, and what makes ten scores of whatever they give."""
    return nn.Sequential(*layers, nn.ReLU(), nn.Flatten(), nn.LazyLinear(10))


class Rearranged(nn.Module):
    """Tokens (N, 4, width) through a linear layer, and a batch norm over one of the dimensions, as asked."""

    def __init__(self, width: int, norm: nn.Module, how: str):
        super().__init__()
        self.fc, self.norm, self.how, self.width = nn.Linear(7, width), norm, how, width

    def forward(self, x: Tensor) -> Tensor:
        x = self.fc(x.reshape(-1, 4, 7))
        if self.how == "transposed":
            x = x.transpose(1, 2)
        if self.how == "flattened":
            x = x.reshape(-1, self.width)
        if self.how == "parted":
            x = x.reshape(-1, 4 * self.width)
        return self.norm(x).reshape(-1, 4 * self.width)[:, :10]


class Twice(nn.Module):
    """One convolution before two norms, or before one and none."""

    def __init__(self, norms: int):
        super().__init__()
        self.conv = nn.Conv2d(1, 1, 3, padding=1)
        self.norms = nn.ModuleList(nn.BatchNorm2d(1) for _ in range(norms))

    def forward(self, x: Tensor) -> Tensor:
        x = self.norms[0](self.conv(x)).relu()
        x = self.conv(x)
        x = self.norms[1](x) if len(self.norms) > 1 else x
        return x.relu().flatten(1)


class Residual(nn.Module):
    def __init__(self, where: str):
        super().__init__()
        self.conv, self.bn, self.where = nn.Conv2d(1, 1, 3, padding=1), nn.BatchNorm2d(1), where

    def forward(self, x: Tensor) -> Tensor | tuple[Tensor, Tensor]:
        y = self.conv(x)
        if self.where == "added before":
            return self.bn(y + x).relu().flatten(1)
        z = self.bn(y).relu()
        return (z.flatten(1), y.flatten(1)) if self.where == "returned" else (z + y).flatten(1)


class Functional(nn.Module):
    def __init__(self, shared: bool = False):
        super().__init__()
        self.weight, self.bias = nn.Parameter(torch.ones(4, 784)), nn.Parameter(torch.zeros(4))
        self.bn, self.shared = nn.BatchNorm1d(4), shared

    def forward(self, x: Tensor) -> Tensor:
        x = self.bn(F.linear(x.flatten(1), self.weight, self.bias)).relu()
        return x * self.bias if self.shared else x


class Still(nn.BatchNorm2d):
    """A batch norm that is never in training mode, as in a backbone that is kept as it was pretrained."""

    def train(self, mode: bool = True) -> Still:
        return super().train(False)


def frozen(layer: nn.Module) -> nn.Module:
    return layer.requires_grad_(False)


FIRES: dict[str, nn.Module] = {
    "convolution": ended(nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4)),
    "transposed": ended(nn.ConvTranspose2d(1, 4, 3), nn.BatchNorm2d(4)),
    "grouped": ended(nn.Conv2d(1, 4, 3, groups=1), nn.BatchNorm2d(4)),
    "linear": ended(nn.Flatten(), nn.Linear(784, 16), nn.BatchNorm1d(16)),
    "norm without weights": ended(nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4, affine=False)),
    "norm without running statistics": ended(nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4, track_running_stats=False)),
    "instance norm": ended(nn.Conv2d(1, 4, 3), nn.InstanceNorm2d(4)),
    "instance norm with running statistics": ended(nn.Conv2d(1, 4, 3), nn.InstanceNorm2d(4, track_running_stats=True)),
    "max-pool between": ended(nn.Conv2d(1, 4, 3), nn.MaxPool2d(3, 2, padding=1), nn.BatchNorm2d(4)),
    "average between": ended(nn.Conv2d(1, 4, 3), nn.AvgPool2d(2), nn.BatchNorm2d(4)),
    "average that leaves its padding out": ended(
        nn.Conv2d(1, 4, 3), nn.AvgPool2d(3, padding=1, count_include_pad=False), nn.BatchNorm2d(4)
    ),
    "global average between": ended(nn.Conv2d(1, 4, 3), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.BatchNorm1d(4)),
    "tokens, transposed": Rearranged(9, nn.BatchNorm1d(9), "transposed"),
    "tokens, flattened": Rearranged(9, nn.BatchNorm1d(9), "flattened"),
}
IS_SILENT: dict[str, nn.Module] = {
    "no bias": ended(nn.Conv2d(1, 4, 3, bias=False), nn.BatchNorm2d(4)),
    "activation between": ended(nn.Conv2d(1, 4, 3), nn.ReLU(), nn.BatchNorm2d(4)),
    "dropout between": ended(nn.Conv2d(1, 4, 3), nn.Dropout(0.1), nn.BatchNorm2d(4)),
    "layer norm": ended(nn.Flatten(), nn.Linear(784, 16), nn.LayerNorm(16)),
    "group norm": ended(nn.Conv2d(1, 4, 3), nn.GroupNorm(2, 4)),
    "norm that stays in evaluation": ended(nn.Conv2d(1, 4, 3), Still(4)),
    "average over padding": ended(nn.Conv2d(1, 4, 3), nn.AvgPool2d(3, padding=1), nn.BatchNorm2d(4)),
    "average with a divisor": ended(nn.Conv2d(1, 4, 3), nn.AvgPool2d(2, divisor_override=1), nn.BatchNorm2d(4)),
    "other channels": ended(nn.Flatten(), nn.Linear(784, 16), nn.Unflatten(1, (4, 2, 2)), nn.BatchNorm2d(4)),
    "frozen": ended(frozen(nn.Conv2d(1, 4, 3)), nn.BatchNorm2d(4)),
    "tokens, normed by their place": Rearranged(9, nn.BatchNorm1d(4), "as they are"),
    "as many places as channels": Rearranged(4, nn.BatchNorm1d(4), "as they are"),
    "tokens, one channel for each place": Rearranged(9, nn.BatchNorm1d(36), "parted"),
    "called without a norm too": Twice(1),
    "added before the norm": Residual("added before"),
    "used beside the norm": Residual("used too"),
    "returned beside the norm": Residual("returned"),
    "a bias that has another use": Functional(shared=True),
}


@pytest.mark.parametrize("model", FIRES.values(), ids=list(FIRES))
def test_it_fires(model: nn.Module) -> None:
    assert len(firing(CODE, model)) == 1


@pytest.mark.parametrize("model", IS_SILENT.values(), ids=list(IS_SILENT))
def test_it_is_silent(model: nn.Module) -> None:
    assert firing(CODE, model) == ()


@pytest.mark.parametrize("channels", [1, 32])
def test_the_message_names_both_and_what_it_costs(channels: int) -> None:
    model = ended(nn.Conv2d(1, channels, 3), nn.BatchNorm2d(channels))
    (finding,) = firing(CODE, model)
    held = f"{channels} parameter{'s' * (channels > 1)}"
    assert finding.message == f"0 has a bias that 1 removes ({held}): pass bias=False"
    assert finding.where == "0"


def test_a_layer_that_is_called_twice_has_one_finding() -> None:
    (finding,) = firing(CODE, Twice(2))
    assert finding.message == "conv has a bias that norms.0 and norms.1 remove (1 parameter): pass bias=False"


def test_a_function_in_forward_has_its_line() -> None:
    (finding,) = firing(CODE, Functional())
    assert finding.message.startswith("linear has a bias that bn removes (4 parameters)")
    assert finding.where is None
    assert finding.line == Functional.forward.__code__.co_firstlineno + 1
