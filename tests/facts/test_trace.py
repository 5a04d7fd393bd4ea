"""Traces: of the evaluation graph, taken from the training graph's where they differ in dropout alone."""

import torch
from torch import nn

from modelcheck.capturing.capture import capture_model
from modelcheck.facts import trace as tracing
from modelcheck.graph.model import GraphModel


def runs(model: nn.Module, monkeypatch) -> int:
    """How often tracing both graphs runs one of them; what it finds must equal a trace of each."""
    meta = GraphModel(capture_model(model, (3, 8, 8)), device="meta")
    count, run = 0, tracing.run

    def counted(*given: object, **options: object) -> tuple[torch.Tensor, ...]:
        nonlocal count
        count += 1
        return run(*given, **options)

    with monkeypatch.context() as patch:
        patch.setattr(tracing, "run", counted)
        batch, training, evaluation = tracing.traces(meta)
    assert training == tracing.trace(meta, batch, training=True)
    assert evaluation == tracing.trace(meta, batch, training=False)
    return count


def test_graphs_that_differ_in_dropout_alone_are_run_once(monkeypatch) -> None:
    assert runs(nn.Sequential(nn.Conv2d(3, 4, 3), nn.Dropout2d(), nn.AlphaDropout()), monkeypatch) == 1
    assert runs(nn.Conv2d(3, 4, 3), monkeypatch) == 1


def test_other_graphs_are_each_run(monkeypatch) -> None:
    class Asks(nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return x.flatten(1) if self.training else x.flatten(2)

    class Keeps(nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return x.mean((2, 3), keepdim=self.training)

    assert runs(nn.BatchNorm2d(3), monkeypatch) == 2
    assert runs(Asks(), monkeypatch) == 2
    assert runs(Keeps(), monkeypatch) == 2
