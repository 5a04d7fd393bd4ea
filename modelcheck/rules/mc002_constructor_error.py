from __future__ import annotations

from modelcheck.rules.author_failure import FailureRule


class ConstructorError(FailureRule):
    """The model's class or factory needs arguments that were not given, or its constructor raises.

    ## What it checks

    The class is called with the arguments of `--arg NAME=VALUE`. Required arguments that are missing are named, an
    unknown one is shown beside the signature, and an exception from `__init__` is told with the author's line.

    ## Why it matters

    A model without its arguments is a family of models, and a count of parameters needs one of them.

    ## Bad

    ```python
    import torch.nn as nn

    class Net(nn.Module):
        def __init__(self, width):
            super().__init__()
            self.fc = nn.Linear(784, width)

        def forward(self, x):
            return self.fc(x.flatten(1))
    ```

    ## Good

    ```python
    import torch.nn as nn

    class Net(nn.Module):
        def __init__(self, width=10):
            super().__init__()
            self.fc = nn.Linear(784, width)

        def forward(self, x):
            return self.fc(x.flatten(1))
    ```

    ## Options

    None: this rule is always on.

    ## Known limits

    Arguments are Python literals; a model that needs an object as an argument needs a factory: `net.py:make_net`.
    """

    code = "MC002"
    name = "constructor-error"
    evidence = "built"
    failed = "could not be built"
