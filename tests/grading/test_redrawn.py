"""What a training starts with has its author's mean and spread, and nothing that was learnt."""

from __future__ import annotations

from collections.abc import Callable

import numpy
import pytest
import torch
from torch import Tensor, nn

from modelcheck.grading.redrawn import FEW_ENTRIES, FEW_VALUES, redraw


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
    for at in (0.0, 0.1, 0.25, 0.5, 0.75, 0.9, 1.0):
        least, most = before.min(), before.max()
        near = pytest.approx(float(before.quantile(at)), abs=0.1 * float(most - least))
        assert float(after.quantile(at)) == near
    assert float(after.std()) == pytest.approx(float(before.std()), rel=0.03)
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
    assert float(after.mean()) == pytest.approx(float(learnt.mean()), rel=0.05)


def test_few_constants_stay_and_many_do_not() -> None:
    few = [torch.full((2,), float(value)) for value in range(FEW_VALUES)]
    assert all(map(torch.equal, few, redrawn(*few)))
    many = [torch.full((2,), float(value)) for value in range(FEW_VALUES + 1)]
    assert not any(map(torch.equal, many, redrawn(*many)))


def test_all_kinds_of_parameters_are_drawn() -> None:
    turned, complex_ = torch.randn(30, 20).t(), torch.randn(40, dtype=torch.complex64)
    half, broken, empty = torch.randn(50).half(), torch.full((40,), torch.nan), torch.empty(0)
    after = redrawn(turned, complex_, half, broken, empty)
    for before, one in zip((turned, complex_, half), after, strict=False):
        assert one.dtype == before.dtype
        assert (one != before).float().mean() > 0.9
    assert after[3].isnan().all()
