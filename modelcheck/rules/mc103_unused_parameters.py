from __future__ import annotations

from modelcheck.facts.flow import Flows, Operator
from modelcheck.facts.structs import Part
from modelcheck.rules.base import Decision, Options, Problem, Rule, Subject, known_facts, known_flows
from modelcheck.words import counted


class UnusedParameters(Rule):
    """Parameters cannot reach the output.

    ## What it checks

    Registered parameters that nothing which forward returns is made from, in neither mode: never read, or read for a
    result that is dropped. A module of which that is true of every parameter is named as a whole. Parameters of modules
    that are never called are told by unused-module (MC401).

    ## Why it matters

    They count towards the budget and get no gradient, so they stay as they were initialised; in distributed training
    they are an error.

    ## Bad

    ```python
    import torch
    import torch.nn as nn

    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.fc = nn.Linear(784, 10)
            self.scale = nn.Parameter(torch.ones(10))

        def forward(self, x):
            return self.fc(x.flatten(1))
    ```

    ## Good

    ```python
    import torch
    import torch.nn as nn

    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.fc = nn.Linear(784, 10)
            self.scale = nn.Parameter(torch.ones(10))

        def forward(self, x):
            return self.fc(x.flatten(1)) * self.scale
    ```

    ## Options

    ```toml
    [rules]
    unused-parameters = "error"    # advice unless the policy says so
    ```

    ## Known limits

    A parameter that is multiplied by zero reaches the output. One that is kept for a loss, outside of forward, is
    reported.
    """

    code = "MC103"
    name = "unused-parameters"
    kind = "advice"

    def check(self, subject: Subject, options: Options) -> Decision:
        """Name them, with how many there are, and whether they are read."""
        flows = known_flows(subject)
        parts = known_facts(subject).unused_parameters
        if not parts:
            return Decision("every parameter of the modules that are called can reach the output")
        total = counted(sum(part.parameters for part in parts), "parameter")
        return Decision(f"{total} cannot reach the output", tuple(_problem(flows, part) for part in parts))


def _problem(flows: Flows, part: Part) -> Problem:
    held = counted(part.parameters, "parameter")
    if not part.path:
        return Problem(f"none of the model's {held} can reach the output: return what the layers compute")
    reader = next((one for one in (*flows.train.operators, *flows.evaluation.operators) if _reads(one, part)), None)
    if reader is None:
        text = f"{part.path} ({held}) is never read: use it in forward, or delete it"
        return Problem(text, where=part.path)
    text = f"{part.path} ({held}) is used, but the result cannot reach the output: use it in forward, or delete it"
    return Problem(text, where=part.path, file=reader.file, line=reader.line)


def _reads(operator: Operator, part: Part) -> bool:
    """Whether an operator reads the parameter, or one of the module."""
    paths = (weight.path for weight in operator.weights.values() if weight.path)
    return any(path == part.path or path.startswith(f"{part.path}.") for path in paths)
