"""Receptive fields against the recurrence r += (k - 1) · d · j, j *= s."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from modelcheck.facts.labels import relabel
from tests.facts.describe import facts


def by_formula(layers: list[tuple[int, int, int]]) -> int:
    field, jump = 1, 1
    for kernel, stride, dilation in layers:
        field += (kernel - 1) * dilation * jump
        jump *= stride
    return field


@settings(max_examples=15, deadline=None)
@given(st.lists(st.tuples(st.integers(1, 5), st.integers(1, 2), st.integers(1, 2)), min_size=1, max_size=4))
def test_a_chain_of_convolutions(layers: list[tuple[int, int, int]]) -> None:
    body = [nn.Conv2d(1, 1, k, stride=s, dilation=d, padding=k * d // 2 + 1) for k, s, d in layers]
    model = nn.Sequential(*body, nn.AdaptiveAvgPool2d(1), nn.Flatten())
    assert facts(model, (1, 40, 40)).receptive_field == (by_formula(layers),) * 2


@pytest.mark.parametrize(
    ("layers", "field"),
    [
        ([nn.Conv2d(1, 2, (3, 5))], (3, 5)),
        ([nn.Conv2d(1, 2, 3), nn.MaxPool2d(2), nn.Conv2d(2, 2, 3)], (8, 8)),
        ([nn.Conv2d(1, 2, 3), nn.MaxPool2d(3, stride=1), nn.Conv2d(2, 2, 3)], (7, 7)),
        ([nn.Conv2d(1, 2, 3), nn.AvgPool2d(2), nn.Conv2d(2, 2, 3)], (8, 8)),
        ([nn.Conv2d(1, 2, 28)], (28, 28)),
        ([nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.Dropout(0.1), nn.Conv2d(4, 4, 3, groups=4)], (5, 5)),
        ([nn.Conv2d(1, 4, 3), nn.PReLU(), nn.ZeroPad2d(2), nn.Conv2d(4, 4, 3)], (5, 5)),
        # three neighbours of the upsampled map come from two inputs of the transposed convolution
        ([nn.Conv2d(1, 2, 2, stride=2), nn.ConvTranspose2d(2, 2, 2, stride=2), nn.Conv2d(2, 2, 3)], (4, 4)),
        ([nn.PixelUnshuffle(2), nn.Conv2d(4, 2, 3)], (6, 6)),
    ],
)
def test_kinds_of_layers(layers: list[nn.Module], field: tuple[int, int]) -> None:
    assert facts(nn.Sequential(*layers, nn.Flatten())).receptive_field == field


def head(function) -> nn.Module:
    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.one, self.two = nn.Conv2d(1, 4, 3, padding=1), nn.Conv2d(4, 4, 5, padding=2)
            self.fc, self.attention = nn.Linear(4, 4), nn.MultiheadAttention(4, 1, batch_first=True)

        def forward(self, x):
            return function(self, self.one(x)).mean((2, 3))

    return Net()


@pytest.mark.parametrize(
    ("function", "field"),
    [
        (lambda net, x: x, 3),
        (lambda net, x: x + net.two(x), 7),
        (lambda net, x: torch.cat([x, net.two(x)], 1), 7),
        (lambda net, x: net.two(x) * x.mean((2, 3), keepdim=True), None),
        (lambda net, x: net.two(x) * F.adaptive_max_pool2d(x, 1), None),
        (lambda net, x: x * x.mean(1, keepdim=True).sigmoid(), 3),
        (lambda net, x: net.fc(x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2), 3),
        (
            lambda net, x: net.attention(*[x.flatten(2).transpose(1, 2)] * 3)[0].transpose(1, 2).view(-1, 4, 28, 28),
            None,
        ),
        (lambda net, x: x.flatten(2).softmax(-1).view(-1, 4, 28, 28), None),
        (lambda net, x: F.interpolate(F.max_pool2d(x, 2), scale_factor=2), 4),
        (lambda net, x: net.two(x).flip(-1), 7),
        (lambda net, x: net.two(x[:, :, ::2, ::2]), 11),
        (lambda net, x: net.two(F.normalize(x, dim=1)), 7),
    ],
)
def test_joins_and_global_context(function, field: int | None) -> None:
    assert facts(head(function)).receptive_field == (field and (field, field))


def test_a_model_without_a_map_has_none() -> None:
    assert facts(nn.Sequential(nn.ReLU(), nn.Flatten(), nn.Linear(784, 10))).receptive_field is None
    assert facts(nn.Sequential(nn.Conv2d(1, 10, 1), nn.Flatten())).receptive_field == (1, 1)
    assert facts(nn.Sequential(nn.Linear(8, 10)), (8,)).receptive_field is None


@pytest.mark.parametrize(
    ("before", "labels", "after", "expected"),
    [
        ((2, 3, 4, 5), ("", "", "h", "w"), (2, 3, 20), ("", "", "hw")),
        ((2, 3, 20), ("", "", "hw"), (2, 3, 4, 5), ("", "", "h", "w")),
        ((2, 3, 4, 5), ("", "", "h", "w"), (2, 60), None),
        ((2, 3, 4, 5), ("", "", "h", "w"), (6, 4, 5), ("", "h", "w")),
        ((2, 4, 4, 5), ("", "", "h", "w"), (2, 2, 2, 4, 5), ("", "", "", "h", "w")),
        ((2, 3, 4, 6), ("", "", "h", "w"), (2, 3, 2, 2, 6), None),
        ((2, 3, 1, 1), ("", "", "", ""), (2, 3), ("", "")),
        ((2, 1, 4, 5), ("", "", "h", "w"), (2, 4, 5), ("", "h", "w")),
        ((2, 20, 3), ("", "hw", ""), (2, 4, 5, 3), ("", "h", "w", "")),
        ((), (), (1, 1), ("", "")),
    ],
)
def test_labels_follow_a_reshape(before, labels, after, expected) -> None:
    assert relabel(before, labels, after) == expected


def test_a_map_reshaped_in_place_is_lost_and_does_no_harm() -> None:
    assert facts(head(lambda net, x: x.unsqueeze_(2).squeeze_(2).relu())).output_shape == (4,)
