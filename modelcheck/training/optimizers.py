from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from torch import Tensor, nn
from torch.optim import SGD, Adagrad, AdamW, Optimizer

from modelcheck.training.muon import Muon
from modelcheck.training.recipe import OptimizerName, OptimizerOptions, Recipe, Schedule

Groups = list[dict[str, Any]]


def _sgd(groups: Groups, options: OptimizerOptions) -> Optimizer:
    return SGD(groups, options.learning_rate, momentum=options.momentum, nesterov=options.nesterov, foreach=True)


def _adamw(groups: Groups, options: OptimizerOptions) -> Optimizer:
    return AdamW(groups, options.learning_rate, foreach=True)


def _adagrad(groups: Groups, options: OptimizerOptions) -> Optimizer:
    return Adagrad(groups, options.learning_rate, eps=1e-7, foreach=True)  # Keras' epsilon; torch's is 1e-10


OPTIMIZERS: dict[OptimizerName, Callable[[Groups, OptimizerOptions], Optimizer]] = {
    "adagrad": _adagrad,
    "adamw": _adamw,
    "muon": _adamw,  # for what is no matrix
    "sgd": _sgd,
}


class Updates:
    """The optimisers of one training: one, or Muon for the matrices and AdamW for all else.

    Args:
        parameters: those that are trained.
        options: which, and with which constants.
    """

    def __init__(self, parameters: Iterable[nn.Parameter], options: OptimizerOptions) -> None:
        self.parameters = list(parameters)
        self._matrices: list[nn.Parameter] = []
        self._muon: Muon | None = None
        rest, factor = self.parameters, 1.0
        if options.name == "muon":
            self._matrices = [one for one in self.parameters if _is_matrix(one)]
            rest, factor = [one for one in self.parameters if not _is_matrix(one)], options.vector_factor
        if self._matrices:
            self._muon = Muon(
                [_matrix(one, _columns(one)) for one in self._matrices],
                weight_decay=options.weight_decay,
                momentum=options.momentum,
                nesterov=options.nesterov,
            )
        groups = _groups(rest, options)
        self._rest = OPTIMIZERS[options.name](groups, options) if groups else None
        self._factor = factor

    def step(self, rate: float, clip_norm: float) -> None:
        """One step at that learning rate with the gradients that are there, which are cleared afterwards.

        ``clip_norm`` limits the norm of all gradients together; 0: no limit.
        """
        if clip_norm:
            nn.utils.clip_grad_norm_(self.parameters, clip_norm)
        if self._muon:
            self._muon.step(
                rate, [None if one.grad is None else _matrix(one.grad, _columns(one)) for one in self._matrices]
            )
        if self._rest:
            for group in self._rest.param_groups:
                group["lr"] = rate * self._factor
            self._rest.step()
        self.clear()

    def clear(self) -> None:
        """Forget all gradients."""
        for parameter in self.parameters:
            parameter.grad = None

    def state(self) -> list[dict[str, Any]]:
        """What the optimisers remember, for ``restore``."""
        return [part.state_dict() for part in (self._muon, self._rest) if part]

    def restore(self, states: Sequence[dict[str, Any]]) -> None:
        """Go on from ``state``."""
        for part, state in zip((part for part in (self._muon, self._rest) if part), states, strict=True):
            part.load_state_dict(state)


def _groups(parameters: Iterable[nn.Parameter], options: OptimizerOptions) -> Groups:
    decayed: list[nn.Parameter] = []
    free: list[nn.Parameter] = []
    for parameter in parameters:
        (decayed if options.decay_vectors or parameter.dim() > 1 else free).append(parameter)
    groups: Groups = [
        {"params": decayed, "weight_decay": options.weight_decay},
        {"params": free, "weight_decay": 0.0},
    ]
    return [group for group in groups if group["params"]]


def _is_matrix(parameter: nn.Parameter) -> bool:
    """Whether it maps several numbers to several, and lies in memory row after row."""
    if parameter.dim() < 2 or not parameter.is_floating_point():
        return False
    several = min(len(parameter), parameter[0].numel()) > 1
    return several and parameter.permute(0, *_columns(parameter)).is_contiguous()


def _columns(values: Tensor) -> list[int]:
    """The dimensions after the first as they lie in memory, the outermost first."""
    return sorted(range(1, values.dim()), key=values.stride, reverse=True)


def _matrix(values: Tensor, order: Sequence[int]) -> Tensor:
    """A row for each output; Muon's steps are the same in any order of the columns."""
    return values.detach().permute(0, *order).flatten(1)


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
