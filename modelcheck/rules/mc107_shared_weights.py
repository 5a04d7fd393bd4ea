from __future__ import annotations

from collections.abc import Sequence

from modelcheck.facts.structs import SharedWeight
from modelcheck.rules.base import Decision, Options, Problem, Rule, Subject, known_facts
from modelcheck.words import counted, listed

SHOWN = 4


class SharedWeights(Rule):
    """Several layers use one weight.

    ## What it checks

    Parameters that several calls of convolutions, linear layers, products, attention or embeddings read in the training
    graph: a layer that is called more than once, two layers with one tensor, a decoder that uses the encoder's weight
    transposed. Calls that read the same weights are told together.

    ## Why it matters

    It is an idiom (tied embeddings, recursion, siamese branches) and a frequent slip: who calls `self.conv` twice in a
    row has two layers and the weights of one, and sees it neither in the printed model nor in the number of parameters.

    ## Bad

    ```python
    import torch.nn as nn

    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.fc1 = nn.Linear(784, 32)
            self.hidden = nn.Linear(32, 32)
            self.fc2 = nn.Linear(32, 10)

        def forward(self, x):
            x = self.fc1(x.flatten(1)).relu()
            x = self.hidden(x).relu()
            x = self.hidden(x).relu()
            return self.fc2(x)
    ```

    ## Good

    ```python
    import torch.nn as nn

    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.fc1 = nn.Linear(784, 32)
            self.hidden1 = nn.Linear(32, 32)
            self.hidden2 = nn.Linear(32, 32)
            self.fc2 = nn.Linear(32, 10)

        def forward(self, x):
            x = self.fc1(x.flatten(1)).relu()
            x = self.hidden1(x).relu()
            x = self.hidden2(x).relu()
            return self.fc2(x)
    ```

    ## Options

    ```toml
    [rules]
    shared-weights = "error"    # advice unless the policy says so
    ```

    ## Known limits

    Whether sharing is meant is not known: loops and siamese branches are reported too. Recurrent layers and cells are
    not, as they share by nature, nor is a batch norm that is called twice (MC417), another normalisation, or an
    activation with a weight. A weight that is computed from a shared one is another weight.
    """

    code = "MC107"
    name = "shared-weights"
    kind = "advice"

    def check(self, subject: Subject, options: Options) -> Decision:
        """Tell together the weights that the same calls read."""
        shared = known_facts(subject).shared_weights
        if not shared:
            return Decision("no weight is used by several layers")
        by_calls: dict[object, list[SharedWeight]] = {}
        for one in shared:
            by_calls.setdefault((one.layers, one.file, one.line), []).append(one)
        total = counted(sum(one.parameters for one in shared), "parameter")
        problems = tuple(_problem(weights) for weights in by_calls.values())
        return Decision(f"several layers use the same {total}", problems)


def _problem(weights: Sequence[SharedWeight]) -> Problem:
    first = weights[0]
    layers = list(dict.fromkeys(path or "forward itself" for path in first.layers))
    paths = [path for one in weights for path in one.paths]
    held = counted(sum(one.parameters for one in weights), "parameter")
    calls = len(first.layers)
    if len(layers) == 1 and first.layers[0]:
        text = f"{layers[0]} is called {calls} times with the same {held}"
        remedy = "give each call a layer of its own"
    else:
        text = f"{_some(layers)} use the same {held} in {calls} calls ({_some(paths)})"
        remedy = "give each a weight of its own"
    where = ", ".join(dict.fromkeys(filter(None, first.layers))) or first.paths[0]
    return Problem(f"{text}: {remedy}, unless sharing is meant", where=where, file=first.file, line=first.line)


def _some(names: Sequence[str]) -> str:
    more = len(names) - SHOWN
    return listed([*names[:SHOWN], f"{more:,} more"] if more > 0 else names)
