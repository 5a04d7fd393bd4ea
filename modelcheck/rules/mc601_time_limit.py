from __future__ import annotations

from modelcheck.rules.author_failure import FailureRule


class TimeLimit(FailureRule):
    """The model was not done in time.

    ## What it checks

    With `--isolated`, loading, building and capturing run in a process of their own, which is stopped after 120 seconds
    on the clock or 120 seconds of processor time; in `modelcheck grade` after 60, or what `--time-limit` says. The
    start of Python and torch is not counted. The finding names the line where the process was, if it could still say
    so.

    ## Why it matters

    A model takes a second or two. One that takes minutes trains or downloads when it is loaded, waits for input, or
    loops without an end, and whoever checks many models cannot wait for it.

    ## Bad

    ```python
    import torch.nn as nn

    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            width = 10
            while width < 100:
                self.fc = nn.Linear(784, 10)

        def forward(self, x):
            return self.fc(x.flatten(1))
    ```

    ## Good

    ```python
    import torch.nn as nn

    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.fc = nn.Linear(784, 10)

        def forward(self, x):
            return self.fc(x.flatten(1))
    ```

    ## Options

    None: this rule is always on.

    ## Known limits

    Without `--isolated` nothing is limited. Processor time is limited for each process that the model starts, not for
    all of them together.
    """

    code = "MC601"
    name = "time-limit"
    evidence = "was not stopped for its time"
    failed = "took too long"
