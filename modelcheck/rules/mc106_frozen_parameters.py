from __future__ import annotations

from modelcheck.facts.structs import FreezeCause, FrozenPart
from modelcheck.rules.base import Decision, Options, Problem, Rule, Subject, known_facts
from modelcheck.words import counted

# why training will not change them, and what to do
_CAUSES: dict[FreezeCause, tuple[str, str]] = {
    "requires_grad": (
        "is frozen: its requires_grad is False",
        "Set it to True, or register a buffer if it is meant to be a constant",
    ),
    "integer": (
        "holds integers, which have no gradient",
        "Register it as a buffer, or make its numbers floating-point",
    ),
    "detached": (
        "gets no gradient: its result goes through no_grad() or detach() on each way to the output",
        "Leave that out of forward",
    ),
}


class FrozenParameters(Rule):
    """Training will not change some of the parameters.

    ## What it checks

    Registered parameters that do not require a gradient, that hold integers, or whose every way to the output in the
    training graph goes through `torch.no_grad()` or `detach()`. A module of which that is true of every parameter is
    named as a whole, and so is the model.

    ## Why it matters

    Frozen on purpose, as the body of a network that is fine-tuned, it is as it should be. Forgotten, the layers stay as
    they were initialised, the loss falls all the same, and the accuracy stays low.

    ## Bad

    ```python
    import torch
    import torch.nn as nn

    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.fc1 = nn.Linear(784, 32)
            self.fc2 = nn.Linear(32, 10)

        def forward(self, x):
            with torch.no_grad():
                x = self.fc1(x.flatten(1)).relu()
            return self.fc2(x)
    ```

    ## Good

    ```python
    import torch
    import torch.nn as nn

    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.fc1 = nn.Linear(784, 32)
            self.fc2 = nn.Linear(32, 10)

        def forward(self, x):
            x = self.fc1(x.flatten(1)).relu()
            return self.fc2(x)
    ```

    ## Options

    ```toml
    [rules]
    frozen-parameters = "error"    # advice unless the policy says so
    ```

    ## Known limits

    That a body is frozen on purpose is not known. A way through an operator that has no useful gradient (`argmax`,
    `round`, a comparison) is taken for one that teaches. A straight-through estimator's codes, which only a loss of
    the author's own teaches, are reported.
    """

    code = "MC106"
    name = "frozen-parameters"
    kind = "advice"

    def check(self, subject: Subject, options: Options) -> Decision:
        """Name them, with how many there are, and why."""
        facts = known_facts(subject)
        frozen = facts.frozen_parameters
        if not frozen:
            return Decision("training can change every parameter that is used")
        total = sum(part.parameters for part in frozen)
        evidence = f"training will not change {total:,} of {counted(facts.parameters.total, 'parameter')}"
        return Decision(evidence, tuple(_problem(part) for part in frozen))


def _problem(part: FrozenPart) -> Problem:
    cause, remedy = _CAUSES[part.cause]
    name = f"{part.path or 'the whole model'} ({counted(part.parameters, 'parameter')})"
    return Problem(f"{name} {cause}, so training will not change it. {remedy}", where=part.path or None)
