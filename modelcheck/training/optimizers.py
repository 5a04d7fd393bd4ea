from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import chain
from typing import Any

from torch import nn
from torch.optim import SGD, Adagrad, AdamW, Optimizer

from modelcheck.training.recipe import OptimizerName, OptimizerOptions, Recipe, Schedule

Groups = list[dict[str, Any]]


def _sgd(groups: Groups, options: OptimizerOptions) -> Optimizer:
    return SGD(groups, options.learning_rate, momentum=options.momentum, nesterov=options.nesterov)


def _adamw(groups: Groups, options: OptimizerOptions) -> Optimizer:
    return AdamW(groups, options.learning_rate)


def _adagrad(groups: Groups, options: OptimizerOptions) -> Optimizer:
    return Adagrad(groups, options.learning_rate, eps=1e-7)  # Keras' epsilon; torch's is 1e-10


OPTIMIZERS: dict[OptimizerName, Callable[[Groups, OptimizerOptions], Optimizer]] = {
    "adagrad": _adagrad,
    "adamw": _adamw,
    "sgd": _sgd,
}


def make_optimizer(parameters: Iterable[nn.Parameter], options: OptimizerOptions) -> Optimizer:
    """The optimiser that the options name, over those parameters."""
    decayed: list[nn.Parameter] = []
    free: list[nn.Parameter] = []
    for parameter in parameters:
        (decayed if options.decay_vectors or parameter.dim() > 1 else free).append(parameter)
    groups: Groups = [
        {"params": decayed, "weight_decay": options.weight_decay},
        {"params": free, "weight_decay": 0.0},
    ]
    return OPTIMIZERS[options.name]([group for group in groups if group["params"]], options)


def learning_rate(recipe: Recipe, step: int, steps: int) -> float:
    """The learning rate of one step, the first being 0, of a training of that many steps."""
    return recipe.optimizer.learning_rate * _factor(recipe.schedule, step, steps)


def _factor(schedule: Schedule, step: int, steps: int) -> float:
    """The part of the peak: a triangle that is zero just before the first step and just after the last."""
    if schedule.kind == "constant":
        return 1.0
    peak = schedule.warm_up * steps
    rising = (step + 1) / peak if peak else 1.0
    falling = (steps - step) / (steps - peak) if peak < steps else 1.0
    return min(1.0, rising, falling)


def update(optimizer: Optimizer, rate: float, clip_norm: float) -> None:
    """One step at that learning rate with the gradients that are there, which are cleared afterwards.

    ``clip_norm`` limits the norm of all gradients together; 0: no limit.
    """
    for group in optimizer.param_groups:
        group["lr"] = rate
    if clip_norm:
        nn.utils.clip_grad_norm_(chain(*(group["params"] for group in optimizer.param_groups)), clip_norm)
    optimizer.step()
    optimizer.zero_grad(set_to_none=True)
