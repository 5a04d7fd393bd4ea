from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .firing import firing

CODE = "MC403"


def between(*layers: nn.Module) -> nn.Sequential:
    """The layers between a convolution of four channels and a head."""
    return nn.Sequential(nn.Conv2d(1, 4, 3), *layers, nn.Flatten(), nn.LazyLinear(10))


class Shared(nn.Module):
    """One dropout, in a loop over two batch norms."""

    def __init__(self):
        super().__init__()
        self.convs = nn.ModuleList([nn.Conv2d(1, 4, 3), nn.Conv2d(4, 4, 3)])
        self.norms = nn.ModuleList([nn.BatchNorm2d(4), nn.BatchNorm2d(4)])
        self.drop = nn.Dropout(0.2)

    def forward(self, x: Tensor) -> Tensor:
        for conv, norm in zip(self.convs, self.norms, strict=True):
            x = norm(self.drop(conv(x))).relu()
        return x.mean((2, 3))


class Joined(nn.Module):
    """A dropout in one of two branches, which meet before the batch norm."""

    def __init__(self, how: str):
        super().__init__()
        self.bn, self.how = nn.BatchNorm2d(2 if how == "cat" else 1), how

    def forward(self, x: Tensor) -> Tensor:
        y = F.dropout(x.exp(), 0.2, self.training)
        return self.bn(torch.cat([x, y], 1) if self.how == "cat" else x + y).flatten(1)


class OnInput(nn.Module):
    def __init__(self, rate: float, training: bool | None = None):
        super().__init__()
        self.bn, self.rate, self.on = nn.BatchNorm2d(1), rate, training

    def forward(self, x: Tensor) -> Tensor:
        return self.bn(F.dropout(x, self.rate, self.training if self.on is None else self.on)).flatten(1)


class Still(nn.BatchNorm2d):
    """A batch norm that is never in training mode."""

    def train(self, mode: bool = True) -> Still:
        return super().train(False)


FIRES: dict[str, nn.Module] = {
    "right before": between(nn.Dropout(0.2), nn.BatchNorm2d(4)),
    "by channels": between(nn.Dropout2d(0.2), nn.BatchNorm2d(4)),
    "activation between": between(nn.Dropout(0.2), nn.ReLU(), nn.BatchNorm2d(4)),
    "max-pool between": between(nn.Dropout(0.2), nn.MaxPool2d(2), nn.BatchNorm2d(4)),
    "view between": between(nn.Dropout(0.2), nn.Flatten(), nn.BatchNorm1d(4 * 26 * 26)),
    "on the input": OnInput(0.2),
}
IS_SILENT: dict[str, nn.Module] = {
    "after": between(nn.BatchNorm2d(4), nn.ReLU(), nn.Dropout(0.2)),
    "a convolution between": between(nn.Dropout(0.2), nn.Conv2d(4, 4, 3), nn.BatchNorm2d(4)),
    "a linear layer between": nn.Sequential(
        nn.Flatten(), nn.Dropout(0.2), nn.Linear(784, 32), nn.BatchNorm1d(32), nn.Linear(32, 10)
    ),
    "average between": between(nn.Dropout(0.2), nn.AdaptiveAvgPool2d(1), nn.BatchNorm2d(4)),
    "another normalisation between": between(nn.Dropout(0.2), nn.GroupNorm(2, 4), nn.BatchNorm2d(4)),
    "layer norm after it": between(nn.Dropout(0.2), nn.Flatten(), nn.LayerNorm(4 * 26 * 26)),
    "nothing is dropped": between(nn.Dropout(0.0), nn.BatchNorm2d(4)),
    "alpha dropout": between(nn.AlphaDropout(0.2), nn.BatchNorm2d(4)),
    "switched off": OnInput(0.2, training=False),
    "no running statistics": between(nn.Dropout(0.2), nn.BatchNorm2d(4, track_running_stats=False)),
    "norm that stays in evaluation": between(nn.Dropout(0.2), Still(4)),
    "a concatenation between": Joined("cat"),
    "an addition between": Joined("add"),
}


@pytest.mark.parametrize("model", FIRES.values(), ids=list(FIRES))
def test_it_fires(model: nn.Module) -> None:
    assert len(firing(CODE, model)) == 1


@pytest.mark.parametrize("model", IS_SILENT.values(), ids=list(IS_SILENT))
def test_it_is_silent(model: nn.Module) -> None:
    assert firing(CODE, model) == ()


def test_the_message_names_both_and_the_rate() -> None:
    (finding,) = firing(CODE, between(nn.Dropout(0.25), nn.ReLU(), nn.BatchNorm2d(4)))
    assert finding.message == (
        "1 (p = 0.25) comes before 3 with no weighted layer between: 3 learns a larger variance in training than it "
        "meets in evaluation. Put 1 after 3"
    )
    assert finding.where == "1"


def test_each_batch_norm_after_a_shared_dropout_is_named() -> None:
    found = firing(CODE, Shared())
    assert [finding.where for finding in found] == ["drop", "drop"]
    assert ["norms.0" in finding.message for finding in found] == [True, False]
