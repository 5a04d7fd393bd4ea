from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .firing import firing

CODE = "MC415"
Forward = Callable[[Any, Tensor], object]


class Net(nn.Module):
    """Layers for every case; forward is the case's."""

    def __init__(self, forward: Forward) -> None:
        super().__init__()
        self.fc, self.side, self.last = nn.Linear(16, 16), nn.Linear(16, 16), nn.Linear(16, 10)
        self.block = nn.Sequential(nn.Linear(16, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Linear(8, 16))
        self.dropout, self.conv = nn.Dropout(0.1), nn.Conv2d(1, 4, 3)
        self.pool, self.lstm = nn.MaxPool2d(2, return_indices=True), nn.LSTM(4, 16, batch_first=True)
        self.attention = nn.MultiheadAttention(4, 2, batch_first=True)
        self.register_buffer("centre", torch.zeros(16))
        self.case = forward

    def forward(self, x: Tensor) -> object:
        return self.case(self, x)


def unassigned(net: Any, x: Tensor) -> Tensor:
    x = net.fc(x.flatten(1))
    F.relu(x)
    return net.last(x)


def dropped(net: Any, x: Tensor) -> Tensor:
    x = net.fc(x.flatten(1)).relu()
    net.dropout(x)
    return net.last(x)


def branch(net: Any, x: Tensor) -> Tensor:
    x = net.fc(x.flatten(1)).relu()
    net.block(x) + x
    return net.last(x)


def two_branches(net: Any, x: Tensor) -> Tensor:
    x = net.fc(x.flatten(1)).relu()
    net.block(x)
    net.side(x).sigmoid()
    return net.last(x)


def joined_late(net: Any, x: Tensor) -> Tensor:
    x = net.fc(x.flatten(1)).relu()
    one, other = net.side(x), net.block(x)
    torch.cat([one, other], 1)
    return net.last(x)


def only_in_training(net: Any, x: Tensor) -> Tensor:
    x = net.fc(x.flatten(1)).relu()
    if net.training:
        net.side(x)
    return net.last(x)


def for_its_shape(net: Any, x: Tensor) -> Tensor:
    side = net.side(x.flatten(1)).shape[1]
    return net.last(x.flatten(1)[:, :side])


def pooled_in_vain(net: Any, x: Tensor) -> Tensor:
    F.max_pool2d(x, 2)
    return net.last(x.flatten(1))


def auxiliary(net: Any, x: Tensor) -> object:
    x = net.fc(x.flatten(1)).relu()
    return net.last(x), net.side(x).relu()


def auxiliary_in_training(net: Any, x: Tensor) -> object:
    x = net.fc(x.flatten(1)).relu()
    return (net.last(x), net.block(x)) if net.training else net.last(x)


def in_a_dict(net: Any, x: Tensor) -> object:
    x = net.fc(x.flatten(1)).relu()
    return {"features": [net.side(x), net.block(x)], "logits": net.last(x)}


def only_in_evaluation(net: Any, x: Tensor) -> Tensor:
    scores = net.last(net.fc(x.flatten(1)).relu())
    probabilities = scores.softmax(1)
    return scores if net.training else probabilities


def indices(net: Any, x: Tensor) -> Tensor:
    pooled, _ = net.pool(x)
    return F.linear(pooled.flatten(1), net.last.weight[:, :4])


def last_state(net: Any, x: Tensor) -> Tensor:
    _, (hidden, _) = net.lstm(x[:, 0])
    return net.last(hidden[0])


def attended(net: Any, x: Tensor) -> Tensor:
    made, _ = net.attention(x[:, 0], x[:, 0], x[:, 0])
    return net.last(made.flatten(1))


def in_place(net: Any, x: Tensor) -> Tensor:
    x = net.fc(x.flatten(1))
    F.relu(x, inplace=True)
    return net.last(x)


def statistics(net: Any, x: Tensor) -> Tensor:
    x = net.fc(x.flatten(1)).relu()
    x.mean(0), x.norm(), x.max(), (x > 0).sum()
    return net.last(x)


def mask(net: Any, x: Tensor) -> Tensor:
    x = x.flatten(1)
    torch.ones_like(x).tril(), x.view(-1, 4, 4).transpose(1, 2).contiguous(), x * 2
    return net.last(net.fc(x).relu())


def checked(net: Any, x: Tensor) -> Tensor:
    torch._assert(net.fc.weight.shape[0] == 16, "as many")
    assert x.flatten(1).shape[1] == 16
    return net.last(net.fc(x.flatten(1)).relu())


def written(net: Any, x: Tensor) -> Tensor:
    x = net.fc(x.flatten(1)).relu()
    with torch.no_grad():
        net.centre.copy_(net.side(x).mean(0))
    return net.last(x)


FIRES: dict[Forward, list[str | None]] = {
    unassigned: [None],
    dropped: ["dropout"],
    branch: ["block.3"],
    two_branches: ["block.3", None],
    joined_late: ["block.3"],
    only_in_training: ["side"],
    for_its_shape: ["side"],
    pooled_in_vain: [None],
}
IS_SILENT: list[Forward] = [
    auxiliary, auxiliary_in_training, in_a_dict, only_in_evaluation, indices, last_state, attended, in_place,
    statistics, mask, checked, written,
]  # fmt: skip


@pytest.mark.parametrize(("forward", "where"), FIRES.items(), ids=[one.__name__ for one in FIRES])
def test_it_fires_at_the_last_of_each_branch(forward: Forward, where: list[str | None]) -> None:
    assert [finding.where for finding in firing(CODE, Net(forward), (1, 4, 4))] == where


@pytest.mark.parametrize("forward", IS_SILENT, ids=lambda one: one.__name__)
def test_it_is_silent(forward: Forward) -> None:
    assert firing(CODE, Net(forward), (1, 4, 4)) == ()


def test_the_message_of_one_call() -> None:
    (finding,) = firing(CODE, Net(unassigned), (1, 4, 4))
    assert finding.message == "the result of relu is never used: assign it and use it, or leave the call out of forward"
    assert finding.line == unassigned.__code__.co_firstlineno + 2


def test_the_message_of_a_branch() -> None:
    (finding,) = firing(CODE, Net(joined_late), (1, 4, 4))
    assert finding.message == (
        "the result of block.3 is never used, and 5 layers run for it (side, block.0, block.1, block.2 and 1 more): "
        "use it, or leave them out of forward"
    )
