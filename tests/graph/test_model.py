from __future__ import annotations

from dataclasses import replace

import msgspec
import pytest
import torch
from torch import nn

from graph.forge import INPUT, good, node, use, with_nodes
from modelcheck.capturing.capture import capture_model
from modelcheck.graph import model
from modelcheck.graph.capture import capture_from_bytes
from modelcheck.graph.model import GraphModel


def test_weights_are_copies_and_counted_once() -> None:
    author = nn.Sequential(nn.Linear(8, 8), nn.Linear(8, 8))
    author[1].weight = author[0].weight
    graph = GraphModel(capture_model(author, (1, 8, 8)))
    assert sum(p.numel() for p in graph.parameters()) == sum(p.numel() for p in author.parameters()) == 8 * 8 + 8 + 8
    with torch.no_grad():
        for parameter in graph.parameters():
            parameter.zero_()
    assert author[0].weight.abs().sum() > 0


def test_several_windows_on_one_storage_count_what_is_reached() -> None:
    class Views(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            storage = torch.randn(1000)
            self.low, self.high = nn.Parameter(storage[:64].view(8, 8)), nn.Parameter(storage[32:96].view(8, 8))

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return x @ self.low @ self.high

    graph = GraphModel(capture_model(Views(), (1, 8, 8)))
    assert sum(p.numel() for p in graph.parameters()) == 96


def test_a_frozen_parameter_gets_no_gradient() -> None:
    author = nn.Sequential(nn.Linear(8, 8), nn.Linear(8, 8))
    author[0].requires_grad_(False)
    graph = GraphModel(capture_model(author, (1, 8, 8)))
    graph(torch.randn(2, 1, 8, 8)).sum().backward()
    assert [p.grad is not None for p in graph.parameters()] == [p.requires_grad for p in author.parameters()]


def test_a_run_on_meta_tensors_allocates_nothing() -> None:
    data = with_nodes(node("aten.ones.default", [2**32]), node("aten.relu.default", INPUT))
    model = GraphModel(capture_from_bytes(data), device="meta")
    made: list[torch.Tensor] = []
    model.run([torch.empty(2, 1, 8, 8, device="meta")], training=True, observe=lambda *seen: made.append(seen[3]))
    assert all(one.is_meta for one in made)


@pytest.mark.parametrize("count", [1, 40])
def test_many_large_values_are_never_made_for_real(count: int) -> None:
    nodes = [node("aten.ones.default", [2**32]) for _ in range(count)]
    use(with_nodes(*nodes, node("aten.batch_norm.default", INPUT, None, None, None, None, True, 0.1, 1e-5, False)))


def test_equal_runs_under_one_seed() -> None:
    model = GraphModel(capture_from_bytes(good())).train()
    x, results = torch.randn(4, 1, 8, 8), []
    for _ in range(2):
        torch.manual_seed(0)
        results.append(model(x))
    assert torch.equal(*results)


def test_windows_on_one_storage_are_looked_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Twenty thousand would be 400 million looks, were each at all others."""
    looks = []
    monkeypatch.setattr(model, "_whole", lambda users, size: looks.append(size))
    capture = capture_model(nn.Linear(8, 8), (1, 8, 8))
    tensors = [msgspec.structs.replace(capture.header.tensors[0], paths=(f"w{number}",)) for number in range(200)]
    header = msgspec.structs.replace(capture.header, tensors=(*capture.header.tensors, *tensors))
    GraphModel(replace(capture, header=header))
    assert len(looks) == len(header.storages)
