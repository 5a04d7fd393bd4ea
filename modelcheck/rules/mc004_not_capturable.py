from __future__ import annotations

from modelcheck.rules.author_failure import FailureRule


class NotCapturable(FailureRule):
    """Forward runs, and no one graph is what it computes.

    ## What it checks

    The model is captured by `torch.export` in both modes. Control flow that depends on the input's values, `.item()`,
    numpy in forward, random numbers drawn from Python, and operators that are not on modelcheck's list cannot be
    captured; the finding names the author's line and the rewrite that helps.

    ## Why it matters

    What is counted is what is scored: without a graph neither is known.

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
