from __future__ import annotations

from modelcheck.rules.author_failure import FailureRule


class NotCapturable(FailureRule):
    """Forward runs, and no one graph is what it computes.

    ## What it checks

    The model is captured by `torch.export` in both modes. Control flow that depends on the input's values, `.item()`,
    numpy in forward, random numbers drawn from Python, scripts, and operators that are not on modelcheck's list cannot
    be captured; the finding names the author's line and the rewrite that helps. Where forward runs in evaluation mode,
    the modules are walked instead: the report has the facts and the layers of one forward, says so, and leaves open
    what only a graph tells. No rule on the graph is run then.

    ## Why it matters

    What is counted is what is scored: without a graph neither is known. What a walk tells is the parameters that are
    registered and the operators that ran on one batch, and not what reaches the output.

    ## Bad

    ```python
    import torch.nn as nn

    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.fc = nn.Linear(784, 10)

        def forward(self, x):
            x = x.flatten(1)
            if x.mean() > 0:
                x = -x
            return self.fc(x)
    ```

    ## Good

    ```python
    import torch
    import torch.nn as nn

    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.fc = nn.Linear(784, 10)

        def forward(self, x):
            x = x.flatten(1)
            x = torch.where(x.mean() > 0, -x, x)
            return self.fc(x)
    ```

    ## Options

    None: this rule is always on.

    ## Known limits

    A branch on a Python number that changes from call to call is frozen as it was at the capture.
    """

    code = "MC004"
    name = "not-capturable"
    evidence = "captured in both modes"
    failed = "could not be captured"
