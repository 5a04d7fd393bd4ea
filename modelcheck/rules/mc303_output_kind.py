from __future__ import annotations

from collections.abc import Iterator

from modelcheck.facts.flow import Flow, Operator
from modelcheck.facts.structs import Facts
from modelcheck.rules.base import Decision, Options, Rule, Subject, known_facts, known_flows
from modelcheck.rules.places import named, problem_at

_SOFTMAXES = ("softmax", "log_softmax", "_softmax", "_log_softmax")
_KEEPING = ("clamp", "clamp_", "clamp_min", "clamp_min_", "clamp_max", "clip")


class OutputKind(Rule):
    """The output is probabilities, a softmax of a softmax, or a softmax over the wrong dimension.

    ## What it checks

    The last softmax before the output, in both graphs: whether what training gives are probabilities; whether it takes
    what another softmax gives; whether it runs over the batch (dimension 0), or over a dimension of a single element,
    where it gives nothing but ones.

    ## Why it matters

    `nn.CrossEntropyLoss` wants logits and `nn.NLLLoss` log-probabilities. Given probabilities, the first takes the
    softmax of a softmax: with ten classes, a network that is quite sure has a loss of 1.46 and hardly a gradient. A
    softmax over the batch lets the pictures of a batch share out a class between them.

    ## Bad

    ```python
    import torch.nn as nn
    import torch.nn.functional as F

    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.fc = nn.Linear(784, 10)

        def forward(self, x):
            return F.softmax(self.fc(x.flatten(1)), dim=1)
    ```

    ## Good

    ```python
    import torch.nn as nn
    import torch.nn.functional as F

    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.fc = nn.Linear(784, 10)

        def forward(self, x):
            return F.log_softmax(self.fc(x.flatten(1)), dim=1)
    ```

    ## Options

    ```toml
    [rules]
    output-kind = "error"    # advice unless the policy says so
    ```

    ## Known limits

    A softmax that is left to evaluation is no mistake (but see MC306). Softmaxes that are written by hand are not
    recognised. Whether a softmax over the second or the last of three dimensions is the right one is not known. A
    sigmoid or a tanh on class scores is a matter of activation-on-logits (MC406).
    """

    code = "MC303"
    name = "output-kind"
    kind = "advice"

    def check(self, subject: Subject, options: Options) -> Decision:
        """Look at the last softmax of either graph."""
        facts, flows = known_facts(subject), known_flows(subject)
        said: dict[object, tuple[Operator, str]] = {}
        for flow, kind in ((flows.train, facts.training_output_kind), (flows.evaluation, None)):
            last = _last_softmax(flow)
            for text in _complaints(flow, last, kind == "probabilities") if last else ():
                assert last is not None
                said.setdefault((last.path, last.name, last.line), (last, text))
        problems = tuple(problem_at(one, text) for one, text in said.values())
        return Decision(_evidence(facts), problems)


def _evidence(facts: Facts) -> str:
    if facts.training_output_kind == facts.output_kind:
        return f"the output is {facts.output_kind}"
    return f"the output is {facts.training_output_kind} in training and {facts.output_kind} in evaluation"


def _last_softmax(flow: Flow) -> Operator | None:
    """The softmax that the output is, clamped or not."""
    return _softmax_above(flow, flow.last)


def _softmax_above(flow: Flow, operator: Operator | None) -> Operator | None:
    while operator is not None and (operator.name in _KEEPING or operator.kind == "dropout"):
        operator = flow.source(operator)
    return operator if operator is not None and operator.name in _SOFTMAXES else None


def _complaints(flow: Flow, last: Operator, probabilities: bool) -> Iterator[str]:
    """What is wrong with the last softmax, the worst first."""
    name, shape, dim = named(flow, last), last.shape or (), last.arguments.get("dim")
    if not shape or not isinstance(dim, int):
        return
    if len(shape) > 1 and dim % len(shape) == 0:
        yield f"{name} runs over dimension 0, which is the batch: use dim=1, so that each sample's classes sum to one"
    elif shape[dim] == 1:
        constant = "zeros" if "log" in last.name else "ones"
        yield f"{name} runs over a dimension of one element, so that all it gives are {constant}: leave it out"
    first = _softmax_above(flow, flow.source(last))
    if first is not None:
        yield f"{name} takes what {named(flow, first)} gives, which is a softmax already: keep one of them"
    if probabilities:
        yield (
            f"{name} gives probabilities in training: return the scores themselves for nn.CrossEntropyLoss, "
            "or log_softmax for nn.NLLLoss"
        )
