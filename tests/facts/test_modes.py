from __future__ import annotations

import time
from collections.abc import Callable

import msgspec
import pytest
import torch
import torch.nn.functional as F
import torchvision
from torch import Tensor, nn

from modelcheck.capturing.capture import capture_model
from modelcheck.facts.compute import compute_facts
from modelcheck.facts.structs import ModeDifference
from modelcheck.graph.capture import Capture
from modelcheck.graph.wire import Graph, InputRef, Node, NodeRef
from tests.facts.describe import facts

SIDE, OUT = 8, 3
PIXELS = SIDE * SIDE

Forward = Callable[["Net", Tensor], Tensor | tuple[Tensor, ...]]


class Net(nn.Module):
    def __init__(self, forward: Forward) -> None:
        super().__init__()
        self.done = forward
        self.fc, self.other = nn.Linear(PIXELS, OUT), nn.Linear(PIXELS, OUT)
        self.drop, self.bn, self.inorm = (
            nn.Dropout(0.2),
            nn.BatchNorm1d(PIXELS),
            nn.InstanceNorm2d(1, track_running_stats=True),
        )
        self.lstm = nn.LSTM(SIDE, SIDE, 2, dropout=0.2, batch_first=True)
        self.attention = nn.MultiheadAttention(SIDE, 2, dropout=0.2, batch_first=True)
        self.depth = torchvision.ops.StochasticDepth(0.2, "row")

    def forward(self, x: Tensor) -> Tensor | tuple[Tensor, ...]:
        return self.done(self, x)


def masked(net: Net, x: Tensor) -> Tensor:
    """Dropout by hand, scaled after the product."""
    if net.training:
        x = x * (torch.rand_like(x) < 0.8) / 0.8
    return net.fc(x.flatten(1))


def divided(net: Net, x: Tensor) -> Tensor:
    """Stochastic depth by hand, scaled before the product."""
    if net.training:
        keep = (0.8 + torch.rand(x.shape[0], 1, 1, 1)).floor()
        x = x.div(0.8) * keep
    return net.fc(x.flatten(1))


def residual(net: Net, x: Tensor) -> Tensor:
    x = x.flatten(1)
    return net.fc(x + net.depth(net.bn(x)))


def both_branches(net: Net, x: Tensor) -> Tensor:
    x = x.flatten(1)
    if net.training:
        x.sin()
        x = net.fc(x)
    else:
        x = net.fc(x)
    return x.relu()


SAME: dict[str, Forward] = {
    "plain": lambda net, x: net.fc(x.flatten(1)),
    "dropout and batch norm": lambda net, x: net.fc(net.drop(net.bn(x.flatten(1)))),
    "dropout in training": lambda net, x: net.fc(F.dropout(x.flatten(1), 0.2) if net.training else x.flatten(1)),
    "dropout in place": lambda net, x: net.fc(F.dropout(x.flatten(1).relu(), 0.2, net.training, inplace=True)),
    "instance norm": lambda net, x: net.fc(net.inorm(x).flatten(1)),
    "recurrent": lambda net, x: net.fc(net.lstm(x[:, 0])[0].flatten(1)),
    "attention": lambda net, x: net.fc(net.attention(x[:, 0], x[:, 0], x[:, 0])[0].flatten(1)),
    "stochastic depth": residual,
    "a random mask": masked,
    "a random row": divided,
    "random slope": lambda net, x: net.fc(F.rrelu(x, training=net.training).flatten(1)),
    "the same twice": both_branches,
    "always noisy": lambda net, x: net.fc((x + torch.randn_like(x)).flatten(1)),
    "laid out": lambda net, x: net.fc((x.mT.contiguous() if net.training else x.mT).flatten(1)),
    "copied": lambda net, x: net.fc((x.clone().detach() if net.training else x).flatten(1)),
    "written in place": lambda net, x: net.fc(x.mul_(2).flatten(1).relu_()),
}


