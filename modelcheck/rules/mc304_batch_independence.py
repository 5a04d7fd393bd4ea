from __future__ import annotations

from collections.abc import Iterator

from modelcheck.facts.flow import Flow, Operator
from modelcheck.rules.base import Decision, NotRun, Options, Problem, Rule, Subject, known_facts, known_flows
from modelcheck.rules.places import named, problem_at

_REDUCING = ("mean", "sum", "softmax", "log_softmax", "max", "amax", "var", "std", "cumsum", "linalg_vector_norm")


class BatchIndependence(Rule):
    """In evaluation, a sample's output depends on the other samples of its batch.

    ## What it checks

    Whether the evaluation graph keeps the samples of a batch apart. Of most networks its operators show it. Others are
    run on random pictures while other samples of the batch are replaced, the samples change places, and one more is
    added; nothing that a sample gives may change.

    ## Why it matters

    Such a model gives a picture another label in other company. Its accuracy depends on the batch size and the order of
    the test set, and where the set is sorted by class, the company gives the answer away.

    ## Bad

    ```python
    import torch.nn as nn

    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.fc1 = nn.Linear(784, 32, bias=False)
            self.bn = nn.BatchNorm1d(32, track_running_stats=False)
            self.fc2 = nn.Linear(32, 10)

        def forward(self, x):
            return self.fc2(self.bn(self.fc1(x.flatten(1))).relu())
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
    batch-independence = "error"
    ```

    ## Known limits

    Not run where the operators do not show it and there are no weights to try it with, or a run of them is too
    expensive. Of several outputs the first is looked at. What depends on a sample's place or on the size of the batch
    alone is seen where it changes the output by more than a ten-thousandth of its spread.
    """

    code = "MC304"
    name = "batch-independence"
    kind = "error"

    def check(self, subject: Subject, options: Options) -> Decision:
        """Tell what was found out, and what may be the cause."""
        independent = known_facts(subject).batch_independent
        if independent is None:
            raise NotRun(
                "the operators do not show that they keep samples apart, and it cannot be tried: the output has no row "
                "for each sample, or the model has no weights here or is too large"
            )
        if independent:
            return Decision("a sample's output is its own")
        text = "in evaluation, a sample's output depends on the others in its batch"
        flow = known_flows(subject).evaluation
        causes = [problem_at(one, f"{text}: {cause}") for one, cause in _causes(flow)]
        return Decision(text, tuple(causes) or (Problem(f"{text}: nothing may be computed over dimension 0"),))


def _causes(flow: Flow) -> Iterator[tuple[Operator, str]]:
    """Operators that mix samples for certain or most probably, each with what to do."""
    attentions: set[str] = set()
    for one in flow.used:
        rank = len(one.input_shapes[0])
        if one.kind == "batch-norm" and one.arguments.get("training") is True:
            yield one, f"{named(flow, one)} uses the batch's statistics: keep running ones, and let eval() reach it"
        elif one.name in _REDUCING and rank > 1 and one.input_shapes[0][0] == flow.batch and 0 in _dims(one, rank):
            yield one, f"{named(flow, one)} runs over dimension 0, which is the batch"
        elif one.type == "MultiheadAttention" and one.path not in attentions:
            attentions.add(one.path)
            yield one, f"{one.path} attends over dimension 0 unless it is made with batch_first=True"


def _dims(operator: Operator, rank: int) -> set[int]:
    given = operator.arguments.get("dim")
    dims = given if isinstance(given, list | tuple) else [given]
    return {dim % rank for dim in dims if isinstance(dim, int)}
