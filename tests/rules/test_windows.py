from __future__ import annotations

import itertools

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from modelcheck.capturing.capture import capture_model
from modelcheck.facts.compute import compute_facts
from modelcheck.facts.flow import Flow
from modelcheck.rules.windows import Window, is_transposed, is_wide, window_of


def flow_of(layer: nn.Module, shape: tuple[int, ...]) -> Flow:
    return compute_facts(capture_model(layer, shape)).flows.train


def only_window(layer: nn.Module, shape: tuple[int, ...]) -> Window | None:
    (operator,) = flow_of(layer, shape).used
    return window_of(operator)


@pytest.mark.parametrize("stride", [1, 2, 3])
@pytest.mark.parametrize("dilation", [1, 2, 4])
@pytest.mark.parametrize("kernel", [1, 2, 3, 5])
def test_what_is_seen_is_what_a_convolution_of_ones_with_ones_sums_up(kernel: int, dilation: int, stride: int) -> None:
    span = (kernel - 1) * dilation + 1
    for side, padding in itertools.product(range(1, 8), range(span)):
        if side + 2 * padding < span:
            continue
        sums = F.conv1d(
            torch.ones(1, 1, side), torch.ones(1, 1, kernel), stride=stride, padding=padding, dilation=dilation
        )
        window = Window([kernel], [dilation], [padding], [stride], [side], [sums.shape[-1]])
        assert window.seen == int(sums.max())
        assert window.is_larger == (span > side)


@pytest.mark.parametrize(
    ("layer", "shape", "window"),
    [
        (nn.Conv1d(2, 4, 3, 2, 1), (2, 9), ([3], [1], [1], [2], [9], [5])),
        (nn.Conv2d(2, 4, (3, 5), padding=(1, 2)), (2, 6, 7), ([3, 5], [1, 1], [1, 2], [1, 1], [6, 7], [6, 7])),
        (nn.Conv2d(2, 4, 4, padding="same", dilation=3), (2, 6, 7), ([4, 4], [3, 3], [4, 4], [1, 1], [6, 7], [6, 7])),
        (nn.Conv2d(2, 4, 3, padding="valid"), (2, 6, 7), ([3, 3], [1, 1], [0, 0], [1, 1], [6, 7], [4, 5])),
        (nn.Conv3d(1, 1, (1, 2, 3)), (1, 3, 3, 3), ([1, 2, 3], [1] * 3, [0] * 3, [1] * 3, [3] * 3, [3, 2, 1])),
        (nn.MaxPool2d(3, 2, 1), (2, 6, 7), ([3, 3], [1, 1], [1, 1], [2, 2], [6, 7], [3, 4])),
        (nn.MaxPool2d(2, dilation=2), (2, 6, 8), ([2, 2], [2, 2], [0, 0], [2, 2], [6, 8], [2, 3])),
        (nn.MaxPool1d(3), (2, 9), ([3], [1], [0], [3], [9], [3])),
        (nn.AvgPool2d((2, 3)), (2, 6, 9), ([2, 3], [1, 1], [0, 0], [2, 3], [6, 9], [3, 3])),
        (nn.AvgPool3d(2, 1), (2, 3, 3, 3), ([2] * 3, [1] * 3, [0] * 3, [1] * 3, [3] * 3, [2] * 3)),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, nn.Module) else "",
)
def test_the_window_of_an_operator(layer: nn.Module, shape: tuple[int, ...], window: tuple[list[int], ...]) -> None:
    found = only_window(layer, shape)
    assert found is not None
    numbers = (found.kernel, found.dilation, found.before, found.stride, found.map, found.positions)
    assert tuple(map(list, numbers)) == window


@pytest.mark.parametrize(
    "layer", [nn.ConvTranspose2d(2, 4, 3), nn.AdaptiveAvgPool2d(2), nn.AdaptiveMaxPool2d(2), nn.ReLU()]
)
def test_what_slides_no_window(layer: nn.Module) -> None:
    assert only_window(layer, (2, 6, 6)) is None


@pytest.mark.parametrize(("kernel", "wide"), [(1, False), ((1, 3), True), (3, True)])
def test_wide(kernel: int | tuple[int, int], wide: bool) -> None:
    (operator,) = flow_of(nn.Conv2d(2, 4, kernel), (2, 6, 6)).used
    assert is_wide(operator) == wide


@pytest.mark.parametrize(
    ("layer", "transposed"), [(nn.Conv2d(2, 4, 3), False), (nn.ConvTranspose2d(2, 4, 3), True), (nn.ReLU(), False)]
)
def test_transposed(layer: nn.Module, transposed: bool) -> None:
    (operator,) = flow_of(layer, (2, 6, 6)).used
    assert is_transposed(operator) == transposed
