from __future__ import annotations

from math import inf

from modelcheck.facts.flow import Flow, Operator
from modelcheck.rules.activations import SQUASHING, Interval, given, left, plain_name, rectifies
from modelcheck.rules.base import Decision, Options, Rule, Subject, known_flows
from modelcheck.rules.places import named, once_a_place, problem_at
from modelcheck.words import counted

_DROPOUTS = ("dropout", "dropout_", "feature_dropout", "feature_dropout_")


class DoubleActivation(Rule):
    """An activation follows another, and does nothing or harm.

    ## What it checks

    What each activation in the training graph takes its values from. Reported are

    - an activation that changes nothing: ReLU after ReLU, sigmoid or softmax, and the like, also with pooling or
      dropout between, which leave what is not negative so;
    - ReLU after log-softmax or log-sigmoid, which makes everything zero;
    - any activation right after softmax or log-softmax;
    - sigmoid right after what is never negative, which then gives at least 0.5; sigmoid or tanh right after sigmoid or
      tanh;
    - two different rectifiers right after one another, such as ReLU and GELU.

    ## Why it matters

    One that does nothing is often a slip: a layer between the two was forgotten, or a block that ends in an activation
    is followed by one that begins with one. One that does harm takes away half of the range, or all of it.

    ## Bad

    ```python
    import torch.nn as nn
    import torch.nn.functional as F

    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.features = nn.Sequential(nn.Linear(784, 32), nn.ReLU())
            self.head = nn.Linear(32, 10)

        def forward(self, x):
            return self.head(F.relu(self.features(x.flatten(1))))
    ```

    ## Good

    ```python
    import torch.nn as nn

    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.features = nn.Sequential(nn.Linear(784, 32), nn.ReLU())
            self.head = nn.Linear(32, 10)

        def forward(self, x):
            return self.head(self.features(x.flatten(1)))
    ```

    ## Options

    ```toml
    [rules]
    double-activation = "error"    # advice unless the policy says so
    ```

    ## Known limits

    Products such as `x * x.sigmoid()` are joins, where nothing is said; nor is it where branches meet. Tanh after ReLU
    is a clipped ReLU, and ReLU after tanh half a tanh: neither is reported, nor are clamps. Softmax after an activation
    is for activation-on-logits to judge, since attention is often written so.
    """

    code = "MC404"
    name = "double-activation"
    kind = "advice"

    def check(self, subject: Subject, options: Options) -> Decision:
        """Name each second activation with the first."""
        flow = known_flows(subject).train
        verdicts = ((one, _verdict(flow, one)) for one in flow.of_kind("activation"))
        found = once_a_place((one, text) for one, text in verdicts if text)
        if not found:
            return Decision("no activation follows another to no end")
        evidence = counted(len(found), "activation follows", "activations follow") + " another to no end"
        return Decision(evidence, tuple(problem_at(one, text) for one, text in found))


def _verdict(flow: Flow, second: Operator) -> str | None:
    """What is wrong with the second of two activations; None where it is not one, or nothing is."""
    before = _before(flow, second)
    if before is None:
        return None
    first, (low, high) = before
    kept = left(second)
    if kept and kept[0] <= low and high <= kept[1]:
        what = "no negative values come" if high == inf else f"only values from {low:g} to {high:g} come"
        return f"{named(flow, second)} changes nothing: {what} from {named(flow, first)}. Delete one of the two"
    harm = _harm(flow, first, second) if first == flow.source(second) else None
    return f"{named(flow, second)} {harm}" if harm else None


def _before(flow: Flow, second: Operator) -> tuple[Operator, Interval] | None:
    """The activation before, and the interval of the values that come from it; None where there is none."""
    one = flow.source(second)
    direct = True
    while one is not None and _keeps_the_sign(one):
        one, direct = flow.source(one), False
    if one is None or one.kind not in ("activation", "softmax"):
        return None
    low, high = given(one)
    return one, (low, high) if direct else (0 if low >= 0 else -inf, inf)


def _keeps_the_sign(operator: Operator) -> bool:
    """Whether what is made of values that are not negative is not negative."""
    return operator.kind in ("max-pool", "average-pool") or operator.name in _DROPOUTS


def _harm(flow: Flow, first: Operator, second: Operator) -> str | None:
    """What an activation does that it should not, right after another; None where it is in its place."""
    low, high = given(first)
    name, names = plain_name(second), {plain_name(first), plain_name(second)}
    before, after = named(flow, first), named(flow, second)
    if left(second) == given(second) and high <= given(second)[0]:  # it clamps, and all of it
        return f"makes everything {given(second)[0]:g}: nothing above {high:g} comes from {before}. Delete {after}"
    if first.kind == "softmax":
        return f"bends the (log-)probabilities that {before} makes. Delete {after}"
    if names <= {*SQUASHING}:
        return f"squeezes values from {low:g} to {high:g}, which {before} made, once more. Delete one of the two"
    if name in ("sigmoid", "hardsigmoid") and low >= 0:
        return f"gives 0.5 or more, since no negative values come from {before}. Delete {before}"
    if rectifies(first) and rectifies(second) and flow.user(first) == second:
        return f"rectifies what {before} has rectified already. Delete one of the two"
    return None
