from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch.nn.functional as F
from torch import Tensor, nn

from .firing import firing

CODE = "MC417"
Forward = Callable[[Any, Tensor], Tensor]


class Net(nn.Module):
    """Convolutions and batch norms for every case; forward is the case's."""

    def __init__(self, forward: Forward) -> None:
        super().__init__()
        self.stem, self.conv1, self.conv2, self.conv3 = (nn.Conv2d(1, 1, 3, padding=1) for _ in range(4))
        self.bn, self.other = nn.BatchNorm2d(1), nn.BatchNorm2d(1)
        self.same_bn = self.bn
        self.free, self.group = nn.BatchNorm2d(1, track_running_stats=False), nn.GroupNorm(1, 1)
        self.case = forward

    def forward(self, x: Tensor) -> Tensor:
        return self.case(self, x).flatten(1)


def chain(net: Any, x: Tensor) -> Tensor:
    return net.bn(net.conv2(net.bn(net.conv1(x)).relu()))


def three(net: Any, x: Tensor) -> Tensor:
    return net.bn(net.conv3(chain(net, x).relu()))


def by_another_name(net: Any, x: Tensor) -> Tensor:
    return net.same_bn(net.conv2(net.bn(net.conv1(x)).relu()))


def recursion(net: Any, x: Tensor) -> Tensor:
    for _ in range(4):
        x = net.bn(net.conv1(x)).relu()
    return x


def before_the_layer(net: Any, x: Tensor) -> Tensor:
    x = net.stem(x)
    for _ in range(2):
        x = x + net.conv1(net.bn(x).relu())
    return x


def branches(net: Any, x: Tensor) -> Tensor:
    return net.bn(net.conv1(x)) + net.bn(net.conv2(x))


def twice_on_the_input(net: Any, x: Tensor) -> Tensor:
    return net.bn(net.conv1(net.bn(x)))


def functional(net: Any, x: Tensor) -> Tensor:
    for conv in (net.conv1, net.conv2):
        x = F.batch_norm(conv(x), net.bn.running_mean, net.bn.running_var, training=net.training)
    return x


def one_each(net: Any, x: Tensor) -> Tensor:
    return net.other(net.conv2(net.bn(net.conv1(x)).relu()))


def twins(net: Any, x: Tensor) -> Tensor:
    left, right = (net.bn(net.conv1(part)).relu() for part in x.chunk(2, 3))
    return left - right


def deep_twins(net: Any, x: Tensor) -> Tensor:
    left, right = (net.other(net.conv2(net.bn(net.conv1(part)).relu())) for part in (x, x.flip(3)))
    return left * right


def without_statistics(net: Any, x: Tensor) -> Tensor:
    return net.free(net.conv2(net.free(net.conv1(x)).relu()))


def group_norm(net: Any, x: Tensor) -> Tensor:
    return net.group(net.conv2(net.group(net.conv1(x)).relu()))


def in_vain(net: Any, x: Tensor) -> Tensor:
    net.bn(net.conv2(x))
    return net.bn(net.conv1(x))


def by_its_statistics(net: Any, x: Tensor) -> Tensor:
    for conv in (net.conv1, net.conv2):
        x = F.batch_norm(conv(x), net.bn.running_mean, net.bn.running_var, training=False)
    return x


def same_layer_other_norms(net: Any, x: Tensor) -> Tensor:
    return net.other(net.conv1(net.bn(net.conv1(x)).relu()))


FIRES: dict[Forward, tuple[int, str]] = {
    chain: (2, "after conv1 and conv2: each place"),
    three: (3, "after conv1, conv2 and conv3: each place"),
    by_another_name: (2, "after conv1 and conv2: each place"),
    recursion: (4, "always after conv1, as the block is called again: each round"),
    before_the_layer: (2, "after stem and conv1: each place"),
    branches: (2, "after conv1 and conv2: each place"),
    twice_on_the_input: (2, "after conv1: each place"),
    functional: (2, "after conv1 and conv2: each place"),
}
IS_SILENT: list[Forward] = [
    one_each, twins, deep_twins, without_statistics, group_norm, in_vain, by_its_statistics, same_layer_other_norms,
]  # fmt: skip


@pytest.mark.parametrize(("forward", "told"), FIRES.items(), ids=[one.__name__ for one in FIRES])
def test_it_fires_once_a_batch_norm(forward: Forward, told: tuple[int, str]) -> None:
    (finding,) = firing(CODE, Net(forward), (1, 8, 8))
    times, places = told
    assert f"is called {times} times, {places} has its own mean and variance" in finding.message


@pytest.mark.parametrize("forward", IS_SILENT, ids=lambda one: one.__name__)
def test_it_is_silent(forward: Forward) -> None:
    assert firing(CODE, Net(forward), (1, 8, 8)) == ()


def test_the_message() -> None:
    (finding,) = firing(CODE, Net(chain), (1, 8, 8))
    assert finding.message == (
        "bn is called 2 times, after conv1 and conv2: each place has its own mean and variance, and evaluation uses "
        "one average for all. Give each place a batch norm of its own"
    )
    assert finding.where == "bn"
