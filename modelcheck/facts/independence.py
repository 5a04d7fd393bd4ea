"""Whether a sample's output is its own in evaluation, whatever else is in the batch."""

from __future__ import annotations

from collections.abc import Callable

import torch

from modelcheck.errors import DamagedCapture
from modelcheck.facts.apart import keeps_apart
from modelcheck.facts.live import MEASURABLE, Trial
from modelcheck.facts.randomness import draws
from modelcheck.facts.usage import Side

STRONG = 100.0  # times the spread of the pictures that a network is made for
_RUNS = 6  # at most
LARGE = 250  # samples, as many as are evaluated at once

Rows = Callable[[torch.Tensor], torch.Tensor]


def batch_independent(evaluation: Side, trial: Trial | None) -> bool | None:
    """Whether the output of a sample is the same in every batch; None where nobody can say.

    The operators show it of most networks. Of others random pictures do, some of which are replaced: first by NaN,
    which a mean over the batch spreads however little weight it has, then, where that changed a sample that was not
    replaced, by large numbers, since ``0 * x.mean(0)`` spreads NaN and mixes nothing. One of several outputs is looked
    at, the first. Last the batch is turned round and gets one more picture: kernels may round other numbers of rows
    otherwise, so that only what can be measured counts there. So it is in a batch as large as those that are evaluated.

    Args:
        evaluation: the evaluation graph.
        trial: of the model.
    """
    if keeps_apart(evaluation.trace):
        return True
    output, batch = evaluation.trace.outputs[0], evaluation.trace.batch
    if trial is None or not output or output[0] != batch or not trial.affords(_RUNS, training=False):
        return None
    rng = torch.Generator().manual_seed(0)
    some = torch.rand(batch, generator=rng).argsort() < batch // 2
    try:
        plain = trial.evaluated(lambda one: one)
        if any(_spreads(trial, plain, replaced) for replaced in (some, ~some)):
            return False
        if any(draws(step) for step in evaluation.trace.steps):
            return True  # other random numbers are drawn for another number of samples
        large = trial.affords(_RUNS + LARGE // batch, training=False)
        return not (_moves(trial, plain) or (large and _crowded(trial, plain)))
    except DamagedCapture:
        return None


def _spreads(trial: Trial, plain: torch.Tensor, replaced: torch.Tensor) -> bool:
    """Whether another sample changes with the replaced ones."""

    def changed(make: Rows) -> bool:
        found = trial.evaluated(lambda one: torch.where(_column(replaced, one), make(one), one))
        return not torch.equal(found[~replaced].nan_to_num(torch.pi), plain[~replaced].nan_to_num(torch.pi))

    try:
        suspected = changed(_poisoned)
    except DamagedCapture:  # some operators refuse NaN
        suspected = True
    return suspected and changed(_strong)


def _moves(trial: Trial, plain: torch.Tensor) -> bool:
    """Whether a sample changes with its place and with the size of the batch."""
    try:
        found = trial.evaluated(lambda one: torch.cat([_strong(one[:1]), one.flip(0)]))[1:]
    except DamagedCapture:  # a batch of another size is refused
        found = trial.evaluated(lambda one: one.flip(0))
    return _differs(plain, found.flip(0))


def _crowded(trial: Trial, plain: torch.Tensor) -> bool:
    """Whether a sample changes in a batch as large as those that are evaluated."""

    def large(one: torch.Tensor) -> torch.Tensor:
        return torch.cat([one, _strong(one).repeat(LARGE // len(one) + 1, *[1] * (one.dim() - 1))])[:LARGE]

    try:
        return _differs(plain, trial.evaluated(large)[: len(plain)])
    except DamagedCapture:  # a batch of that size is refused
        return False


def _differs(plain: torch.Tensor, other: torch.Tensor) -> bool:
    finite = plain.isfinite()
    if other.shape != plain.shape or not torch.equal(finite, other.isfinite()):
        return True
    spread = plain[finite].std().item() if finite.sum() > 1 else 0.0
    return bool(((plain - other)[finite].abs() > MEASURABLE * spread).any())


def _column(chosen: torch.Tensor, one: torch.Tensor) -> torch.Tensor:
    return chosen.reshape(-1, *[1] * (one.dim() - 1))


def _poisoned(one: torch.Tensor) -> torch.Tensor:
    return torch.full_like(one, torch.nan) if one.is_floating_point() or one.is_complex() else _strong(one)


def _strong(one: torch.Tensor) -> torch.Tensor:
    """Other numbers of the same type: large ones, and of integers, which may be looked up in a table, the others."""
    if one.is_floating_point() or one.is_complex():
        rng = torch.Generator().manual_seed(1)
        return (STRONG * torch.randn(one.shape, generator=rng)).to(one.dtype)
    return (1 - one).abs() if one.dtype is not torch.bool else ~one
