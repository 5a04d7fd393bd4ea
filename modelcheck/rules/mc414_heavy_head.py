from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from modelcheck.facts.flow import Flow, Operator
from modelcheck.rules.base import Decision, Options, Rule, Subject, known_facts, known_flows
from modelcheck.rules.heads import Reader, readers_of_maps
from modelcheck.rules.places import named, problem_at
from modelcheck.words import counted, listed

_MOST = 0.5  # of the model's parameters
_BODY = 2  # convolutions: one alone finds edges, and their averages tell no classes apart
_NO_HEAD = ("convolution", "attention", "recurrent")


class HeavyHead(Rule):
    """The fully connected head holds most parameters, and global average pooling would need few.

    ## What it checks

    In the training graph the linear layers that read a map laid flat, and all linear layers after them: whether they
    hold more than half of the model's parameters. At least two convolutions lie before them. Nothing is said of a head
    that reads a pooled map, or after which convolutions follow, as in an autoencoder.

    ## Why it matters

    A linear layer on a map of 7×7 has 49 weights for each pair of a channel and an output: it learns anew for each
    place what the convolutions have learnt for all, costs the most memory of all layers, and is where the network
    overfits. With global average pooling before it, it needs one. AlexNet and VGG were built like that; their
    successors are not.

    ## Bad

    ```python
    import torch.nn as nn

    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.body = nn.Sequential(
                nn.Conv2d(1, 16, 5), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(16, 32, 5), nn.ReLU(), nn.MaxPool2d(2),
                nn.Conv2d(32, 32, 3, padding=1), nn.ReLU(),
            )
            self.fc1 = nn.Linear(32 * 4 * 4, 128)
            self.fc2 = nn.Linear(128, 10)

        def forward(self, x):
            x = self.body(x).flatten(1)
            return self.fc2(self.fc1(x).relu())
    ```

    ## Good

    ```python
    import torch.nn as nn

    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.body = nn.Sequential(
                nn.Conv2d(1, 16, 5), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(16, 32, 5), nn.ReLU(), nn.MaxPool2d(2),
                nn.Conv2d(32, 32, 3, padding=1), nn.ReLU(),
            )
            self.fc = nn.Linear(32, 10)

        def forward(self, x):
            return self.fc(self.body(x).mean((2, 3)))
    ```

    ## Options

    ```toml
    [rules]
    heavy-head = "error"    # advice unless the policy says so
    ```

    ## Known limits

    Where the answer depends on where something is (coordinates, the moves of a game), the average over the map loses
    it, and the head has to be large. A convolution whose window is the whole map is such a head too, and is not seen;
    neither is one that reads a map whose sides were exchanged with its channels.
    """

    code = "MC414"
    name = "heavy-head"
    kind = "advice"

    def check(self, subject: Subject, options: Options) -> Decision:
        """Compare the head's parameters with the model's, and say what global average pooling would leave."""
        total = known_facts(subject).parameters.total
        flow = known_flows(subject).train
        readers = [one for one in readers_of_maps(flow) if _is_head(flow, one)]
        if not readers:
            return Decision("no fully connected head reads a map laid flat")
        head = _head(flow, readers)
        held = _parameters(head)
        evidence = f"the fully connected head holds {held:,} of {counted(total, 'parameter')}"
        if held <= _MOST * total:
            return Decision(evidence)
        widest = max(readers, key=lambda one: _parameters([one.layer]))
        return Decision(evidence, (problem_at(widest.layer, _message(flow, head, widest, total)),))


def _is_head(flow: Flow, reader: Reader) -> bool:
    weight = reader.layer.weights.get("weight")
    return (
        weight is not None
        and weight.role == "parameter"
        and sum(one.kind == "convolution" for one in flow.upstream(reader.layer)) >= _BODY
        and not any(one.kind in _NO_HEAD for one in flow.downstream(reader.layer))
    )


def _head(flow: Flow, readers: Iterable[Reader]) -> list[Operator]:
    """The readers and the linear layers after them, in the order in which they run."""
    found = {one.layer.index: one.layer for one in readers}
    for reader in readers:
        found |= {one.index: one for one in flow.downstream(reader.layer) if one.kind == "linear"}
    return [found[index] for index in sorted(found)]


def _parameters(layers: Iterable[Operator]) -> int:
    weights = {one.tensor: one.shape for layer in layers for one in layer.weights.values() if one.role == "parameter"}
    return sum(map(math.prod, weights.values()))


def _message(flow: Flow, head: Sequence[Operator], widest: Reader, total: int) -> str:
    names = listed(list(dict.fromkeys(named(flow, one) for one in head)))
    held, now = _parameters(head), _parameters([widest.layer])
    channels, pixels = widest.map[0], math.prod(widest.map[1:])
    outputs = (widest.layer.shape or ())[-1]
    pooled = now - (pixels - 1) * channels * outputs
    shape = "×".join(map(str, widest.map))
    return (
        f"the fully connected head ({names}) holds {held:,} of {counted(total, 'parameter')} "
        f"({100 * held / total:.0f} %): {named(flow, widest.layer)} reads a map of {shape} laid flat. After global "
        f"average pooling it would need {pooled:,} instead of {now:,}"
    )
