from __future__ import annotations

from modelcheck.facts.structs import Facts, Use
from modelcheck.rules.presence import PresenceRule


class BatchNorm(PresenceRule):
    """Batch normalisation is required, forbidden, or counted.

    ## What it checks

    Live batch-norm operators that use the batch's statistics in training mode. A layer that is declared and never
    called, or whose result changes nothing, does not count.

    ## Why it matters

    Batch normalisation lets small networks train at high learning rates; courses ask for it by name.

    ## Bad

    ```python
    import torch.nn as nn

    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.fc1 = nn.Linear(784, 32, bias=False)
            self.bn = nn.BatchNorm1d(32)
            self.fc2 = nn.Linear(32, 10)

        def forward(self, x):
            return self.fc2(self.fc1(x.flatten(1)).relu())
    ```

    ## Good

    ```python
    import torch.nn as nn

    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.fc1 = nn.Linear(784, 32, bias=False)
            self.bn = nn.BatchNorm1d(32)
            self.fc2 = nn.Linear(32, 10)

        def forward(self, x):
            return self.fc2(self.bn(self.fc1(x.flatten(1))).relu())
    ```

    ## Options

    ```toml
    [rules]
    batch-norm = "required"    # or "forbidden", or { min = 2, max = 6 }
    ```

    A level alone ("error", "advice") means required.

    ## Known limits

    A batch norm written by hand from means and variances is not recognised. In models of more than 20 billion
    multiply-adds reachability alone decides whether an operator is live.
    """

    code = "MC201"
    name = "batch-norm"
    noun = "batch norm"
    missing_hint = "Call an nn.BatchNorm2d in forward and pass its result on"

    def use(self, facts: Facts) -> Use:
        """Batch norms."""
        return facts.batch_norm
