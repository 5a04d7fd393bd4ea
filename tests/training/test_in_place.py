"""What may be written over is: gradients and outputs stay those of the graph as its author wrote it."""

from __future__ import annotations

import msgspec
import pytest
import torch
import torch.nn.functional as F
from torch import nn

import modelcheck
from modelcheck.graph.model import GraphModel
from modelcheck.training.in_place import overwriting, relus_in_place


class Usual(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv, self.norm, self.fc = nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.Linear(4, 10)

    def forward(self, x):
        return self.fc(F.relu(self.norm(F.relu(self.conv(x)))).mean((2, 3)))


class ReadTwice(Usual):
    def forward(self, x):
        y = self.conv(x)
        return self.fc((F.relu(y) + y).mean((2, 3)))


class ReadThroughAView(Usual):
    def forward(self, x):
        y = self.conv(x)
        return self.fc(F.relu(y.flatten(2)).mean(2) + y.mean((2, 3)))


class AfterAnOutputThatTheGradientNeeds(Usual):
    def forward(self, x):
        return self.fc(F.relu(torch.sigmoid(self.conv(x)) - 0.5).mean((2, 3)))


class WithoutGradient(Usual):
    def forward(self, x):
        y = self.conv(x)
        with torch.no_grad():
            z = F.relu(y)
        return self.fc(z.mean((2, 3)))


class OfTheInput(Usual):
    def forward(self, x):
        return self.fc(self.conv(F.relu(x)).mean((2, 3)))


@pytest.mark.parametrize(
    ("network", "spared"),
    [
        (Usual, 2),
        (ReadTwice, 0),
        (ReadThroughAView, 0),
        (AfterAnOutputThatTheGradientNeeds, 0),
        (WithoutGradient, 0),
        (OfTheInput, 0),
    ],
)
def test_gradients_are_the_authors(network: type[nn.Module], spared: int) -> None:
    torch.manual_seed(0)
    model = GraphModel(modelcheck.capture(network(), input=(1, 12, 12)))
    images = torch.randn(4, 1, 12, 12)
    substitutes = relus_in_place(model.header.train)
    assert len(substitutes) == spared
    found = []
    for given in ({}, substitutes):
        model.zero_grad()
        before = images.clone()
        (output,) = model.run([images], training=True, substitutes=given)
        output.square().sum().backward()
        assert torch.equal(images, before)
        found.append([output.detach(), *(p.grad for p in model.parameters() if p.grad is not None)])
    assert len(found[0]) == len(found[1])
    assert all(torch.equal(a, b) for a, b in zip(*found, strict=True))


def test_an_output_is_not_written_over() -> None:
    graph = modelcheck.capture(Usual(), input=(1, 12, 12)).header.train
    first, *_ = sorted(overwriting(graph))
    argument = graph.nodes[first].args[0]
    assert first not in overwriting(msgspec.structs.replace(graph, outputs=[*graph.outputs, argument]))
