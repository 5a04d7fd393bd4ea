from __future__ import annotations

from typing import get_args

import msgspec
import pytest
import torch
from torch import nn

from modelcheck.training.optimizers import OPTIMIZERS, Updates, learning_rate
from modelcheck.training.recipe import OptimizerName, OptimizerOptions, Schedule, load_recipe


def test_every_name_that_a_recipe_may_give_has_a_constructor() -> None:
    assert sorted(OPTIMIZERS) == sorted(get_args(OptimizerName))


@pytest.mark.parametrize("name", sorted(OPTIMIZERS))
def test_every_optimizer_walks_downhill(name: OptimizerName) -> None:
    weight = nn.Parameter(torch.ones(2, 2))
    optimizer = Updates([weight], OptimizerOptions(name=name, learning_rate=0.1))
    weight.square().sum().backward()
    optimizer.step(0.1, 0.0)
    assert (weight < 1).all()
    assert weight.grad is None


def test_sgd_has_its_momentum_and_nesterov() -> None:
    options = OptimizerOptions(name="sgd", learning_rate=0.1, momentum=0.8, nesterov=True)
    group = Updates([nn.Parameter(torch.ones(2, 2))], options).state()[0]["param_groups"][0]
    assert (group["lr"], group["momentum"], group["nesterov"]) == (0.1, 0.8, True)


@pytest.mark.parametrize(("decay_vectors", "expected"), [(True, [0.1, 0.1]), (False, [0.1, 0.0])])
def test_biases_decay_only_where_asked_for(decay_vectors: bool, expected: list[float]) -> None:
    layer = nn.Linear(3, 2)
    options = OptimizerOptions(name="sgd", learning_rate=1, weight_decay=0.1, decay_vectors=decay_vectors)
    groups = Updates(layer.parameters(), options).state()[0]["param_groups"]
    decay = {index: group["weight_decay"] for group in groups for index in group["params"]}
    assert [decay[0], decay[1]] == expected


def test_clipping_limits_the_norm_of_all_gradients_together() -> None:
    parameters = [nn.Parameter(torch.zeros(1)) for _ in range(2)]
    optimizer = Updates(parameters, OptimizerOptions(name="sgd", learning_rate=1))
    parameters[0].grad, parameters[1].grad = torch.tensor([30.0]), torch.tensor([40.0])
    optimizer.step(1.0, 1.0)
    assert [p.item() for p in parameters] == pytest.approx([-0.6, -0.8], rel=1e-4)


def test_the_given_rate_is_the_steps() -> None:
    weight = nn.Parameter(torch.zeros(1))
    optimizer = Updates([weight], OptimizerOptions(name="sgd", learning_rate=1))
    weight.grad = torch.ones(1)
    optimizer.step(0.25, 0.0)
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
    peak = recipe.optimizer.learning_rate
    assert all(0 < learning_rate(recipe, step, steps) <= peak for step in range(steps))


MUON = OptimizerOptions(name="muon", learning_rate=0.1)


@pytest.mark.parametrize("strided", [torch.contiguous_format, torch.channels_last])
def test_muon_moves_a_kernel_as_torch_moves_the_matrix_of_its_rows(strided: torch.memory_format) -> None:
    torch.manual_seed(0)
    start, gradient = torch.randn(8, 4, 3, 3), torch.randn(8, 4, 3, 3)
    kernel, matrix = nn.Parameter(start.clone(memory_format=strided)), nn.Parameter(start.flatten(1).clone())
    kernel.grad, matrix.grad = gradient.clone(), gradient.flatten(1).clone()
    Updates([kernel], MUON).step(0.1, 0.0)
    torch.optim.Muon([matrix], lr=0.1, weight_decay=0.0, momentum=0.0, nesterov=False).step()
    # bfloat16 inside, and sums in another order of the columns
    torch.testing.assert_close(kernel.flatten(1), matrix, atol=2e-3, rtol=0)
    assert not torch.equal(kernel, start)


def test_muon_leaves_vectors_and_single_rows_to_adamw() -> None:
    those = [nn.Parameter(torch.ones(shape)) for shape in ((4,), (1, 4), (4, 1, 1, 1), (4, 3))]
    for one in those:
        one.grad = torch.full_like(one, 1e-3)
    updates = Updates(those, OptimizerOptions(name="muon", learning_rate=0.1, vector_factor=0.5))
    updates.step(0.1, 0.0)
    assert [one.flatten()[0].item() for one in those[:3]] == pytest.approx([0.95] * 3, rel=1e-3)
    assert len(updates.state()) == 2


@pytest.mark.parametrize("name", sorted(OPTIMIZERS))
def test_a_restored_state_goes_on_as_the_one_it_was_taken_from(name: OptimizerName) -> None:
    options = OptimizerOptions(name=name, learning_rate=0.1, momentum=0.9 if name in ("muon", "sgd") else 0.0)

    def run(parameters: list[nn.Parameter], updates: Updates, steps: range) -> None:
        for step in steps:
            for one in parameters:
                one.grad = torch.full_like(one, 0.1 * step).index_fill(0, torch.tensor(0), 1.0)
            updates.step(0.1, 0.0)

    whole, part = ([nn.Parameter(torch.ones(4, 3)), nn.Parameter(torch.ones(4))] for _ in range(2))
    run(whole, Updates(whole, options), range(4))
    first = Updates(part, options)
    run(part, first, range(2))
    second = Updates(part, options)
    second.restore(first.state())
    run(part, second, range(2, 4))
    assert all(torch.equal(a, b) for a, b in zip(whole, part, strict=True))
