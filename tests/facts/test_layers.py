from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import nn

from reference_model import Net
from tests.facts.describe import describe


def test_the_reference_model() -> None:
    found = describe(Net())
    convolutions = [layer for layer in found.layers if layer.type == "Conv2d"]
    assert [layer.output_shape[1] for layer in convolutions] == [26, 24, 24, 10, 8, 6, 6, 1]
    assert [layer.path for layer in found.layers if layer.type == "BatchNorm2d"] == list(found.facts.batch_norm.where)
    facts = found.facts
    assert (facts.parameters.total, facts.weighted_layers, facts.receptive_field) == (18_592, 8, (22, 22))
    assert (facts.batch_norm.count, facts.dropout.count, facts.dropout.rates) == (6, 6, (0.1,))
    assert facts.global_average_pooling.where == ("gap.0",)
    assert facts.fully_connected.count == 0
    assert facts.fully_connected.equals == ("convblock8.0",)
    assert (facts.output_kind, facts.output_shape) == ("log-probabilities", (10,))
    channels, sides, areas = [1, 32, 32, 10, 16, 16, 16, 16, 10], [26, 24, 24, 10, 8, 6, 6, 1], [9, 9, 1, 9, 9, 9, 9, 1]
    assert facts.macs == sum(channels[i] * channels[i + 1] * areas[i] * sides[i] ** 2 for i in range(8))


class Mixed(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(1, 4, 3, padding=1)
        self.again = nn.Conv2d(4, 4, 3, padding=1)
        self.alpha = nn.Parameter(torch.ones(4, 1, 1))
        self.idle = nn.Linear(3, 3)
        self.tied = nn.Linear(4, 4)
        self.twin = nn.Linear(4, 4, bias=False)
        self.twin.weight = self.tied.weight
        self.w = nn.Parameter(torch.randn(4, 10))

    def forward(self, x):
        x = F.relu(self.again(F.relu(self.again(self.conv(x))))) * self.alpha
        return self.twin(self.tied(F.adaptive_avg_pool2d(x, 1).flatten(1))) @ self.w


def test_rows_add_up_to_the_totals() -> None:
    for model in (Net(), Mixed()):
        found = describe(model)
        assert sum(layer.parameters for layer in found.layers) == found.facts.parameters.total
        assert sum(layer.macs for layer in found.layers) == found.facts.macs


def test_calls_functions_owners_and_idle_modules_have_rows() -> None:
    found = describe(Mixed())
    rows = {(layer.path, layer.type): layer for layer in found.layers}
    assert rows["again", "Conv2d"].calls == 2
    assert rows["again", "Conv2d"].macs == 2 * 4 * 4 * 9 * 28 * 28
    assert rows["", "relu"].calls == 2
    assert rows["", "adaptive_avg_pool2d"].output_shape == (4, 1, 1)
    assert rows["", "matmul"].macs == 40
    assert rows["", "Mixed"].parameters == 4 + 40
    assert (rows["idle", "Linear"].calls, rows["idle", "Linear"].parameters) == (0, 12)
    assert (rows["tied", "Linear"].parameters, rows["twin", "Linear"].parameters) == (20, 0)
    assert found.facts.unused_modules == ("idle",)
    assert found.facts.weighted_layers == 6
    assert found.facts.fully_connected.count == 3


def test_unused_modules_are_named_once_at_their_top() -> None:
    class Model(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.block = nn.Sequential(nn.Linear(784, 10), nn.Sequential(nn.ReLU(), nn.Dropout(0.1)))
            self.idle = nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 2))
            self.layers = nn.ModuleList([nn.Linear(10, 10), nn.Linear(10, 10)])
            self.read = nn.Linear(10, 10)
            self.direct = nn.ReLU()
            self.extra = nn.ModuleDict({"a": nn.Linear(1, 1)})
            self.identity = nn.Identity()
            self.holder = nn.Module()
            self.holder.inner = nn.Dropout(0.5)
            self.nothing, self.no_branch = nn.ModuleList(), nn.Sequential()

        def forward(self, x):
            x = self.layers[0](self.block[0](x.flatten(1)))
            return self.direct.forward(F.linear(self.identity(x), self.read.weight))

    assert describe(Model()).facts.unused_modules == ("block.1", "idle", "layers.1", "extra", "holder")
