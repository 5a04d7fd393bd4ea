from __future__ import annotations

from modelcheck.rules.base import Count, Decision, Options, Problem, Rule, Subject, known_facts
from modelcheck.words import counted


class HiddenOptions(Options, frozen=True, kw_only=True):
    """How many are allowed."""

    max: Count = 0


class HiddenWeights(Rule):
    """The graph reads weights that are no registered parameters.

    ## What it checks

    Plain tensors, tensors in lists, globals and closures, numpy arrays, modules in plain lists, and buffers of any type
    that reach the output, each counted as the larger of its number of values and its bytes ÷ 4. Not hidden: what a
    formula of position gives (a constant, evenly spaced numbers, an identity, a triangular mask), and the running
    statistics of norms that normalise the picture. What forward itself writes into buffers counts, beyond a little.

    ## Why it matters

    An optimiser never sees such weights, so they are a mistake or a way around the budget.

    ## Bad

    ```python
    import torch
    import torch.nn as nn

    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.layers = [nn.Linear(784, 10)]

        def forward(self, x):
            return self.layers[0](x.flatten(1))
    ```

    ## Good

    ```python
    import torch
    import torch.nn as nn

    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.layers = nn.ModuleList([nn.Linear(784, 10)])

        def forward(self, x):
            return self.layers[0](x.flatten(1))
    ```

    ## Options

    ```toml
    [rules]
    hidden-weights = "error"    # or { max = 10 }, to allow a few constants
    ```

    ## Known limits

    A table that only its author knows to follow from position (sines, relative indices) is counted. Numbers written
    into the code are counted where they make tensors without the input's help, beyond the first 128, and elsewhere
    where they are many and no loop tells them.
    """

    code = "MC102"
    name = "hidden-weights"
    kind = "error"
    options = HiddenOptions

    def check(self, subject: Subject, options: HiddenOptions) -> Decision:
        """Fail where more is hidden than allowed; nothing is, unless the policy says so."""
        facts = known_facts(subject)
        hidden, allowed = facts.parameters.hidden, options.max
        evidence = counted(hidden, "hidden weight") + (f", at most {allowed:,} allowed" if allowed else "")
        if hidden <= allowed:
            return Decision(evidence)
        problems = tuple(
            Problem(
                f"{weight.path}: {counted(weight.counted, 'weight')} in a {weight.kind} "
                f"({weight.dtype} {list(weight.shape)}), which no optimiser sees. "
                "Register it as an nn.Parameter, or its module in an nn.ModuleList",
                where=weight.path,
            )
            for weight in facts.hidden_weights
        )
        return Decision(evidence, problems)
