from __future__ import annotations

from itertools import pairwise

import pytest
import torch
from torch import Tensor, nn

from .firing import firing

CODE = "MC414"


def body(*channels: int) -> list[nn.Module]:
    """Convolutions without padding over 28×28; two of them give 24×24."""
    pairs = pairwise(channels)
    layers = [(nn.Conv2d(give, take, 3), nn.ReLU()) for give, take in pairs]
    return [layer for pair in layers for layer in pair]


def held(*layers: nn.Module) -> int:
    return sum(parameter.numel() for layer in layers for parameter in layer.parameters())


class Heads(nn.Module):
    """A policy and a value, from the map laid flat."""

    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Sequential(*body(1, 4, 4))
        self.policy, self.value = nn.Linear(4 * 24 * 24, 10), nn.Linear(4 * 24 * 24, 1)

    def forward(self, x: Tensor) -> Tensor:
        x = self.body(x).flatten(1)
        return self.policy(x) * self.value(x)


class Autoencoder(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.encode = nn.Sequential(*body(1, 4, 4), nn.Flatten(), nn.Linear(4 * 24 * 24, 32))
        self.decode = nn.Sequential(nn.Linear(32, 4 * 24 * 24), nn.Unflatten(1, (4, 24, 24)))
        self.last = nn.ConvTranspose2d(4, 1, 5)

    def forward(self, x: Tensor) -> Tensor:
        return self.last(self.decode(self.encode(x)))


class Recurrent(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Sequential(*body(1, 4, 4))
        self.lstm, self.fc = nn.LSTM(96, 8, batch_first=True), nn.Linear(8 * 24, 512)

    def forward(self, x: Tensor) -> Tensor:
        return self.fc(self.lstm(self.body(x).permute(0, 2, 1, 3).flatten(2))[0].flatten(1))


class Tokens(nn.Module):
    """Patches, mixed by linear layers, and read all together."""

    def __init__(self) -> None:
        super().__init__()
        self.patches, self.mix = nn.Conv2d(1, 16, 7, 7), nn.Linear(16, 16)
        self.norm, self.fc = nn.LayerNorm(16), nn.Linear(256, 64)

    def forward(self, x: Tensor) -> Tensor:
        x = self.patches(x).flatten(2).transpose(1, 2)
        return self.fc(self.norm(x + self.mix(x)).flatten(1))


class Tied(nn.Module):
    """One large layer, called twice: its weights count once."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.body, self.fc = nn.Sequential(*body(1, width, 1)), nn.Linear(576, 576)

    def forward(self, x: Tensor) -> Tensor:
        return self.fc(torch.relu(self.fc(self.body(x).flatten(1))))


FIRES: dict[str, nn.Module] = {
    "one layer": nn.Sequential(*body(1, 4, 4), nn.Flatten(), nn.Linear(4 * 24 * 24, 10)),
    "three layers": nn.Sequential(
        *body(1, 6, 16), nn.Flatten(), nn.LazyLinear(120), nn.ReLU(), nn.Linear(120, 84), nn.ReLU(), nn.Linear(84, 10)
    ),
    "pooled, but not to one pixel": nn.Sequential(
        *body(1, 4, 4), nn.AdaptiveAvgPool2d(7), nn.Flatten(), nn.Dropout(0.1), nn.LazyLinear(100)
    ),
    "two heads": Heads(),
    "a sequence": nn.Sequential(
        nn.Flatten(2), nn.Flatten(1), nn.Unflatten(1, (1, 784)), nn.Conv1d(1, 4, 3), nn.Conv1d(4, 4, 3), nn.Flatten(),
        nn.LazyLinear(10),
    ),
}  # fmt: skip
IS_SILENT: dict[str, nn.Module] = {
    "global average": nn.Sequential(*body(1, 4, 4), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 1000)),
    "the smaller part": nn.Sequential(*body(1, 64, 64), nn.MaxPool2d(6), nn.Flatten(), nn.LazyLinear(10)),
    "one convolution": nn.Sequential(*body(1, 4), nn.Flatten(), nn.LazyLinear(10)),
    "no convolution": nn.Sequential(nn.Flatten(), nn.Linear(784, 100), nn.ReLU(), nn.Linear(100, 10)),
    "no linear layer": nn.Sequential(*body(1, 4, 10), nn.AdaptiveAvgPool2d(1), nn.Flatten()),
    "autoencoder": Autoencoder(),
    "after a recurrent layer": Recurrent(),
    "tokens": Tokens(),
    "pixel by pixel": nn.Sequential(*body(1, 4, 4), nn.Flatten(2), nn.Linear(576, 576), nn.Flatten()),
}


@pytest.mark.parametrize("model", FIRES.values(), ids=list(FIRES))
def test_it_fires_once(model: nn.Module) -> None:
    assert len(firing(CODE, model)) == 1


@pytest.mark.parametrize("model", IS_SILENT.values(), ids=list(IS_SILENT))
def test_it_is_silent(model: nn.Module) -> None:
    assert firing(CODE, model) == ()


def test_the_message_compares_with_global_average_pooling() -> None:
    first, second = nn.Linear(8 * 24 * 24, 32), nn.Linear(32, 10)
    model = nn.Sequential(*body(1, 4, 8), nn.Flatten(), first, nn.ReLU(), second)
    (finding,) = firing(CODE, model)
    head, total = held(first, second), held(model)
    assert finding.message == (
        f"the fully connected head (5 and 7) holds {head:,} of {total:,} parameters ({100 * head / total:.0f} %): 5 "
        f"reads a map of 8×24×24 laid flat. After global average pooling it would need {held(nn.Linear(8, 32)):,} "
        f"instead of {held(first):,}"
    )
    assert finding.where == "5"


@pytest.mark.parametrize("below", [0, 1])
def test_half_is_not_most(below: int) -> None:
    head = nn.Linear(576, 11)
    width = (held(head) - 1) // 19 - below  # a channel has 9 weights and a bias in the first layer, 9 in the second
    model = nn.Sequential(*body(1, width, 1), nn.Flatten(), head)
    assert 2 * held(head) == held(model) + 19 * below
    assert len(firing(CODE, model)) == below


@pytest.mark.parametrize("width", [8, 30_000])
def test_a_layer_that_is_called_twice_counts_once(width: int) -> None:
    model = Tied(width)
    found = firing(CODE, model)
    assert bool(found) == (2 * held(model.fc) > held(model))
    assert all(f"(fc) holds {held(model.fc):,} of {held(model):,}" in finding.message for finding in found)
