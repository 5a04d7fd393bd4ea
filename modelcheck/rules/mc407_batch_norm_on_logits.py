from __future__ import annotations

from modelcheck.facts.flow import Operator
from modelcheck.rules.class_scores import ClassScores, OnScoresRule


class BatchNormOnLogits(OnScoresRule):
    """The class scores go through a batch norm before the softmax.

    ## What it checks

    Batch norms in the training graph between the layer that makes the class scores and the (log-)softmax or the output;
    pooling is looked through.

    ## Why it matters

    The batch norm gives each class the same mean and spread over the batch, whatever is in the batch. How sure the
    network is of a picture then depends on the other pictures beside it, and its scores are spread by 1 until the
    norm's weight has grown: the loss falls slowly.

    ## Bad

    ```python
    import torch.nn as nn
    import torch.nn.functional as F

    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.fc1 = nn.Linear(784, 32)
            self.fc2 = nn.Linear(32, 10)
            self.bn = nn.BatchNorm1d(10)

        def forward(self, x):
            x = self.fc1(x.flatten(1)).relu()
            return F.log_softmax(self.bn(self.fc2(x)), dim=1)
    ```

    ## Good

    ```python
    import torch.nn as nn
    import torch.nn.functional as F

    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.fc1 = nn.Linear(784, 32)
            self.fc2 = nn.Linear(32, 10)
            self.bn = nn.BatchNorm1d(32)

        def forward(self, x):
            x = self.fc1(x.flatten(1)).relu()
            return F.log_softmax(self.fc2(self.bn(x)), dim=1)
    ```

    ## Options

    ```toml
    [rules]
    batch-norm-on-logits = "error"    # advice unless the policy says so
    ```

    ## Known limits

    An output of 64 values or more in a multiple of 16 is taken for features, for which a batch norm at the end is
    usual, unless a softmax or the policy says that it is class scores.
    """

    code = "MC407"
    name = "batch-norm-on-logits"

    def complaint(self, operator: Operator, scores: ClassScores, layer: str) -> str | None:
        """Whether it is a batch norm."""
        if operator.kind != "batch-norm":
            return None
        text = (
            f"normalises the {scores.classes:,} class scores of {layer}: each gets the same mean and spread in a batch"
        )
        return f"{text}. Leave it out, or put it before {layer}"
