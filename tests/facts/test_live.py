"""What a hostile graph may cost when its operators are tried: bounds, counted before anything runs."""

from __future__ import annotations

import time

import pytest
import torch
from torch import nn

from tests.facts.describe import facts


class Many(nn.Module):
    """Hundreds of dropouts: trying each of them alone would cost their square."""

    def forward(self, x):
        for _ in range(300):
            x = nn.functional.dropout(x, 0.1, self.training)
        return x.flatten(1)[:, :10]


class Pool(nn.Module):
    """Few numbers and no multiplications, and windows of millions."""

    def forward(self, x):
        x = nn.functional.interpolate(nn.functional.dropout(x, 0.1, self.training), size=(3000, 3000))
        return nn.functional.avg_pool2d(x, 1500, stride=1).flatten(1)[:, :10]


class Loss(nn.Module):
    """One number, and the square of millions inside of it."""

    def forward(self, x):
        y = nn.functional.dropout(x, 0.1, self.training).flatten().repeat(2**14)
        return torch.ops.aten.mse_loss.default(y[:, None], y[None, :]) + x.flatten(1)[:, :10]


class Strides(nn.Module):
    """Exact receptive fields that double with each of hundreds of layers."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.ModuleList([nn.Conv2d(1, 1, 1, stride=2**20) for _ in range(100)])

    def forward(self, x):
        for layer in self.layers:
            x = layer(x)
        return x.flatten(1)


CASES = [(Many, "tried"), (Pool, "reachable"), (Loss, "reachable"), (Strides, "tried")]


@pytest.mark.parametrize(("model", "liveness"), CASES)
def test_costs_are_bounded(model: type[nn.Module], liveness: str) -> None:
    start = time.process_time()
    found = facts(model())
    assert found.liveness == liveness
    # not a measurement: without the bounds each takes minutes or more memory than there is
    assert time.process_time() - start < 60
    assert found.receptive_field is None or max(found.receptive_field) <= 2**24


def test_weights_are_not_changed_by_a_trial() -> None:
    class Counting(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.bn, self.fc = nn.BatchNorm2d(1), nn.Linear(784, 10)
            self.register_buffer("seen", torch.zeros(1))

        def forward(self, x):
            self.seen.add_(1)
            return self.fc(self.bn(x).flatten(1)) + 0 * self.seen

    model = Counting()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    assert facts(model).batch_norm.count == 1
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
