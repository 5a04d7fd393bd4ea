from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from math import prod

from modelcheck.facts.flow import Flow, Operator
from modelcheck.rules.base import Decision, Options, Rule, Subject, known_flows
from modelcheck.rules.places import named, once_a_place, problem_at
from modelcheck.words import counted, listed

_MAPS = ("convolution", "linear", "product", "attention", "recurrent")


@dataclass(frozen=True)
class _Pair:
    """Two maps of one kind with nothing that bends between, and what stands there."""

    first: Operator
    second: Operator
    between: tuple[Operator, ...]

    @property
    def widths(self) -> tuple[int, int, int]:
        """Channels before, between and after."""
        first, second = _weight(self.first), _weight(self.second)
        return first[1], first[0], second[0]


class MissingNonlinearity(Rule):
    """Two convolutions, or two linear layers, follow one another without an activation.

    ## What it checks

    Pairs of convolutions and pairs of linear layers in the training graph, with trained weights, where the second takes
    all that the first makes and nothing else does, and batch norm and dropout at most stand between. Pairs that are
    written so on purpose are left out:

    - a middle that is narrower than both ends: a factorisation of low rank, or MobileNetV2's linear bottleneck;
    - a linear layer or a 1×1 convolution in a pair that has fewer weights than the one map that it amounts to, such as
      1×1 to fewer channels before 3×3;
    - grouped convolutions, depthwise ones included, and the 1×1 convolution after one, with its activation between;
    - windows that are no squares, such as 1×7 before 7×1;
    - transposed convolutions, and convolutions that cut the picture into patches (the stride is the window);
    - projections whose result attention takes.

    ## Why it matters

    Two linear maps in a row are one linear map, and batch norm between them does not change that: the second adds
    parameters and work, and nothing that one map could not have learnt. Often the activation was forgotten.

    ## Bad

    ```python
    import torch.nn as nn

    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.fc1 = nn.Linear(784, 32)
            self.fc2 = nn.Linear(32, 10)

        def forward(self, x):
            return self.fc2(self.fc1(x.flatten(1)))
    ```

    ## Good

    ```python
    import torch.nn as nn

    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.fc1 = nn.Linear(784, 32)
            self.fc2 = nn.Linear(32, 10)

        def forward(self, x):
            return self.fc2(self.fc1(x.flatten(1)).relu())
    ```

    ## Options

    ```toml
    [rules]
    missing-nonlinearity = "error"    # advice unless the policy says so
    ```

    ## Known limits

    Nothing is said of a convolution before a linear layer, of maps with pooling, padding or an addition between, nor
    where a view rearranges what the first made. A network that is linear on purpose is reported, and so are
    MobileViTv2's projections, which another 1×1 convolution follows as published.
    """

    code = "MC405"
    name = "missing-nonlinearity"
    kind = "advice"

    def check(self, subject: Subject, options: Options) -> Decision:
        """Name both maps of each pair with their channels."""
        flow = known_flows(subject).train
        found = once_a_place((pair.second, pair) for pair in _pairs(flow) if not _on_purpose(flow, pair))
        if not found:
            return Decision("an activation stands between any two maps that need one")
        problems = tuple(problem_at(second, _message(flow, pair)) for second, pair in found)
        evidence = counted(len(problems), "pair of maps has", "pairs of maps have") + " no activation between"
        return Decision(evidence, problems)


def _pairs(flow: Flow) -> Iterator[_Pair]:
    for second in flow.of_kind("convolution", "linear"):
        between: list[Operator] = []
        first = flow.source(second)
        while first is not None and first.kind in ("batch-norm", "dropout") and flow.user(first):
            between.insert(0, first)
            first = flow.source(first)
        if first is not None and flow.user(first) and _follows(first, second):
            yield _Pair(first, second, tuple(between))


def _follows(first: Operator, second: Operator) -> bool:
    """Whether the second maps the channels that the first made, by trained weights as the first does."""
    made = first.shape or ()
    if first.kind != second.kind or second.input_shapes != (made,) or not (_weight(first) and _weight(second)):
        return False
    return first.kind == "convolution" or made[-1] not in made[1:-1]  # else a view could have swapped the two


def _weight(operator: Operator) -> tuple[int, ...]:
    """The shape of a map's weight that training changes; empty where there is none."""
    weight = operator.weights.get("weight") if operator.name != "bilinear" else None
    return weight.shape if weight and (weight.trainable or weight.role == "computed") else ()


def _on_purpose(flow: Flow, pair: _Pair) -> bool:
    before, middle, after = pair.widths
    if middle < min(before, after) or _saves_weights(pair):
        return True
    if pair.second.kind == "linear":
        return _goes_to_attention(flow, pair.second)
    return _is_special(pair.first) or _is_special(pair.second) or _ends_a_bottleneck(flow, pair.first)


def _saves_weights(pair: _Pair) -> bool:
    """Whether one of the two has no window, and both have fewer weights than one map in their place would."""
    before, _, after = pair.widths
    first, second = _weight(pair.first), _weight(pair.second)
    windows = prod(first[2:]), prod(second[2:])
    return min(windows) == 1 and prod(first) + prod(second) < before * after * max(windows)


def _is_special(convolution: Operator) -> bool:
    window = {*_weight(convolution)[2:]}
    stride, groups = convolution.arguments.get("stride"), convolution.arguments.get("groups")
    patches = isinstance(stride, list | tuple) and {*stride} == window != {1}
    return groups != 1 or len(window) > 1 or patches or "transpose" in convolution.name


def _ends_a_bottleneck(flow: Flow, projection: Operator) -> bool:
    """Whether a 1×1 convolution takes what a depthwise or grouped one made, as at the end of an inverted residual."""
    before = _reached(projection, flow.sources)
    return {*_weight(projection)[2:]} == {1} and any(one.arguments.get("groups", 1) != 1 for one in before)


def _goes_to_attention(flow: Flow, projection: Operator) -> bool:
    """Whether attention, or a product of two values that depend on the input, takes it before another map does."""
    after = _reached(projection, flow.users)
    return any(one.kind == "attention" or (one.kind == "product" and len(one.inputs) > 1) for one in after)


def _reached(operator: Operator, step: Callable[[Operator], Iterable[Operator]]) -> Iterator[Operator]:
    """The operators that steps from one lead to, up to the first maps."""
    waiting, seen = [operator], {operator.index}
    for one in waiting:
        for other in step(one):
            if other.index not in seen:
                seen.add(other.index)
                yield other
                if other.kind not in _MAPS:
                    waiting.append(other)


def _message(flow: Flow, pair: _Pair) -> str:
    first, second = named(flow, pair.first), named(flow, pair.second)
    between = f"only {listed([named(flow, one) for one in pair.between])}" if pair.between else "nothing"
    widths = " → ".join(map(str, pair.widths))
    return (
        f"{first} and {second} have {between} between them, so that together they are one linear map ({widths} "
        "channels). Put an activation there, or leave one of them out"
    )
