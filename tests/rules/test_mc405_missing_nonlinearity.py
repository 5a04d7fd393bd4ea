from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils.parametrizations import weight_norm

from .firing import firing

CODE = "MC405"


def ended(*layers: nn.Module) -> nn.Sequential:
    """The layers, and what makes ten scores of whatever they give."""
    return nn.Sequential(*layers, nn.ReLU(), nn.Flatten(), nn.LazyLinear(10))


def flat(*layers: nn.Module) -> nn.Sequential:
    return nn.Sequential(nn.Flatten(), *layers)


def wide(*layers: nn.Module, channels: int = 32) -> nn.Sequential:
    """The layers after a convolution of so many channels with its ReLU."""
    return ended(nn.Conv2d(1, channels, 3), nn.ReLU(), *layers)


class Residual(nn.Module):
    def __init__(self):
        super().__init__()
        self.one, self.other = nn.Conv2d(4, 4, 3, padding=1), nn.Conv2d(4, 4, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        return self.other(x + self.one(x))


class Branches(nn.Module):
    """Two heads on one map, as in a region proposal network."""

    def __init__(self):
        super().__init__()
        self.stem, self.heads = nn.Linear(784, 32), nn.ModuleList([nn.Linear(32, 10), nn.Linear(32, 10)])

    def forward(self, x: Tensor) -> Tensor:
        x = self.stem(x.flatten(1))
        return self.heads[0](x) + self.heads[1](x)


class Attention(nn.Module):
    """Pixels' rows embedded, projected to queries, keys and values at once, and attended to."""

    def __init__(self, how: str):
        super().__init__()
        self.embed, self.qkv, self.out, self.how = nn.Linear(28, 48), nn.Linear(48, 144), nn.Linear(48, 10), how
        self.attend = nn.MultiheadAttention(48, 2, batch_first=True)

    def forward(self, x: Tensor) -> Tensor:
        x = self.embed(x[:, 0])
        if self.how == "module":
            return self.out(self.attend(x, x, x)[0].mean(1))
        query, key, value = self.qkv(x).chunk(3, -1)
        return self.out((((query / 7) @ key.transpose(1, 2)).softmax(-1) @ value).mean(1))


class Mixer(nn.Module):
    """A map over the rows, then one over the columns."""

    def __init__(self, columns: int):
        super().__init__()
        self.columns, self.rows = nn.Linear(columns, columns), nn.Linear(28, 28)

    def forward(self, x: Tensor) -> Tensor:
        x = self.columns(x[:, 0, :, : self.columns.in_features])
        return self.rows(x.transpose(1, 2)).relu().flatten(1)[:, :10]


class Functional(nn.Module):
    def __init__(self):
        super().__init__()
        self.one, self.other = nn.Parameter(torch.ones(32, 784)), nn.Parameter(torch.ones(10, 32))

    def forward(self, x: Tensor) -> Tensor:
        return F.linear(F.linear(x.flatten(1), self.one), self.other)


class Squared(nn.Module):
    """Bilinear in one value: a square, and no linear map."""

    def __init__(self):
        super().__init__()
        self.fc, self.square, self.head = nn.Linear(784, 16), nn.Bilinear(16, 16, 32), nn.Linear(32, 10)

    def forward(self, x: Tensor) -> Tensor:
        x = self.fc(x.flatten(1))
        return self.head(self.square(x, x))


FIRES: dict[str, nn.Module] = {
    "linear": flat(nn.Linear(784, 32), nn.Linear(32, 10)),
    "dropout between": flat(nn.Linear(784, 32), nn.Dropout(0.1), nn.Linear(32, 10)),
    "batch norm between": flat(nn.Linear(784, 32), nn.BatchNorm1d(32), nn.Linear(32, 10)),
    "convolutions": ended(nn.Conv2d(1, 8, 3), nn.Conv2d(8, 16, 3)),
    "batch norm and dropout between": ended(
        nn.Conv2d(1, 8, 3), nn.BatchNorm2d(8), nn.Dropout(0.1), nn.Conv2d(8, 16, 3)
    ),
    "strided": ended(nn.Conv2d(1, 8, 3, stride=2), nn.Conv2d(8, 16, 3)),
    "dilated": ended(nn.Conv2d(1, 8, 3, dilation=2), nn.Conv2d(8, 16, 3)),
    "one dimension": ended(nn.Flatten(2), nn.Conv1d(1, 8, 3), nn.Conv1d(8, 16, 3)),
    "1×1 after 3×3": wide(nn.Conv2d(32, 32, 3), nn.Conv2d(32, 10, 1)),
    "1×1 to more channels before 3×3": wide(nn.Conv2d(32, 64, 1), nn.Conv2d(64, 32, 3)),
    "1×1 after 1×1": wide(nn.Conv2d(32, 10, 1), nn.Conv2d(10, 10, 1)),
    "weight norm": flat(weight_norm(nn.Linear(784, 32)), nn.Linear(32, 10)),
    "functions": Functional(),
}
IS_SILENT: dict[str, nn.Module] = {
    "relu between": ended(nn.Conv2d(1, 8, 3), nn.ReLU(), nn.Conv2d(8, 16, 3)),
    "max-pool between": ended(nn.Conv2d(1, 8, 3), nn.MaxPool2d(2), nn.Conv2d(8, 16, 3)),
    "average between": ended(nn.Conv2d(1, 8, 3), nn.AvgPool2d(2), nn.Conv2d(8, 16, 3)),
    "layer norm between": flat(nn.Linear(784, 32), nn.LayerNorm(32), nn.Linear(32, 10)),
    "depthwise separable": wide(nn.Conv2d(32, 32, 3, groups=32), nn.BatchNorm2d(32), nn.Conv2d(32, 64, 1)),
    "grouped": wide(nn.Conv2d(32, 32, 3), nn.Conv2d(32, 32, 3, groups=2)),
    "linear bottleneck": wide(nn.Conv2d(32, 16, 1), nn.BatchNorm2d(16), nn.Conv2d(16, 96, 1)),
    "linear bottleneck as wide as what it takes": wide(
        *(nn.Conv2d(32, 32, 3, groups=32), nn.ReLU(), nn.Conv2d(32, 32, 1), nn.BatchNorm2d(32), nn.Conv2d(32, 96, 1))
    ),
    "1×1 to fewer channels before 3×3": wide(nn.Conv2d(32, 8, 1), nn.Conv2d(8, 8, 3)),
    "low rank": flat(nn.Linear(784, 4), nn.Linear(4, 10)),
    "low rank of two windows": wide(nn.Conv2d(32, 8, 3), nn.Conv2d(8, 32, 3)),
    "low rank of a window": ended(nn.Conv2d(1, 4, 5), nn.Conv2d(4, 32, 1)),
    "1×7 before 7×1": wide(nn.Conv2d(32, 32, (1, 7)), nn.Conv2d(32, 32, (7, 1))),
    "upsampling": wide(nn.ConvTranspose2d(32, 32, 2, stride=2), nn.Conv2d(32, 32, 3)),
    "patches": ended(nn.Conv2d(1, 16, 4, stride=4), nn.Conv2d(16, 32, 3)),
    "residual": wide(Residual(), channels=4),
    "two heads": Branches(),
    "attention as a module": Attention("module"),
    "attention by hand": Attention("hand"),
    "rows, then columns": Mixer(14),
    "rows, then columns of a square": Mixer(28),
    "convolution before a linear layer": nn.Sequential(nn.Conv2d(1, 8, 3), nn.Flatten(), nn.LazyLinear(10)),
    "global average between": nn.Sequential(
        nn.Conv2d(1, 8, 3), nn.AdaptiveAvgPool2d(1), nn.Conv2d(8, 10, 1), nn.Flatten()
    ),
    "padding between": ended(nn.Conv2d(1, 8, 3), nn.ReflectionPad2d(1), nn.Conv2d(8, 16, 3)),
    "other channels after a view": ended(nn.Conv2d(1, 8, 3), nn.PixelShuffle(2), nn.Conv2d(2, 16, 3)),
    "a frozen filter": ended(nn.Conv2d(1, 8, 3).requires_grad_(False), nn.Conv2d(8, 16, 3)),
    "a square": Squared(),
}


@pytest.mark.parametrize("model", FIRES.values(), ids=list(FIRES))
def test_it_fires(model: nn.Module) -> None:
    assert len(firing(CODE, model)) == 1


@pytest.mark.parametrize("model", IS_SILENT.values(), ids=list(IS_SILENT))
def test_it_is_silent(model: nn.Module) -> None:
    assert firing(CODE, model) == ()


@pytest.mark.parametrize(
    ("between", "named"), [([], "nothing"), ([nn.BatchNorm2d(8), nn.Dropout(0.1)], "only 1 and 2")]
)
def test_the_message_names_both_and_what_is_between(between: list[nn.Module], named: str) -> None:
    (finding,) = firing(CODE, ended(nn.Conv2d(1, 8, 3), *between, nn.Conv2d(8, 16, 3)))
    second = str(1 + len(between))
    assert finding.message == (
        f"0 and {second} have {named} between them, so that together they are one linear map (1 → 8 → 16 channels). "
        "Put an activation there, or leave one of them out"
    )
    assert finding.where == second


@pytest.mark.parametrize("middle", [15, 16, 26, 27, 40])
def test_a_pair_that_saves_weights_is_a_factorisation(middle: int) -> None:
    pair, one = 32 * middle + 9 * middle * 16, 9 * 32 * 16
    model = wide(nn.Conv2d(32, middle, 1, bias=False), nn.Conv2d(middle, 16, 3, bias=False))
    assert sum(one.numel() for one in [*model[2].parameters(), *model[3].parameters()]) == pair
    assert bool(firing(CODE, model)) == (pair >= one)


def test_each_pair_of_a_row_is_found() -> None:
    model = flat(nn.Linear(784, 64), nn.Linear(64, 32), nn.Linear(32, 10))
    assert [finding.where for finding in firing(CODE, model)] == ["2", "3"]