def softmax_in_evaluation(net: Net, x: Tensor) -> Tensor:
    x = net.fc(x.flatten(1))
    return x if net.training else F.softmax(x, 1)


def noise(net: Net, x: Tensor) -> Tensor:
    if net.training:
        x = x + 0.1 * torch.randn_like(x)
    return net.fc(x.flatten(1))


def in_place(net: Net, x: Tensor) -> Tensor:
    x = x.flatten(1) * 1
    if net.training:
        x.relu_()
    return net.fc(x)


def wired(net: Net, x: Tensor) -> Tensor:
    one, other = x.exp().flatten(1), x.sin().flatten(1)
    return net.fc(one - other if net.training else other - one)


def own_norm(net: Net, x: Tensor) -> Tensor:
    x = x.flatten(1)
    return net.fc(x - (x.mean(0) if net.training else net.bn.running_mean))


OTHER: dict[str, tuple[Forward, dict[str, object]]] = {
    "softmax": (softmax_in_evaluation, {"kind": "only", "mode": "evaluation", "name": "softmax"}),
    "noise": (noise, {"kind": "only", "mode": "training", "name": "add"}),
    "in place": (in_place, {"kind": "only", "mode": "training", "name": "relu"}),
    "layer": (
        lambda net, x: net.fc(x.flatten(1)) + (net.other(x.flatten(1)) if net.training else 0),
        {"kind": "only", "mode": "training", "name": "linear", "path": "other"},
    ),
    "slope": (
        lambda net, x: net.fc(F.leaky_relu(x, 0.1 if net.training else 0.2).flatten(1)),
        {"kind": "arguments", "mode": None, "detail": "negative_slope is 0.1 in training and 0.2 in evaluation"},
    ),
    "weights": (
        lambda net, x: F.linear(x.flatten(1), net.fc.weight if net.training else net.other.weight),
        {"kind": "weights", "mode": None, "detail": "fc.weight in training and other.weight in evaluation"},
    ),
    "wiring": (wired, {"kind": "inputs", "mode": None, "name": "sub"}),
    "outputs": (
        lambda net, x: (net.fc(x.flatten(1)), net.other(x.flatten(1))) if net.training else net.fc(x.flatten(1)),
        {"kind": "outputs", "mode": "training", "detail": "2 in training and 1 in evaluation"},
    ),
    "a norm by hand": (own_norm, {"kind": "only", "mode": "training", "name": "mean"}),
}


def differences(forward: Forward) -> tuple[ModeDifference, ...]:
    return facts(Net(forward), (1, SIDE, SIDE)).mode_differences


@pytest.mark.parametrize("how", SAME)
def test_modes_that_compute_the_same(how: str) -> None:
    assert differences(SAME[how]) == ()


@pytest.mark.parametrize("how", OTHER)
def test_the_first_difference(how: str) -> None:
    forward, expected = OTHER[how]
    first = differences(forward)[0]
    assert {key: getattr(first, key) for key in expected} == expected
    assert first.kind == "outputs" or first.line


def chain(op: str, length: int) -> Graph:
    """The picture, with an operator that takes a number applied again and again."""
    values: list[InputRef | NodeRef] = [InputRef(0), *map(NodeRef, range(length))]
    nodes = tuple(Node(op=op, args=(values[number], number + 2)) for number in range(length))
    return Graph(nodes=nodes, outputs=(values[-1],))


@pytest.mark.parametrize("length", [1, 10, 5_000])
def test_differences_are_told_up_to_a_limit_and_in_short_time(length: int) -> None:
    capture = capture_model(nn.Flatten(), (1, SIDE, SIDE))
    graphs = {"train": chain("aten.add.Tensor", length), "evaluation": chain("aten.mul.Tensor", length)}
    forged = Capture(msgspec.structs.replace(capture.header, **graphs), capture.storages)
    start = time.process_time()
    assert len(compute_facts(forged).facts.mode_differences) == min(2 * length, 16)
    assert time.process_time() - start < 60  # not a measurement: the square of all operators would take minutes
