"""Receptive fields against the recurrence r += (k - 1) · d · j, j *= s."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

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


@pytest.mark.parametrize(
    ("model", "shape", "field", "kind"),
    [
        (nn.Sequential(nn.ReLU(), nn.Flatten(), nn.Linear(784, 10)), (1, 28, 28), None, "none"),
        (nn.Sequential(nn.Linear(8, 10)), (8,), None, "none"),
        (nn.Sequential(nn.Conv2d(1, 10, 1), nn.Flatten()), (1, 28, 28), (1, 1), "exact"),
        (nn.Sequential(nn.Conv2d(1, 10, 3), nn.Flatten(2), nn.Softmax(2), nn.Flatten()), (1, 8, 8), None, "unbounded"),
    ],
)
def test_a_field_is_told_from_none_and_from_the_whole_picture(model, shape, field, kind: str) -> None:
    found = facts(model, shape)
    assert (found.receptive_field, found.receptive_field_kind) == (field, kind)


def test_a_map_reshaped_in_place_is_lost_and_does_no_harm() -> None:
    assert facts(head(lambda net, x: x.unsqueeze_(2).squeeze_(2).relu())).output_shape == (4,)
