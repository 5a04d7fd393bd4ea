"""Finds what draws random numbers in evaluation and changes the output by it."""

from __future__ import annotations

from typing import Any

import torch

from modelcheck.facts.live import Substitute, Trial
from modelcheck.facts.structs import RandomOperator
from modelcheck.facts.trace import Step
from modelcheck.facts.usage import Side
from modelcheck.graph.operators import implementation, is_random, schema
from modelcheck.graph.wire import Header

RESEEDS = 8  # what happens to one sample in ten is seen with 99 % at this many of them, in three draws of two samples
ROUNDING = 5e-6  # of the output's spread: noise that is taken off again leaves about a tenth, more on some processors


def random_evaluation(header: Header, evaluation: Side, trial: Trial | None) -> tuple[RandomOperator, ...]:
    """The random operators of the evaluation graph whose numbers matter: other numbers give another output.

    Any difference above rounding counts. Without a trial, those that can reach the output.

    Args:
        header: for the names of modules.
        evaluation: the evaluation graph.
        trial: of the model.
    """
    drawing = [step for step in evaluation.trace.steps if evaluation.reachable(step.index) and draws(step)]
    live = {step.index for step in drawing}
    if trial:
        live = _live(trial, drawing)
    return tuple(_described(header, step) for step in drawing if step.index in live)


def draws(step: Step) -> bool:
    """Whether the operator draws random numbers with the arguments that it is given."""
    if not is_random(step.node.op):
        return False
    given = _arguments(step)
    if step.kind == "attention":
        return bool(given["dropout_p"])
    if step.kind == "dropout":
        return bool(given["train"]) and bool(given["p"])
    if step.kind == "recurrent":
        return bool(given["train"]) and bool(given["dropout"]) and given["num_layers"] != 1
    return bool(given.get("training", True))


def _arguments(step: Step) -> dict[str, Any]:
    """What the operator is given, by the names of its schema, defaults included."""
    described = schema(step.node.op)
    assert described is not None
    given = {one.name: one.default_value for one in described.arguments}
    given |= dict(zip(given, step.args, strict=False))
    return given | {name: value for name, value in step.node.kwargs.items() if name in given}


def _live(trial: Trial, drawing: list[Step]) -> set[int]:
    live: set[int] = set()
    for seed in range(RESEEDS):
        left = {step.index: _reseeded(step.node.op, seed) for step in drawing if step.index not in live}
        if not left:
            break
        live |= trial.live(left, training=False, least=ROUNDING)
    return live


def _reseeded(op: str, seed: int) -> Substitute:
    """The operator with other random numbers than it draws in the trial."""
    function = implementation(op)

    def run(*args: Any, **kwargs: Any) -> Any:
        torch.default_generator.manual_seed(2**40 + seed)
        return function(*args, **kwargs)

    return run


def _described(header: Header, step: Step) -> RandomOperator:
    module = header.modules[step.node.module]
    return RandomOperator(name=step.name, path=module.path, type=module.type, file=step.node.file, line=step.node.line)
