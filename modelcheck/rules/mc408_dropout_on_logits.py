from __future__ import annotations

from modelcheck.facts.flow import Operator
from modelcheck.rules.class_scores import ClassScores, OnScoresRule
from modelcheck.rules.places import dropout_rate


class DropoutOnLogits(OnScoresRule):
    """The class scores go through dropout before the softmax.

    ## What it checks

    Dropouts that are on in the training graph, between the layer that makes the class scores and the (log-)softmax or
    the output; pooling is looked through.

    ## Why it matters

    A score that is dropped is zero, whatever the network saw. Where it is the right class's, the loss punishes a right
    answer; where all others are dropped, it rewards a wrong one. Dropout regularises features, before the last layer.

    ## Bad

    ```python
    import torch.nn as nn
    import torch.nn.functional as F

    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.fc1 = nn.Linear(784, 32)
            self.fc2 = nn.Linear(32, 10)
            self.dropout = nn.Dropout(0.1)

        def forward(self, x):
            x = self.fc1(x.flatten(1)).relu()
            return F.log_softmax(self.dropout(self.fc2(x)), dim=1)
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
            self.dropout = nn.Dropout(0.1)

        def forward(self, x):
            x = self.fc1(x.flatten(1)).relu()
            return F.log_softmax(self.fc2(self.dropout(x)), dim=1)
    ```

    ## Options

    ```toml
    [rules]
    dropout-on-logits = "error"    # advice unless the policy says so
    ```

    ## Known limits

    An output of 64 values or more in a multiple of 16 is taken for features, unless a softmax or the policy says that
    it is class scores. Dropout of probabilities, after the softmax, is not reported.
    """

    code = "MC408"
    name = "dropout-on-logits"

    def complaint(self, operator: Operator, scores: ClassScores, layer: str) -> str | None:
        """Whether it is a dropout that is on."""
        if operator.kind != "dropout" or not (rate := dropout_rate(operator)):
            return None
        text = f"drops some of the {scores.classes:,} class scores of {layer} in training (p = {rate:g})"
        return f"{text}, the right one too. Put it before {layer}"
