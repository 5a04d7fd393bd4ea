from __future__ import annotations

from typing import get_args

import msgspec
import pytest
import torch
from torch import nn

from modelcheck.training.optimizers import OPTIMIZERS, learning_rate, make_optimizer, update
from modelcheck.training.recipe import OptimizerName, OptimizerOptions, Schedule, load_recipe


def test_every_name_that_a_recipe_may_give_has_a_constructor() -> None:
    assert sorted(OPTIMIZERS) == sorted(get_args(OptimizerName))


@pytest.mark.parametrize("name", sorted(OPTIMIZERS))
def test_every_optimizer_walks_downhill(name: OptimizerName) -> None:
    weight = nn.Parameter(torch.ones(2, 2))
    optimizer = make_optimizer([weight], OptimizerOptions(name=name, learning_rate=0.1))
    weight.square().sum().backward()
    update(optimizer, 0.1, 0.0)
    assert (weight < 1).all()
    assert weight.grad is None


def test_sgd_has_its_momentum_and_nesterov() -> None:
    options = OptimizerOptions(name="sgd", learning_rate=0.1, momentum=0.8, nesterov=True)
    group = make_optimizer([nn.Parameter(torch.ones(2, 2))], options).param_groups[0]
    assert (group["lr"], group["momentum"], group["nesterov"]) == (0.1, 0.8, True)


@pytest.mark.parametrize(("decay_vectors", "expected"), [(True, [0.1, 0.1]), (False, [0.1, 0.0])])
def test_biases_decay_only_where_asked_for(decay_vectors: bool, expected: list[float]) -> None:
    layer = nn.Linear(3, 2)
    options = OptimizerOptions(name="sgd", learning_rate=1, weight_decay=0.1, decay_vectors=decay_vectors)
    optimizer = make_optimizer(layer.parameters(), options)
    decay = {id(p): group["weight_decay"] for group in optimizer.param_groups for p in group["params"]}
    assert [decay[id(layer.weight)], decay[id(layer.bias)]] == expected


def test_clipping_limits_the_norm_of_all_gradients_together() -> None:
    parameters = [nn.Parameter(torch.zeros(1)) for _ in range(2)]
    optimizer = make_optimizer(parameters, OptimizerOptions(name="sgd", learning_rate=1))
    parameters[0].grad, parameters[1].grad = torch.tensor([30.0]), torch.tensor([40.0])
    update(optimizer, 1.0, 1.0)
    assert [p.item() for p in parameters] == pytest.approx([-0.6, -0.8], rel=1e-4)


def test_the_given_rate_is_the_steps() -> None:
    weight = nn.Parameter(torch.zeros(1))
    optimizer = make_optimizer([weight], OptimizerOptions(name="sgd", learning_rate=1))
    weight.grad = torch.ones(1)
    update(optimizer, 0.25, 0.0)
    assert weight.item() == -0.25


def test_a_constant_schedule_stays() -> None:
    recipe = load_recipe("seed")
    assert {learning_rate(recipe, step, 10) for step in range(10)} == {0.01}


def test_one_cycle_is_a_triangle() -> None:
    recipe = msgspec.structs.replace(load_recipe("fast"), schedule=Schedule(kind="one-cycle", warm_up=0.25))
    rates = [learning_rate(recipe, step, 8) / recipe.optimizer.learning_rate for step in range(8)]
    assert rates == pytest.approx([1 / 2, 1, 1, 5 / 6, 4 / 6, 3 / 6, 2 / 6, 1 / 6])


@pytest.mark.parametrize("warm_up", [0.0, 0.5, 1.0])
@pytest.mark.parametrize("steps", [1, 2, 7])
def test_one_cycle_stays_between_zero_and_the_peak(warm_up: float, steps: int) -> None:
    recipe = msgspec.structs.replace(load_recipe("fast"), schedule=Schedule(kind="one-cycle", warm_up=warm_up))
    assert all(0 < learning_rate(recipe, step, steps) <= 0.2 for step in range(steps))
