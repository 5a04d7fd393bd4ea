from __future__ import annotations

from modelcheck.rules.base import Decision, Options, Problem, Rule, Subject, known_facts
from modelcheck.words import listed

REQUIRED_BATCHES = (2, 64)


class InputShape(Rule):
    """The evaluation graph does not accept batches of the declared input.

    ## What it checks

    The captured evaluation graph is run on batches of 2 and of 64 of the declared input and must give one row for each
    sample. Failing for a batch of one (a `squeeze()` too many) is advice.

    ## Why it matters

    A batch size that is written into forward breaks on the last batch of an epoch, and a grader's is another one.

    ## Bad

    ```python
    import torch.nn as nn

    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.fc = nn.Linear(784, 10)

        def forward(self, x):
            return self.fc(x.reshape(2, 784))
    ```

    ## Good

    ```python
    import torch.nn as nn

    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.fc = nn.Linear(784, 10)

        def forward(self, x):
            return self.fc(x.reshape(-1, 784))
    ```

    ## Options

    ```toml
    [model]
    input = [1, 28, 28]    # switches this rule on
    [rules]
    input-shape = "error"
    ```

    ## Known limits

    Three batch sizes are tried: 1, 2 and 64. One for which the model's code takes another branch is not accepted.
    """

    code = "MC301"
    name = "input-shape"
    kind = "error"

    def check(self, subject: Subject, options: Options) -> Decision:
        """Compare the batch sizes that were accepted with those that must be."""
        facts = known_facts(subject)
        shape = ", ".join(map(str, facts.input_shape))
        accepted = listed(facts.accepted_batches) if facts.accepted_batches else "no size that was tried"
        evidence = f"takes (N, {shape}) for batches of {accepted}"
        if facts.input_shape != (subject.input_shape or facts.input_shape):
            declared = ", ".join(map(str, subject.input_shape or ()))
            return Decision(evidence, (Problem(f"captured for (N, {shape}); the policy declares (N, {declared})"),))
        missing = [batch for batch in REQUIRED_BATCHES if batch not in facts.accepted_batches]
        if missing:
            text = f"a batch of {' or '.join(map(str, missing))} of (N, {shape}) does not give as many rows"
            hint = "use x.size(0) or -1 instead of a fixed batch size"
            return Decision(evidence, (Problem(f"{text}: {hint}"),))
        if 1 not in facts.accepted_batches:
            text = "a batch of one does not give one row: name the dimensions in squeeze(), or use flatten(1)"
            return Decision(evidence, (Problem(text, severity="advice"),))
        return Decision(evidence)
