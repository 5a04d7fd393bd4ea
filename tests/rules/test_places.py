from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor, nn

from modelcheck.capturing.capture import capture_model
from modelcheck.facts.compute import compute_facts
from modelcheck.facts.flow import Flow
from modelcheck.rules.places import dropout_rate, named, once_a_place, problem_at


class Block(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv, self.act = nn.Conv2d(1, 1, 3, padding=1), nn.ReLU()

    def forward(self, x: Tensor) -> Tensor:
        return F.dropout(F.relu_(self.conv(self.act(x))), 0.25, self.training)


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.block = Block()

    def forward(self, x: Tensor) -> Tensor:
        for _ in range(3):
            x = self.block(x)
        return F.dropout(F.gelu(x), 0.5, training=False).flatten(1)


def flow_of(model: nn.Module) -> Flow:
    return compute_facts(capture_model(model, (1, 8, 8))).flows.train


def test_a_module_has_its_path_and_a_function_its_module() -> None:
    flow = flow_of(Net())
    names = [named(flow, one) for one in flow.used]
    block = ["block.act", "block.conv", "relu in block", "dropout in block"]
    assert names == [*block * 3, "gelu", "dropout"]


def test_a_layer_that_activates_too_has_its_path() -> None:
    class Activated(nn.BatchNorm2d):
        def forward(self, x: Tensor) -> Tensor:
            return F.relu(super().forward(x))

    flow = flow_of(nn.Sequential(Activated(1), nn.Flatten()))
    assert [named(flow, one) for one in flow.used] == ["0", "relu in 0"]


def test_a_loop_is_one_place() -> None:
    flow = flow_of(Net())
    found = once_a_place((one, one.index) for one in flow.used)
    assert found == [(one, one.index) for one in (*flow.used[:4], *flow.used[12:])]


def test_a_problem_has_the_operator_s_place() -> None:
    flow = flow_of(Net())
    conv, gelu = flow.used[1], flow.used[12]
    found = problem_at(conv, "text")
    assert (found.message, found.where, found.file, found.line) == ("text", "block.conv", conv.file, conv.line)
    assert problem_at(gelu, "text").where is None
    assert found.severity is None


def test_rate_of_a_dropout_that_is_on() -> None:
    flow = flow_of(Net())
    assert [dropout_rate(one) for one in flow.of_kind("dropout")] == [0.25, 0.25, 0.25, None]
