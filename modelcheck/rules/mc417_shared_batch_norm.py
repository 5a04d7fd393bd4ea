from __future__ import annotations

from collections.abc import Sequence

from modelcheck.facts.flow import Flow, Operator
from modelcheck.rules.base import Decision, Options, Rule, Subject, known_flows
from modelcheck.rules.places import named, problem_at
from modelcheck.words import counted, listed

_LAYERS = ("convolution", "linear")


class SharedBatchNorm(Rule):
    """One batch norm stands at several places, and its running statistics fit none of them.

    ## What it checks

    Batch norms in the training graph that write to the same running statistics. Reported are calls one after the other,
    a block that calls itself again included, and calls beside each other on what different layers give. Calls beside
    each other on what the same layers give, as in a twin network, are not.

    ## Why it matters

    Each place has its own mean and variance. In training every call is normalised by its own batch; in evaluation all
    of them by one average over all places, so that the network is another one than was trained.

    ## Bad

    ```python
    import torch.nn as nn

    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.fc1 = nn.Linear(784, 64, bias=False)
            self.fc2 = nn.Linear(64, 64, bias=False)
            self.bn = nn.BatchNorm1d(64)
            self.fc3 = nn.Linear(64, 10)

        def forward(self, x):
            x = self.bn(self.fc1(x.flatten(1))).relu()
            x = self.bn(self.fc2(x)).relu()
            return self.fc3(x)
    ```

    ## Good

    ```python
    import torch.nn as nn

    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.fc1 = nn.Linear(784, 64, bias=False)
            self.fc2 = nn.Linear(64, 64, bias=False)
            self.bn1 = nn.BatchNorm1d(64)
            self.bn2 = nn.BatchNorm1d(64)
            self.fc3 = nn.Linear(64, 10)

        def forward(self, x):
            x = self.bn1(self.fc1(x.flatten(1))).relu()
            x = self.bn2(self.fc2(x)).relu()
            return self.fc3(x)
    ```

    ## Options

    ```toml
    [rules]
    shared-batch-norm = "error"    # advice unless the policy says so
    ```

    ## Known limits

    Twin branches on inputs of different kinds (a picture and its edges) mix their statistics too, and are not reported.
    Batch norms without running statistics share their weights alone, which is MC107, shared-weights.
    """

    code = "MC417"
    name = "shared-batch-norm"
    kind = "advice"

    def check(self, subject: Subject, options: Options) -> Decision:
        """Name each batch norm that stands at several places."""
        flow = known_flows(subject).train
        calls: dict[int, list[Operator]] = {}
        for one in flow.of_kind("batch-norm"):
            statistics = one.weights.get("running_mean")
            if one.arguments.get("training") is True and statistics is not None and statistics.tensor is not None:
                calls.setdefault(statistics.tensor, []).append(one)
        shared = [found for found in calls.values() if len(found) > 1 and not _is_twin(flow, found)]
        if not shared:
            return Decision("every batch norm has its own statistics")
        evidence = counted(len(shared), "batch norm stands", "batch norms stand") + " at several places"
        return Decision(evidence, tuple(problem_at(found[1], _message(flow, found)) for found in shared))


def _is_twin(flow: Flow, calls: Sequence[Operator]) -> bool:
    """Whether the calls stand beside each other, each on what the same layers give."""
    indices = {one.index for one in calls}
    beside = all(indices.isdisjoint(other.index for other in flow.upstream(one)) for one in calls)
    return beside and len({_weights_before(flow, one) for one in calls}) == 1


def _weights_before(flow: Flow, norm: Operator) -> tuple[int | None, ...]:
    """The weight of the layer whose result a norm takes."""
    layer = _layer_before(flow, norm)
    return tuple(weight.tensor for weight in layer.weights.values()) if layer else ()


def _layer_before(flow: Flow, norm: Operator) -> Operator | None:
    """The last layer that ran for what a norm takes."""
    layers = (one for one in flow.upstream(norm) if one.kind in _LAYERS)
    return max(layers, key=lambda one: one.index, default=None)


def _message(flow: Flow, calls: Sequence[Operator]) -> str:
    layers = [named(flow, layer) for one in calls if (layer := _layer_before(flow, one))]
    distinct = list(dict.fromkeys(layers))
    if len(distinct) == 1 and len(layers) == len(calls):
        places = f"always after {distinct[0]}, as the block is called again: each round"
        remedy = "Give each round a batch norm of its own, or use a norm without running statistics"
    else:
        places = f"after {listed(distinct)}: each place" if distinct else "each place"
        remedy = "Give each place a batch norm of its own"
    return (
        f"{named(flow, calls[0])} is called {len(calls)} times, {places} has its own mean and variance, and evaluation "
        f"uses one average for all. {remedy}"
    )
