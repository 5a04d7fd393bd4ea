from __future__ import annotations

from modelcheck.author_trace import is_library
from modelcheck.facts.flow import Flow, Operator
from modelcheck.rules.base import Decision, Options, Problem, Rule, Subject, known_flows
from modelcheck.rules.places import dropout_rate, named, once_a_place, problem_at
from modelcheck.words import listed

_MOST = 0.5
_MOST_NAMED = 4
_TORCH_S_OWN = ("TransformerEncoderLayer", "TransformerDecoderLayer")  # they have a dropout, wanted or not


class DropoutRate(Rule):
    """Dropout drops more than half, or nothing.

    ## What it checks

    Dropouts (element-wise, feature-wise, alpha) that are called in training mode: a rate above 0.5, and a rate of 0
    where no installed package calls it. All that drop nothing are one finding.

    ## Why it matters

    Dropout regularises most at 0.5, where its noise p · (1 − p) is largest; above, it only leaves less to learn from,
    and at 1 nothing. (Baldi & Sadowski, "Understanding Dropout", NeurIPS 2013.) With a rate of 0 the layer does
    nothing, and readers think that it does.

    ## Bad

    ```python
    import torch.nn as nn

    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.fc1 = nn.Linear(784, 32)
            self.dropout = nn.Dropout(0.9)
            self.fc2 = nn.Linear(32, 10)

        def forward(self, x):
            return self.fc2(self.dropout(self.fc1(x.flatten(1)).relu()))
    ```

    ## Good

    ```python
    import torch.nn as nn

    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.fc1 = nn.Linear(784, 32)
            self.dropout = nn.Dropout(0.1)
            self.fc2 = nn.Linear(32, 10)

        def forward(self, x):
            return self.fc2(self.dropout(self.fc1(x.flatten(1)).relu()))
    ```

    ## Options

    ```toml
    [rules]
    dropout-rate = "error"    # advice unless the policy says so; bounds are options of dropout (MC202)
    ```

    ## Known limits

    A rate of 0 in an installed package, or in torch's transformer layers, is an option that nobody switched on, and is
    not reported; one that the author's own constructor takes as an argument looks like any other, and is. Rates inside
    of recurrent layers and of attention are not seen. GoogLeNet's auxiliary heads drop 70 % as published.
    """

    code = "MC409"
    name = "dropout-rate"
    kind = "advice"

    def check(self, subject: Subject, options: Options) -> Decision:
        """Name each dropout of more than half, and all that drop nothing."""
        flow = known_flows(subject).train
        rates = [(one, rate) for one in flow.of_kind("dropout") if (rate := dropout_rate(one)) is not None]
        high = once_a_place((one, rate) for one, rate in rates if rate > _MOST)
        zero = once_a_place((one, rate) for one, rate in rates if rate == 0 and _is_author_s(flow, one))
        problems = [problem_at(one, _too_much(named(flow, one), rate)) for one, rate in high]
        if zero:
            problems.append(_nothing(flow, [one for one, _ in zero]))
        found = ", ".join(f"{rate:g}" for rate in sorted({rate for _, rate in rates}))
        return Decision(f"dropout with p = {found}" if found else "no dropout is on", tuple(problems))


def _too_much(name: str, rate: float) -> str:
    if rate == 1:
        return f"{name} drops everything (p = 1), so that nothing before it learns. Take 0.5 or less"
    return f"{name} drops {rate * 100:.3g} % of what it takes (p = {rate:g}). Take 0.5 or less"


def _nothing(flow: Flow, idle: list[Operator]) -> Problem:
    names = [named(flow, one) for one in idle[:_MOST_NAMED]]
    more = len(idle) - len(names)
    text = listed([*names, f"{more:,} more"] if more else names)
    verb, them = ("drops", "it") if len(idle) == 1 else ("drop", "them")
    return problem_at(idle[0], f"{text} {verb} nothing (p = 0). Delete {them}, or give {them} a rate")


def _is_author_s(flow: Flow, dropout: Operator) -> bool:
    """Whether no installed package calls it, nor a layer of torch's that has it on its own."""
    if dropout.file is not None and is_library(dropout.file):
        return False
    callers = (one for one in flow.operators if one.type in _TORCH_S_OWN)
    return not any(dropout.path.startswith(f"{one.path}.") for one in callers)
