from __future__ import annotations

import pytest
import torch
from torch import nn

from modelcheck.training.manners import Snapshot, mode, placed, seeded


def test_each_submodule_gets_its_mode_back_even_after_an_error() -> None:
    model = nn.Sequential(nn.Dropout(), nn.BatchNorm2d(1))
    model[1].eval()

    def fail() -> None:
        with mode(model, training=False):
            assert not any(module.training for module in model.modules())
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert [module.training for module in model.modules()] == [True, True, False]


def test_memory_format_is_given_back_and_parameters_stay_themselves() -> None:
    model = nn.Conv2d(3, 4, 3)
    weight, stride, values = model.weight, model.weight.stride(), model.weight.detach().clone()
    with placed(model, torch.device("cpu"), channels_last=True):
        assert model.weight.is_contiguous(memory_format=torch.channels_last)
    assert model.weight is weight
    assert weight.stride() == stride
    assert torch.equal(weight, values)


def test_a_seed_repeats_and_the_callers_state_comes_back() -> None:
    torch.manual_seed(5)
    before = torch.get_rng_state()
    draws = []
    for seed in (1, 1, 2):
        with seeded(seed, torch.device("cpu")) as generator:
            draws.append(torch.cat([torch.rand(3), torch.rand(3, generator=generator)]))
    assert torch.equal(before, torch.get_rng_state())
    assert torch.equal(draws[0], draws[1])
    assert not torch.equal(draws[0], draws[2])


def test_order_and_masks_come_from_different_bits() -> None:
    with seeded(1, torch.device("cpu")) as generator:
        assert not torch.equal(torch.rand(8), torch.rand(8, generator=generator))


def test_a_snapshot_brings_parameters_and_buffers_back() -> None:
    model = nn.BatchNorm1d(2)
    snapshot = Snapshot(model)
    model(torch.randn(4, 2))
    with torch.no_grad():
        model.weight.zero_()
    snapshot.restore()
    assert model.weight.tolist() == [1, 1]
    assert model.running_mean is not None
    assert model.running_mean.tolist() == [0, 0]
    assert model.num_batches_tracked is not None
    assert model.num_batches_tracked.item() == 0
