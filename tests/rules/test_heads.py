from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from modelcheck.capturing.capture import capture_model
from modelcheck.facts.compute import compute_facts
from modelcheck.rules.heads import readers_of_maps


class Forward(nn.Module):
    """A convolution that gives 4×6×6, and a linear layer that reads of it what the test makes."""

    def __init__(self, how: str, inputs: int) -> None:
        super().__init__()
        self.how = how
        self.conv, self.bn, self.conv2 = nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.Conv2d(1, 4, 3)
        self.fc = nn.Linear(inputs, 10)

    def forward(self, x: Tensor) -> Tensor:
        return self.fc(getattr(self, self.how)(x, self.conv(x)))

    def flat(self, x: Tensor, y: Tensor) -> Tensor:
        return y.flatten(1)

    def viewed(self, x: Tensor, y: Tensor) -> Tensor:
        return F.dropout(F.relu(self.bn(y).view(-1, 4 * 6 * 6)), 0.1)

    def pooled(self, x: Tensor, y: Tensor) -> Tensor:
        return torch.sigmoid(F.max_pool2d(y, 2)).reshape(y.shape[0], -1)

    def residual(self, x: Tensor, y: Tensor) -> Tensor:
        return F.relu(y + self.conv2(x)).flatten(1)

    def joined(self, x: Tensor, y: Tensor) -> Tensor:
        return torch.cat([y, self.conv2(x)], 1).flatten(1)

    def averaged(self, x: Tensor, y: Tensor) -> Tensor:
        return F.adaptive_avg_pool2d(y, 1).flatten(1)

    def mean(self, x: Tensor, y: Tensor) -> Tensor:
        return y.mean((2, 3))

    def pixels(self, x: Tensor, y: Tensor) -> Tensor:
        return y.permute(0, 2, 3, 1).relu().mean((1, 2))

    def corner(self, x: Tensor, y: Tensor) -> Tensor:
        return y[:, :, 0, 0]

    def crop(self, x: Tensor, y: Tensor) -> Tensor:
        return y[:, :, :2, :2].flatten(1)

    def picture(self, x: Tensor, y: Tensor) -> Tensor:
        return x.flatten(1)

    def tokens(self, x: Tensor, y: Tensor) -> Tensor:
        return F.layer_norm(y.flatten(2).transpose(1, 2), (4,)).flatten(1)


READ = {
    "flat": (4, 6, 6),
    "viewed": (4, 6, 6),
    "pooled": (4, 3, 3),
    "residual": (4, 6, 6),
    "joined": (8, 6, 6),
}
NOT_READ = {
    "averaged": 4, "mean": 4, "pixels": 4, "corner": 4, "crop": 16, "picture": 64, "tokens": 144,
}  # fmt: skip


@pytest.mark.parametrize(("how", "shape"), READ.items(), ids=list(READ))
def test_a_map_laid_flat_is_seen_however_it_is_written(how: str, shape: tuple[int, ...]) -> None:
    inputs = shape[0] * shape[1] * shape[2]
    flow = compute_facts(capture_model(Forward(how, inputs), (1, 8, 8))).flows.train
    (reader,) = readers_of_maps(flow)
    assert (reader.layer.path, reader.map) == ("fc", shape)


@pytest.mark.parametrize(("how", "inputs"), NOT_READ.items(), ids=list(NOT_READ))
def test_what_is_pooled_cut_or_never_a_map_is_not_read_flat(how: str, inputs: int) -> None:
    flow = compute_facts(capture_model(Forward(how, inputs), (1, 8, 8))).flows.train
    assert readers_of_maps(flow) == ()


def test_a_sequence_laid_flat() -> None:
    model = nn.Sequential(nn.Conv1d(1, 4, 3), nn.Flatten(), nn.Linear(24, 10))
    (reader,) = readers_of_maps(compute_facts(capture_model(model, (1, 8))).flows.train)
    assert reader.map == (4, 6)


def test_layers_after_the_first_read_no_map() -> None:
    model = nn.Sequential(nn.Conv2d(1, 4, 3), nn.Flatten(), nn.Linear(144, 144), nn.ReLU(), nn.Linear(144, 10))
    flow = compute_facts(capture_model(model, (1, 8, 8))).flows.train
    assert [one.layer.path for one in readers_of_maps(flow)] == ["2"]
