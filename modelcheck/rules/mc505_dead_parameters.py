from __future__ import annotations

import itertools
from collections.abc import Iterable

from modelcheck.facts.structs import Facts
from modelcheck.report import DeadCause, DeadParameter
from modelcheck.rules.base import Decision, Options, Problem, Rule, Subject, known_facts
from modelcheck.rules.trained import sound_training
from modelcheck.words import counted, listed

# what happened to them, and what to do
_CAUSES: dict[DeadCause, tuple[str, str]] = {
    "no gradient": (
        "got no gradient in {checks}",
        "Something between it and the loss has none, as argmax, a comparison or detach() have",
    ),
    "zero gradient": (
        "got a gradient of nothing but zeros in {checks}",
        "Something between it and the loss is flat, as sign, round, or a ReLU that is 0 for every image",
    ),
    "unchanged": (
        "got a gradient, and is what it was at the start",
        "The gradient is too small for its numbers: a normalisation after it removes it, or its scale is too large",
    ),
}


class DeadParameters(Rule):
    """Parameters got no gradient, or did not change, in all of the training.

    ## What it checks

    Each trainable parameter of the author's: whether it had a gradient other than zero in any of some 32 steps, which
    lie evenly over the training, and whether it was different after an epoch. Parameters of one module are one finding.
    What the graph alone tells is told by unused-module (MC401), unused-parameters (MC103) and frozen-parameters
    (MC106).

    ## Why it matters

    They count towards the budget and are what they were at the start: a layer of random numbers. The loss falls all the
    same, since the layers after it learn to make the best of it.

    ## Bad

    ```python
    import torch
    import torch.nn as nn

    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.fc1 = nn.Linear(784, 30)
            self.fc2 = nn.Linear(30, 10)

        def forward(self, x):
            x = torch.sign(self.fc1(x.flatten(1)))
            return self.fc2(x)
    ```

    ## Good

    ```python
    import torch
    import torch.nn as nn

    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.fc1 = nn.Linear(784, 30)
            self.fc2 = nn.Linear(30, 10)

        def forward(self, x):
            x = torch.tanh(self.fc1(x.flatten(1)))
            return self.fc2(x)
    ```

    ## Options

    ```toml
    [rules]
    dead-parameters = "error"    # advice unless the policy says so
    ```

    ## Known limits

    A parameter is dead as a whole or not at all: single units that are always 0 are not counted. What has a gradient
    only in other steps than those that are looked at, as an expert that few images choose, is reported where the recipe
    has a weight decay, since that changes it in any case.
    """

    code = "MC505"
    name = "dead-parameters"
    kind = "advice"
    waits_for_training = True

    def check(self, subject: Subject, options: Options) -> Decision:
        """Name those that the graph alone does not tell."""
        metrics, facts = sound_training(subject), known_facts(subject)
        told = _told(facts)
        dead = [one for one in metrics.dead_parameters if not _within(one.path, told)]
        if not dead:
            return Decision("every parameter that can learn had a gradient and changed")
        total = sum(one.parameters for one in dead)
        evidence = f"{total:,} of {counted(facts.parameters.total, 'parameter')} did not learn"
        groups = itertools.groupby(sorted(dead, key=_group), _group)
        checks = _steps(metrics.gradient_checks)
        return Decision(evidence, tuple(_problem(module, list(ones), checks) for (module, _), ones in groups))


def _told(facts: Facts) -> set[str]:
    """The paths of modules and parameters of which other rules say that they cannot learn."""
    parts = (*facts.unused_parameters, *facts.frozen_parameters)
    return {*(part.path for part in parts), *facts.unused_modules}


def _within(path: str, modules: Iterable[str]) -> bool:
    return any(not one or path == one or path.startswith(f"{one}.") for one in modules)


def _group(dead: DeadParameter) -> tuple[str, DeadCause]:
    return dead.path.rpartition(".")[0], dead.cause


def _steps(checks: int) -> str:
    return f"the {counted(checks, 'step')} that {'was' if checks == 1 else 'were'} looked at"


def _problem(module: str, dead: list[DeadParameter], checks: str) -> Problem:
    happened, remedy = _CAUSES[dead[0].cause]
    held = counted(sum(one.parameters for one in dead), "parameter")
    text = f"{listed([one.path for one in dead])} ({held}) {happened.format(checks=checks)}. {remedy}"
    return Problem(text, where=module or ", ".join(one.path for one in dead))
