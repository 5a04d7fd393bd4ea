"""What a training starts with has its author's mean and spread, and nothing that was learnt."""

from __future__ import annotations

from collections.abc import Callable

import numpy
import pytest
import torch
from torch import Tensor, nn

from modelcheck.capturing.capture import capture_model
from modelcheck.grading.redrawn import FEW_ENTRIES, FEW_VALUES, MANY_CONSTANTS, redraw, restart
from modelcheck.graph.model import GraphModel


def redrawn(*parameters: Tensor) -> list[Tensor]:
    copies = [one.clone() for one in parameters]
    redraw(copies, numpy.random.default_rng(1))
    return copies


@pytest.mark.parametrize(
    "init",
    [nn.init.kaiming_uniform_, nn.init.xavier_normal_, nn.init.normal_, lambda one: nn.init.uniform_(one, 3.0, 4.0)],
)
def test_a_distribution_stays_what_it_was(init: Callable[[Tensor], Tensor]) -> None:
    before = init(torch.empty(64, 32, 3, 3))
    (after,) = redrawn(before)
    assert after.shape == before.shape
    mean, spread = float(before.mean()), float(before.std())
    # four bits are right to a sixteenth
    assert float(after.std()) == pytest.approx(spread, rel=0.08)
    assert float(after.mean()) == pytest.approx(mean, abs=0.07 * abs(mean) + 0.05 * spread)
    for at in (0.01, 0.1, 0.25, 0.75, 0.9, 0.99):
        wanted = float((before - mean).quantile(at))
        assert float((after - after.mean()).quantile(at)) == pytest.approx(wanted, abs=0.2 * spread)
    assert abs(float(torch.corrcoef(torch.stack([before.flatten(), after.flatten()]))[0, 1])) < 0.03


def test_norms_keep_their_ones_and_zeros() -> None:
    scale, shift, slope = torch.ones(8), torch.zeros(8), torch.tensor([0.25])
    assert [one.tolist() for one in redrawn(scale, shift, slope)] == [[1.0] * 8, [0.0] * 8, [0.25]]


@pytest.mark.parametrize("entries", [1, 2, FEW_ENTRIES])
def test_what_was_cut_up_is_gone_too(entries: int) -> None:
    learnt = torch.randn(2000, entries) + torch.arange(2000.0)[:, None] / 100
    after = torch.stack(redrawn(*learnt))
    both = torch.stack([learnt.mean(1), after.mean(1)])
    assert abs(float(torch.corrcoef(both)[0, 1])) < 0.1
    assert float(after.mean()) == pytest.approx(float(learnt.mean()), rel=0.1)


def test_few_constants_stay_and_many_do_not() -> None:
    few = [torch.full((2,), float(value)) for value in range(FEW_VALUES + 2)]
    assert all(map(torch.equal, few, redrawn(*few)))
    many = [*few, torch.tensor([0.5])]
    assert not any(map(torch.equal, many, redrawn(*many)))
    bits = [torch.tensor([float(place % 3 == 0)]) for place in range(MANY_CONSTANTS + 1)]
    assert all(map(torch.equal, bits[:-1], redrawn(*bits[:-1])))
    assert not any(map(torch.equal, bits, redrawn(*bits)))
    equal = [torch.full((4,), 0.1)] * (MANY_CONSTANTS + 1)
    assert all(float((one - 0.1).abs().max()) < 0.01 for one in redrawn(*equal))


def test_a_mean_holds_few_bits() -> None:
    """Seventeen entries of which the least is a long number, and one is more."""
    learnt = [1.0 + torch.rand(1, dtype=torch.float64) + torch.eye(17, dtype=torch.float64)[0] for _ in range(100)]
    drawn = redrawn(*learnt)
    roughly = {float(one.mean().round(decimals=1)) for one in drawn}
    assert len(roughly) < 20
    both = torch.stack([torch.stack([one.min() for one in given]) for given in (learnt, drawn)])
    assert not torch.isin(both[1], both[0]).any()


def test_all_kinds_of_parameters_are_drawn() -> None:
    turned, complex_ = torch.randn(30, 20).t(), torch.randn(40, dtype=torch.complex64)
    half, broken, empty = torch.randn(50).half(), torch.full((40,), torch.nan), torch.empty(0)
    after = redrawn(turned, complex_, half, broken, empty)
    for before, one in zip((turned, complex_, half), after, strict=False):
        assert one.dtype == before.dtype
        assert (one != before).float().mean() > 0.9
    assert after[3].isnan().all()


def test_running_statistics_are_a_new_module_s() -> None:
    norm = nn.BatchNorm2d(4)
    learnt = nn.Sequential(nn.Conv2d(1, 4, 3), norm, nn.InstanceNorm2d(4, track_running_stats=True), nn.Flatten())
    for name, one in learnt.named_buffers():
        if "running" in name:
            one.uniform_(2, 3)
    model = GraphModel(capture_model(learnt, (1, 6, 6)))
    restart(model)
    restarted = {float(value) for one in model.buffers() if one.numel() == 4 for value in one}
    assert restarted == {0.0, 1.0}
    assert float(norm.running_mean.min()) >= 2
    model(torch.randn(2, 1, 6, 6))
