from __future__ import annotations

from modelcheck.facts.flow import MODEL_INPUT, Flow, Operator
from modelcheck.rules.base import Decision, Options, Problem, Rule, Subject, known_facts, known_flows
from modelcheck.rules.places import named, problem_at
from modelcheck.rules.windows import is_transposed, is_wide
from modelcheck.words import counted

_BETWEEN = ("activation", "batch-norm", "normalisation", "dropout", "elementwise")
_GROWS = ("upsample", "_upsample", "pixel_shuffle", "max_unpool", "col2im", "fold")


class ShrinkingFilters(Rule):
    """A convolution has fewer channels than the one before it, while the map does not shrink.

    ## What it checks

    In the training graph of a classifier, convolutions with windows of more than one pixel that give fewer channels
    than they take and do not halve the map, where what they take comes from another convolution without a pool between.
    Only the trunk is looked at, where all that reaches the output passes: branches may narrow and widen as they like.

    Not reported: 1×1 convolutions, whose work it is to narrow; depthwise and other grouped convolutions; a convolution
    that gives one channel for each class, as all after it do; and whatever comes after the map was made larger again.

    ## Why it matters

    The features of a map grow in number as they grow in meaning. Where channels fall and the map stays, features are
    thrown away that were just computed, by the most expensive layer for it.

    ## Bad

    ```python
    import torch.nn as nn

    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv1 = nn.Conv2d(1, 32, 5, stride=2)
            self.conv2 = nn.Conv2d(32, 16, 5)
            self.conv3 = nn.Conv2d(16, 8, 5)
            self.fc = nn.Linear(8, 10)

        def forward(self, x):
            x = self.conv1(x).relu()
            x = self.conv2(x).relu()
            x = self.conv3(x).relu()
            return self.fc(x.mean((2, 3)))
    ```

    ## Good

    ```python
    import torch.nn as nn

    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv1 = nn.Conv2d(1, 8, 5, stride=2)
            self.conv2 = nn.Conv2d(8, 16, 5)
            self.conv3 = nn.Conv2d(16, 32, 5)
            self.fc = nn.Linear(32, 10)

        def forward(self, x):
            x = self.conv1(x).relu()
            x = self.conv2(x).relu()
            x = self.conv3(x).relu()
            return self.fc(x.mean((2, 3)))
    ```

    ## Options

    ```toml
    [rules]
    shrinking-filters = "error"    # advice unless the policy says so
    ```

    ## Known limits

    Channels that fall where the map is pooled or strided over are not reported. A small last layer that is meant as a
    code for another network is, as nothing tells it from a mistake.
    """

    code = "MC413"
    name = "shrinking-filters"
    kind = "advice"

    def check(self, subject: Subject, options: Options) -> Decision:
        """Compare each convolution of the trunk with the one before it."""
        facts, flow = known_facts(subject), known_flows(subject).train
        if len(facts.output_shape) != 1:
            return Decision("the output is no vector of scores")
        problems: list[Problem] = []
        for narrow in _narrowing(flow):
            before = _before(flow, narrow)
            if before and not _makes_scores(flow, narrow, facts.output_shape[0]) and not _is_in_decoder(flow, narrow):
                problems.append(problem_at(narrow, _message(flow, before, narrow)))
        if not problems:
            return Decision("no convolution has fewer channels than the one before it on a map of the same size")
        evidence = counted(len(problems), "convolution narrows", "convolutions narrow") + " a map that does not shrink"
        return Decision(evidence, tuple(problems))


def _narrowing(flow: Flow) -> list[Operator]:
    """The convolutions of the trunk with windows that give fewer channels than they take, and about as many pixels."""
    found: dict[str | int, Operator] = {}
    for one in _trunk(flow):
        weight = one.weights.get("weight")
        if (
            one.kind == "convolution"
            and weight is not None
            and is_wide(one)
            and one.arguments.get("groups") == 1
            and weight.shape[0] < weight.shape[1]
            and not _shrinks_map(one)
        ):
            found.setdefault(weight.tensor if weight.tensor is not None else one.path, one)
    return list(found.values())


def _shrinks_map(convolution: Operator) -> bool:
    """Whether it halves a side, by a stride or by a window without padding on a small map."""
    sides = zip(convolution.input_shapes[0][2:], (convolution.shape or ())[2:], strict=True)
    return any(after <= (before + 1) // 2 for before, after in sides)


def _trunk(flow: Flow) -> list[Operator]:
    """The operators past which nothing leads from the input to the output."""
    last_use = {MODEL_INPUT: -1}
    for one in flow.used:
        last_use |= dict.fromkeys(one.inputs, one.index)
    trunk, open_until = [], last_use[MODEL_INPUT]
    for one in flow.used:
        if open_until <= one.index:
            trunk.append(one)
        open_until = max(open_until, last_use.get(one.index, -1))
    return trunk


def _before(flow: Flow, narrow: Operator) -> Operator | None:
    """The convolution whose result a convolution takes with nothing between that changes the map's size."""
    source = flow.source(narrow)
    while source is not None and source.kind in _BETWEEN:
        source = flow.source(source)
    return source if source is not None and source.kind == "convolution" else None


def _makes_scores(flow: Flow, narrow: Operator, classes: int) -> bool:
    """Whether it gives one channel for each class, as all layers do after it."""
    after = [one for one in flow.downstream(narrow) if one.kind in ("convolution", "linear")]
    return all(one.shape is not None and one.shape[1] == classes for one in (narrow, *after))


def _is_in_decoder(flow: Flow, narrow: Operator) -> bool:
    return any(is_transposed(one) or one.name.startswith(_GROWS) for one in flow.upstream(narrow))


def _message(flow: Flow, before: Operator, narrow: Operator) -> str:
    give, take = narrow.weights["weight"].shape[:2]
    map_ = "×".join(map(str, (narrow.shape or ())[2:]))
    return (
        f"{named(flow, narrow)} makes {give} channels of the {take} that {named(flow, before)} gives, and the map does "
        f"not shrink for it ({map_}): let channels grow, and narrow them by a 1×1 convolution where the map is pooled"
    )
