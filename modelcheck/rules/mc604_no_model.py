from __future__ import annotations

from modelcheck.rules.author_failure import FailureRule


class NoModel(FailureRule):
    """What was handed in holds no model.

    ## What it checks

    Where the target names no model, the author's files are read for classes that derive from `nn.Module`, directly or
    through other classes of theirs, and where there are none for variables that hold an `nn.Sequential`. The finding
    tells which classes and functions there are instead, and what could not be read.

    ## Why it matters

    The wrong file was handed in, or a function or an object is the model and has to be named.

    ## Bad

    ```python
    import torch.nn as nn

    class Net:
        def __init__(self):
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

    A target that names a function or an object is taken at its word: `net.py:make_net`. A class is recognised by how
    its bases are written, as nothing is run to find it; one that is made by a call has to be named.
    """

    code = "MC604"
    name = "no-model"
    evidence = "holds a model"
    failed = "holds no model"
