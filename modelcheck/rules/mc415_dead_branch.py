from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from modelcheck.facts.flow import Flow, Operator
from modelcheck.rules.base import Decision, Options, Rule, Subject, known_flows
from modelcheck.rules.places import named, problem_at
from modelcheck.words import counted, listed

# what nobody computes but for its result; means, maxima and masks are looked at, or checked
_WORK = (
    "convolution", "linear", "product", "attention", "recurrent", "batch-norm", "normalisation", "dropout",
    "average-pool", "max-pool", "activation", "softmax",
)  # fmt: skip
_LOOKED_AT = ("norm", "linalg_vector_norm")  # lengths, of a kind with what normalises by them
_MOST_NAMED = 4


class DeadBranch(Rule):
    """Something is computed in forward, and its result is never used.

    ## What it checks

    Layers, normalisations, pools, activations and dropouts in the training graph whose result reaches nothing that
    forward returns, in neither mode. What hangs together is one finding, told at the last of it. Second results of an
    operator (a pool's indices, an LSTM's states, attention's weights), further outputs of the model and what is written
    into a buffer are used.

    ## Why it matters

    Mostly a result was not assigned (`F.relu(x)` changes nothing, `x = F.relu(x)` was meant), or a line that adds the
    branch was lost. What is left costs time and memory, and its weights are not trained.

    ## Bad

    ```python
    import torch.nn as nn

    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.hidden = nn.Linear(784, 64)
            self.gate = nn.Linear(784, 64)
            self.fc = nn.Linear(64, 10)

        def forward(self, x):
            x = x.flatten(1)
            gate = self.gate(x).sigmoid()
            return self.fc(self.hidden(x).relu())
    ```

    ## Good

    ```python
    import torch.nn as nn

    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.hidden = nn.Linear(784, 64)
            self.gate = nn.Linear(784, 64)
            self.fc = nn.Linear(64, 10)

        def forward(self, x):
            x = x.flatten(1)
            gate = self.gate(x).sigmoid()
            return self.fc(self.hidden(x).relu() * gate)
    ```

    ## Options

    ```toml
    [rules]
    dead-branch = "error"    # advice unless the policy says so
    ```

    ## Known limits

    What forward keeps on the model (`self.features = x`), for a loss or a plot of the author's own, is reported too:
    the output does not depend on it, and training here does not see it. A result that is added with a factor of zero is
    used.
    """

    code = "MC415"
    name = "dead-branch"
    kind = "advice"

    def check(self, subject: Subject, options: Options) -> Decision:
        """Find what no output is made from, and fold what hangs together."""
        flows = known_flows(subject)
        scored = (flows.evaluation.operators[index] for index in _needed(flows.evaluation))
        # an inactive dropout gives the very tensor that it takes, and so seems to be read by whoever reads that
        elsewhere = {_place(one) for one in scored if one.kind != "dropout"}
        needed = _needed(flows.train)
        dead = [one for one in flows.train.operators if one.index not in needed and _place(one) not in elsewhere]
        problems = [
            problem_at(work[-1], _message(flows.train, work))
            for branch in _branches(dead)
            if (work := [one for one in branch if one.kind in _WORK and one.name not in _LOOKED_AT])
        ]
        if not problems:
            return Decision("every result is used")
        return Decision(counted(len(problems), "branch is never used", "branches are never used"), tuple(problems))


def _place(operator: Operator) -> tuple[object, ...]:
    return operator.path, operator.name, operator.file, operator.line


def _needed(flow: Flow) -> set[int]:
    """The operators whose result reaches something that forward returns, or writes."""
    ends = [one for one in flow.operators if one.used or one.index in flow.further or _writes(one)]
    needed = {one.index for one in ends}
    for end in ends:
        if not end.used:
            needed |= {one.index for one in flow.upstream(end)}
    return needed


def _writes(operator: Operator) -> bool:
    """Whether it changes a tensor of the model's in place."""
    return operator.name.endswith("_") and "self" in operator.weights


def _branches(dead: Sequence[Operator]) -> Iterable[list[Operator]]:
    """The operators by what hangs together, each branch in the order in which it runs."""
    branch_of: dict[int, list[Operator]] = {}
    for one in dead:
        joined = list(_distinct(branch_of[index] for index in one.inputs if index in branch_of))
        branch = sorted([one, *(other for branch in joined for other in branch)], key=lambda other: other.index)
        branch_of |= {other.index: branch for other in branch}
    return _distinct(branch_of.values())


def _distinct(branches: Iterable[list[Operator]]) -> Iterator[list[Operator]]:
    yield from {id(branch): branch for branch in branches}.values()


def _message(flow: Flow, work: Sequence[Operator]) -> str:
    names = list(dict.fromkeys(named(flow, one) for one in work))
    if len(names) == 1:
        return f"the result of {names[0]} is never used: assign it and use it, or leave the call out of forward"
    more = len(names) - _MOST_NAMED
    shown = listed([*names[:_MOST_NAMED], f"{more} more"] if more > 0 else names)
    return (
        f"the result of {names[-1]} is never used, and {counted(len(names), 'layer')} run for it ({shown}): use it, "
        f"or leave them out of forward"
    )
