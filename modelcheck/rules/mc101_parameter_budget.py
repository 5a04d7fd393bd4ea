from __future__ import annotations

from modelcheck.rules.base import Decision, Problem, RangeOptions, Rule, Subject, asked, known_facts, within
from modelcheck.words import counted

SHOWN = 3


class ParameterBudget(Rule):
    """The number of parameters and hidden weights is outside its bounds.

    ## What it checks

    Scalars in the distinct storages of the registered parameters, plus weights that are hidden in constants and
    buffers (MC102). Shared parameters count once, complex numbers twice, frozen and unused ones like all others.

    ## Why it matters

    A budget is the point of a small network, and it means nothing if weights can be kept outside of it.

    ## Bad

    ```python
    import torch.nn as nn

    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.fc1 = nn.Linear(784, 100)
            self.fc2 = nn.Linear(100, 10)

        def forward(self, x):
            return self.fc2(self.fc1(x.flatten(1)).relu())
    ```

    ## Good

    ```python
    import torch.nn as nn

    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.fc1 = nn.Linear(784, 20)
            self.fc2 = nn.Linear(20, 10)

        def forward(self, x):
            return self.fc2(self.fc1(x.flatten(1)).relu())
    ```

    ## Options

    ```toml
    [rules]
    parameter-budget = { max = 19_999 }    # and, or, min
    ```

    ## Known limits

    Numbers written into the code (`x * 0.17`) are not counted.
    """

    code = "MC101"
    name = "parameter-budget"
    kind = "error"
    options = RangeOptions
    needs_options = True

    def check(self, subject: Subject, options: RangeOptions) -> Decision:
        """Compare parameters + hidden weights with the range."""
        parameters = known_facts(subject).parameters
        hidden = f" and {counted(parameters.hidden, 'hidden weight')}" if parameters.hidden else ""
        evidence = f"{counted(parameters.total, 'parameter')}{hidden}, {asked(options)}"
        if within(parameters.total + parameters.hidden, options):
            return Decision(evidence)
        largest = sorted(subject.layers, key=lambda layer: -layer.parameters)[:SHOWN]
        shares = ", ".join(f"{layer.path or layer.type} {layer.parameters:,}" for layer in largest if layer.parameters)
        return Decision(evidence, (Problem(f"{evidence}. Largest: {shares or 'none'}"),))
