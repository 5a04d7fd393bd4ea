from __future__ import annotations

from modelcheck.facts.flow import Flow, Operator
from modelcheck.rules.base import Decision, Options, Rule, Subject, known_flows
from modelcheck.rules.places import dropout_rate, named, once_a_place, problem_at
from modelcheck.words import counted

_LOOKED_THROUGH = ("activation", "max-pool")
_KEEPS_THE_VARIANCE = ("alpha_dropout", "alpha_dropout_", "feature_alpha_dropout", "feature_alpha_dropout_")


class DropoutBeforeBatchNorm(Rule):
    """A batch norm takes what a dropout made, with no weighted layer between.

    ## What it checks

    Batch norms in the training graph that keep running statistics, and what they take. A dropout that is on, with
    activations, max-pooling and views at most between the two, is reported.

    ## Why it matters

    Dropout multiplies what it keeps by 1 / (1 − p), so that in training the values vary more than in evaluation, where
    it is off. The batch norm learns the larger variance and divides by it when the model is scored: it shrinks what it
    should leave. Li, Chen, Hu & Yang, "Understanding the Disharmony between Dropout and Batch Normalization by Variance
    Shift", CVPR 2019.

    ## Bad

    ```python
    import torch.nn as nn

    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.fc1 = nn.Linear(784, 32, bias=False)
            self.dropout = nn.Dropout(0.1)
            self.bn1 = nn.BatchNorm1d(32)
            self.fc2 = nn.Linear(32, 10)

        def forward(self, x):
            return self.fc2(self.bn1(self.dropout(self.fc1(x.flatten(1)))).relu())
    ```

    ## Good

    ```python
    import torch.nn as nn

    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.fc1 = nn.Linear(784, 32, bias=False)
            self.dropout = nn.Dropout(0.1)
            self.bn1 = nn.BatchNorm1d(32)
            self.fc2 = nn.Linear(32, 10)

        def forward(self, x):
            return self.fc2(self.dropout(self.bn1(self.fc1(x.flatten(1))).relu()))
    ```

    ## Options

    ```toml
    [rules]
    dropout-before-batch-norm = "error"    # advice unless the policy says so
    ```

    ## Known limits

    The shift also passes through a weighted layer, weaker; that is not reported, since most networks alternate the two.
    Nothing is said where an average or another normalisation stands between, which evens the noise out, nor where
    branches meet (DenseNet's dropout before a concatenation). Alpha dropout keeps the variance, and is none here.
    """

    code = "MC403"
    name = "dropout-before-batch-norm"
    kind = "advice"

    def check(self, subject: Subject, options: Options) -> Decision:
        """Name each dropout with the batch norm after it."""
        flow = known_flows(subject).train
        taken = ((norm, _dropout_before(flow, norm)) for norm in flow.of_kind("batch-norm") if _learns(norm))
        found = once_a_place((norm, dropout) for norm, dropout in taken if dropout)
        if not found:
            return Decision("no batch norm takes what a dropout made")
        problems = tuple(problem_at(dropout, _message(flow, dropout, norm)) for norm, dropout in found)
        return Decision(counted(len(found), "batch norm takes", "batch norms take") + " what a dropout made", problems)


def _learns(norm: Operator) -> bool:
    """Whether evaluation uses the variance that training saw."""
    return norm.arguments.get("training") is True and "running_var" in norm.weights


def _dropout_before(flow: Flow, norm: Operator) -> Operator | None:
    """The nearest dropout upstream that changes the variance of what the norm takes."""
    one = flow.source(norm)
    while one is not None and one.kind in _LOOKED_THROUGH:
        one = flow.source(one)
    if one is None or one.kind != "dropout" or one.name in _KEEPS_THE_VARIANCE:
        return None
    return one if 0 < (dropout_rate(one) or 0) < 1 else None


def _message(flow: Flow, dropout: Operator, norm: Operator) -> str:
    first, second = named(flow, dropout), named(flow, norm)
    learns = f"{second} learns a larger variance in training than it meets in evaluation"
    apart = f"comes before {second} with no weighted layer between"
    return f"{first} (p = {dropout_rate(dropout):g}) {apart}: {learns}. Put {first} after {second}"
