from __future__ import annotations

from math import exp

from modelcheck.facts.flow import Operator
from modelcheck.rules.activations import SQUASHING, given, plain_name, rectifies
from modelcheck.rules.class_scores import ClassScores, OnScoresRule

_INVERTIBLE = ("leaky_relu", "prelu", "rrelu")  # they lose no score
_BOUNDED = (*SQUASHING, "hardtanh")


class ActivationOnLogits(OnScoresRule):
    """The class scores go through an activation before the softmax.

    ## What it checks

    What is done in the training graph to the class scores, from the layer that makes them to the (log-)softmax or the
    output; pooling is looked through. Activations that rectify (ReLU, ReLU6, ELU, GELU, SiLU, softplus and the like)
    are reported, and those that squash (sigmoid, tanh, hardtanh) where a softmax follows or the policy declares the
    classes.

    ## Why it matters

    Softmax needs scores that can grow apart. ReLU lets no score fall below zero: a score that should fall gets no
    gradient there, and a picture on which all ten are zero teaches nothing. Of ten scores between −1 and 1, softmax
    gives the surest 45 % at most.

    ## Bad

    ```python
    import torch.nn as nn
    import torch.nn.functional as F

    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.fc1 = nn.Linear(784, 32)
            self.fc2 = nn.Linear(32, 10)

        def forward(self, x):
            x = self.fc1(x.flatten(1)).relu()
            return F.log_softmax(self.fc2(x).relu(), dim=1)
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

        def forward(self, x):
            x = self.fc1(x.flatten(1)).relu()
            return F.log_softmax(self.fc2(x), dim=1)
    ```

    ## Options

    ```toml
    [rules]
    activation-on-logits = "error"    # advice unless the policy says so
    ```

    ## Known limits

    Leaky ReLU and PReLU lose no score and are not reported. An output of 64 values or more in a multiple of 16 is taken
    for features unless a softmax or the policy says that it is class scores. A regression that ends in ReLU because its
    values are positive is reported. SqueezeNet has such a ReLU as published, before the average.
    """

    code = "MC406"
    name = "activation-on-logits"

    def complaint(self, operator: Operator, scores: ClassScores, layer: str) -> str | None:
        """Whether it rectifies the scores, or squashes what softmax takes."""
        function, (low, high) = plain_name(operator), given(operator)
        if rectifies(operator) and function not in _INVERTIBLE:
            text = f"rectifies the {scores.classes:,} class scores of {layer}"
            return f"{text}: low ones are cut off and get little or no gradient. Leave it out"
        if function in _BOUNDED and scores.certain:
            surest = 100 / (1 + (scores.classes - 1) * exp(low - high))
            text = f"squashes the {scores.classes:,} class scores of {layer} into {low:g} to {high:g}"
            return f"{text}, so that softmax gives no class more than {surest:.3g} %. Leave it out"
        return None
