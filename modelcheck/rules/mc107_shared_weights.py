from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from modelcheck.facts.structs import SharedWeight
from modelcheck.rules.base import Decision, Options, Problem, Rule, Subject, known_facts
from modelcheck.words import counted, listed

SHOWN = 4
_USING = ("convolution", "linear", "product", "attention")


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
        """Tell together the weights that the same calls read, and the layers of a module that is called again."""
        shared = known_facts(subject).shared_weights
        if not shared:
            return Decision("no weight is used by several layers")
        total = counted(sum(one.parameters for one in shared), "parameter")
        problems = tuple(_problem(name, weights) for name, weights in _groups(subject, shared))
        return Decision(f"several layers use the same {total}", problems)


def _groups(subject: Subject, shared: Sequence[SharedWeight]) -> list[tuple[str, list[SharedWeight]]]:
    """The weights that the same calls read, with the name of the module that is called, or nothing where it is not one.

    Layers that are called as often as all others in the module around them are told as that module.
    """
    layers = Counter(prefix for path in _layers(subject) for prefix in _around(path))
    alike = Counter((prefix, calls) for path, calls in {_called(one) for one in shared} for prefix in _around(path))
    groups: dict[object, list[SharedWeight]] = {}
    for one in shared:
        path, calls = _called(one)
        whole = next((prefix for prefix in _around(path) if layers[prefix] == alike[prefix, calls]), path)
        groups.setdefault((whole, calls) if path else (one.layers, one.file, one.line), []).append(one)
    return [(_common([_called(one)[0] for one in weights]), weights) for weights in groups.values()]


def _layers(subject: Subject) -> set[str]:
    """The modules that use weights in training."""
    flow = subject.flows.train if subject.flows else None
    used = flow.used if flow else ()
    return {one.path for one in used if one.kind in _USING or one.name == "embedding"}


def _called(one: SharedWeight) -> tuple[str, int]:
    """The only module that uses a weight, or nothing, and how often."""
    return one.layers[0] if len(set(one.layers)) == 1 else "", len(one.layers)


def _around(path: str) -> list[str]:
    """The modules around a module and itself, the outermost first; the model is none of them."""
    parts = path.split(".") if path else []
    return [".".join(parts[:length]) for length in range(1, len(parts) + 1)]


def _common(paths: Sequence[str]) -> str:
    """The innermost module around them all."""
    around = [_around(path) for path in paths]
    shared = [names[0] for names in zip(*around, strict=False) if len(set(names)) == 1]
    return shared[-1] if shared else ""


def _problem(name: str, weights: Sequence[SharedWeight]) -> Problem:
    first = weights[0]
    held = counted(sum(one.parameters for one in weights), "parameter")
    calls = len(first.layers)
    if name:
        text = f"{name} is called {calls} times with the same {held}"
        remedy = "give each call a layer of its own"
    else:
        layers = list(dict.fromkeys(path or "forward itself" for path in first.layers))
        text = (
            f"{_some(layers)} use the same {held} in {calls} calls ({_some([p for one in weights for p in one.paths])})"
        )
        remedy = "give each a weight of its own"
    where = name or ", ".join(dict.fromkeys(filter(None, first.layers))) or first.paths[0]
    return Problem(f"{text}: {remedy}, unless sharing is meant", where=where, file=first.file, line=first.line)


def _some(names: Sequence[str]) -> str:
    more = len(names) - SHOWN
    return listed([*names[:SHOWN], f"{more:,} more"] if more > 0 else names)
