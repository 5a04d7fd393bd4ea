from __future__ import annotations

from collections.abc import Sequence

from modelcheck.facts.flow import Operator
from modelcheck.rules.base import Decision, Options, Problem, Rule, Subject, known_flows
from modelcheck.rules.operator_names import OperatorName, operators_named
from modelcheck.rules.places import problem_at
from modelcheck.words import counted

SHOWN = 3
_HINTS: dict[OperatorName, str] = {
    "depthwise": "nn.Conv2d(c, c, 3, groups=c) is one",
    "grouped": "nn.Conv2d(c, d, 3, groups=4) is one",
    "dilated": "nn.Conv2d(c, d, 3, dilation=2) is one",
    "strided-convolution": "nn.Conv2d(c, d, 3, stride=2) is one",
    "transposed-convolution": "nn.ConvTranspose2d is one",
    "1x1-convolution": "nn.Conv2d(c, d, 1) is one",
    "attention": "nn.MultiheadAttention and F.scaled_dot_product_attention are",
    "residual-add": "x + self.block(x) is one",
}


class OperatorsOptions(Options, frozen=True, kw_only=True):
    """Names of operators that the model must have, and of those that it must not have."""

    required: tuple[OperatorName, ...] = ()
    forbidden: tuple[OperatorName, ...] = ()

    def __post_init__(self) -> None:
        both = sorted(set(self.required) & set(self.forbidden))
        if both:
            raise ValueError(f"{both[0]} is both required and forbidden")


class Operators(Rule):
    """An operator is missing that the policy requires, or there that it forbids.

    ## What it checks

    Live operators of the evaluation graph, whatever the modules are called:

    - convolutions that are `depthwise` (as many groups as input channels), `grouped` (fewer), `dilated`, a
      `strided-convolution`, a `1x1-convolution`, or a `transposed-convolution`;
    - `max-pool` and `average-pool`, the global ones included (a mean over the map is a matter of
      global-average-pooling, MC203);
    - `attention`, in one operator or written out as a product with the softmax of a product, `recurrent` layers and
      `embedding`;
    - `layer-norm`, `group-norm`, `instance-norm` and `rms-norm` (batch norm has a rule of its own, MC201);
    - `residual-add`, the sum of a value and of what layers make of it, `concatenation` and `upsampling`.

    ## Why it matters

    An assignment about depthwise convolutions is not solved without one, and one about strides not with max-pooling.

    ## Bad

    ```python
    import torch.nn as nn

    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv1 = nn.Conv2d(1, 16, 5)
            self.pool = nn.MaxPool2d(2)
            self.conv2 = nn.Conv2d(16, 16, 9)
            self.head = nn.Conv2d(16, 10, 1)

        def forward(self, x):
            x = self.pool(self.conv1(x).relu())
            return self.head(self.conv2(x).relu()).mean((2, 3))
    ```

    ## Good

    ```python
    import torch.nn as nn

    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv1 = nn.Conv2d(1, 16, 5, stride=2)
            self.conv2 = nn.Conv2d(16, 16, 9, groups=16)
            self.head = nn.Conv2d(16, 10, 1)

        def forward(self, x):
            x = self.conv2(self.conv1(x).relu()).relu()
            return self.head(x).mean((2, 3))
    ```

    ## Options

    ```toml
    [rules]
    operators = { required = ["depthwise"], forbidden = ["max-pool", "attention"] }
    ```

    ## Known limits

    Attention that is written out counts where it can reach the output, and so do additions and concatenations, whether
    they change it or not. Pools and normalisations are tried where that is cheap. Of an addition, 200 operators on
    either way are looked at. A maximum that is written by hand (`x.amax((2, 3))`) is no pool.
    """

    code = "MC205"
    name = "operators"
    kind = "error"
    options = OperatorsOptions
    needs_options = True

    def check(self, subject: Subject, options: OperatorsOptions) -> Decision:
        """Look for each of the names."""
        flow = known_flows(subject).evaluation
        found = {name: operators_named(flow, name) for name in dict.fromkeys((*options.required, *options.forbidden))}
        problems = [Problem(_missing(name)) for name in dict.fromkeys(options.required) if not found[name]]
        problems += [
            problem_at(found[name][0], f"{name} is forbidden, and used {_times(found[name])}")
            for name in dict.fromkeys(options.forbidden)
            if found[name]
        ]
        evidence = ", ".join(f"{len(operators):,} {name}" for name, operators in found.items())
        return Decision(f"live in evaluation: {evidence}", tuple(problems))


def _missing(name: OperatorName) -> str:
    hint = f" ({_HINTS[name]})" if name in _HINTS else ""
    return f"{name} is required, and no live operator of the evaluation graph is one{hint}"


def _times(operators: Sequence[Operator]) -> str:
    """How often they are used, and where."""
    places = list(dict.fromkeys(one.path or f"forward, line {one.line}" for one in operators))
    named = f"{', '.join(places[:SHOWN])}{', …' if len(places) > SHOWN else ''}"
    return f"{counted(len(operators), 'time')} ({named})"
