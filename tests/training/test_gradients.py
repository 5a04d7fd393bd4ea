from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from modelcheck.capturing.capture import capture_model
from modelcheck.graph.model import GraphModel
from modelcheck.report import Metrics
from modelcheck.training.datasets import Dataset
from modelcheck.training.gradients import CHECKS, Gradients
from modelcheck.training.loop import Options, train
from modelcheck.training.manners import Snapshot
from modelcheck.training.recipe import OptimizerName, OptimizerOptions, Recipe

CPU = torch.device("cpu")
NAMES: list[OptimizerName] = ["adagrad", "adamw", "muon", "sgd"]


class Net(nn.Module):
    """Of whose parameters the body learns, and all else does not."""

    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Linear(784, 12)
        self.flat = nn.Linear(12, 12)
        self.off = nn.Linear(12, 12)
        self.tiny = nn.Parameter(torch.full((12,), 1e6))
        self.head = nn.Linear(12, 10)

    def forward(self, x: Tensor) -> Tensor:
        x = self.body(x.flatten(1)).relu()
        x = x + self.flat(x).sign() + self.off(x).detach() + 1e-30 * self.tiny
        return self.head(x)


def recipe(name: OptimizerName = "sgd", weight_decay: float = 0.0) -> Recipe:
    options = OptimizerOptions(name=name, learning_rate=0.01, weight_decay=weight_decay)
    return Recipe(name="plain", epochs=2, batch_size=64, optimizer=options)


def run(model: nn.Module, dataset: Dataset, recipe: Recipe) -> Metrics:
    return train(model, dataset, recipe, Options(seed=1, device=CPU), output_kind="logits")


@pytest.mark.parametrize("captured", [False, True], ids=["module", "capture"])
def test_each_cause_under_the_author_s_names(tiny: Dataset, captured: bool) -> None:
    torch.manual_seed(0)
    model = GraphModel(capture_model(Net(), (1, 28, 28))) if captured else Net()
    metrics = run(model, tiny, recipe())
    assert {one.path: (one.cause, one.parameters) for one in metrics.dead_parameters} == {
        "flat.weight": ("zero gradient", 144),
        "flat.bias": ("zero gradient", 12),
        "off.weight": ("no gradient", 144),
        "off.bias": ("no gradient", 12),
        "tiny": ("unchanged", 12),
    }
    assert metrics.gradient_checks == 16


@pytest.mark.parametrize("name", NAMES)
def test_weight_decay_is_no_learning(tiny: Dataset, name: OptimizerName) -> None:
    torch.manual_seed(0)
    model = Net()
    before = model.flat.weight.clone()
    metrics = run(model, tiny, recipe(name, weight_decay=0.1))
    assert not torch.equal(before, model.flat.weight), "it was decayed"
    dead = {one.path for one in metrics.dead_parameters}
    assert {"flat.weight", "off.weight"} <= dead
    assert not {"body.weight", "head.weight"} & dead


def test_a_net_that_learns_has_none(tiny: Dataset) -> None:
    torch.manual_seed(0)
    net = nn.Sequential(nn.Conv2d(1, 4, 5), nn.BatchNorm2d(4), nn.ReLU(), nn.Flatten(), nn.Linear(4 * 24 * 24, 10))
    assert run(net, tiny, recipe(weight_decay=1e-3)).dead_parameters == ()


def test_windows_on_one_storage_are_parameters_of_their_own(tiny: Dataset) -> None:
    class Windows(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            used, flat, frozen = (torch.randn(30, 784) / 28).split(10)
            self.used, self.flat = nn.Parameter(used), nn.Parameter(flat)
            self.frozen = nn.Parameter(frozen, requires_grad=False)

        def forward(self, x: Tensor) -> Tensor:
            x = x.flatten(1)
            return x @ self.used.T + (x @ self.flat.T).sign() + x @ self.frozen.T

    torch.manual_seed(0)
    model = GraphModel(capture_model(Windows(), (1, 28, 28)))
    assert [(one.path, one.parameters) for one in run(model, tiny, recipe()).dead_parameters] == [("flat", 7840)]


def test_frozen_parameters_are_not_judged(tiny: Dataset) -> None:
    net = nn.Sequential(nn.Flatten(), nn.Linear(784, 20), nn.ReLU(), nn.Linear(20, 10))
    net[1].requires_grad_(False)
    for model in (GraphModel(capture_model(net, (1, 28, 28))), net):
        assert run(model, tiny, recipe()).dead_parameters == ()


@pytest.mark.parametrize(("steps", "checked"), [(1, 1), (CHECKS, CHECKS), (10 * CHECKS, CHECKS), (10 * CHECKS + 3, 33)])
def test_few_steps_are_looked_at(steps: int, checked: int) -> None:
    gradients = Gradients(nn.Linear(2, 2), steps, decays=False)
    for step in range(steps):
        gradients.look(step)
    assert gradients.checks == checked


def grown(step_with_gradient: int, *, decays: bool) -> list[str]:
    """The dead parameters where one step of 64 has a gradient, and moves the weights."""
    layer = nn.Linear(2, 2, bias=False)
    gradients, before = Gradients(layer, 64, decays=decays), Snapshot(layer)
    for step in range(64):
        moving = step == step_with_gradient
        layer.weight.grad = torch.full_like(layer.weight, float(moving))
        gradients.look(step)
        layer.weight.data += float(moving)
    gradients.compare(before)
    return [one.cause for one in gradients.dead()]


@pytest.mark.parametrize(
    ("step", "decays", "causes"),
    [(0, False, []), (62, False, []), (63, False, []), (62, True, []), (63, True, ["zero gradient"])],
)
def test_a_gradient_between_two_looks_counts_where_only_it_can_change_a_weight(
    step: int, decays: bool, causes: list[str]
) -> None:
    assert grown(step, decays=decays) == causes


def test_a_gradient_that_is_no_number_is_one() -> None:
    layer = nn.Linear(2, 2, bias=False)
    gradients, before = Gradients(layer, 1, decays=True), Snapshot(layer)
    layer.weight.grad = torch.full_like(layer.weight, torch.nan)
    gradients.look(0)
    layer.weight.data.fill_(torch.nan)
    gradients.compare(before)
    assert gradients.dead() == ()


def test_what_was_seen_is_remembered() -> None:
    def looked(gradients: Gradients, gradient: float, change: float) -> None:
        before = Snapshot(layer)
        layer.weight.grad = torch.full_like(layer.weight, gradient)
        gradients.look(0)
        layer.weight.data += change
        gradients.compare(before)

    layer = nn.Linear(2, 2, bias=False)
    first, second = (Gradients(layer, 2, decays=False) for _ in range(2))
    looked(first, 1.0, 1.0)
    state: dict[str, Any] = first.state()
    second.restore(state)
    looked(second, 0.0, 0.0)
    assert (second.dead(), second.checks) == ((), 2)
