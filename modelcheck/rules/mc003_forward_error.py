from __future__ import annotations

from modelcheck.rules.author_failure import FailureRule


class ForwardError(FailureRule):
    """Forward raises on an input of the declared shape.

    ## What it checks

    The model's forward is run in training mode and in evaluation mode on a batch of two random inputs of the declared
    shape. Where it raises, the finding shows the author's line and the layers with their shapes up to the one that
    failed.

    ## Why it matters

    A model that cannot run on the course's pictures cannot be trained or scored on them.

    ## Bad

    ```python
    import torch.nn as nn

    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.fc1 = nn.Linear(784, 32)
            self.fc2 = nn.Linear(30, 10)

        def forward(self, x):
            return self.fc2(self.fc1(x.flatten(1)).relu())
    ```

    ## Good

    ```python
    import torch.nn as nn

    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.fc1 = nn.Linear(784, 32)
            self.fc2 = nn.Linear(32, 10)

        def forward(self, x):
            return self.fc2(self.fc1(x.flatten(1)).relu())
    ```

    ## Options

    None: this rule is always on. The input's shape is `--input`, else the policy's `[model] input`, else 1x28x28.

    ## Known limits

    Only models of one tensor are run.
    """

    code = "MC003"
    name = "forward-error"
    evidence = "forward runs in both modes"
    failed = "forward fails"
