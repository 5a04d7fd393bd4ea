from __future__ import annotations

from modelcheck.rules.author_failure import FailureRule


class AmbiguousModel(FailureRule):
    """Several models could be meant, and the target names none of them.

    ## What it checks

    Where the target names no model and there are several, those that others are made of are set aside; then one is
    taken that only the author's scripts make, or else only the tests, or that only the README names. Where several
    remain, the finding lists them as targets, with their lines and parameters.

    ## Why it matters

    The count and the accuracy of the wrong model are worse than none.

    ## Bad

    ```python
    import torch.nn as nn

    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.fc = nn.Linear(784, 10)

        def forward(self, x):
            return self.fc(x.flatten(1))

    class Large(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv = nn.Conv2d(1, 10, 23)

        def forward(self, x):
            return self.conv(x).mean((2, 3))

    models = [Net(), Large()]
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

    class Large(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv = nn.Conv2d(1, 10, 23)

        def forward(self, x):
            return self.conv(x).mean((2, 3))

    model = Large()
    ```

    ## Options

    None: this rule is always on. `net.py:Net` names one; `--pick primary` takes the likeliest, `--pick largest` the one
    with most parameters.

    ## Known limits

    What the author's files do with a class is read from their text: a class that is made through a variable or a
    registry is not seen to be made.
    """

    code = "MC605"
    name = "ambiguous-model"
    evidence = "one model is meant"
    failed = "several models could be meant"
