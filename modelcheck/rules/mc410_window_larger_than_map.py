from __future__ import annotations

from collections.abc import Sequence

from modelcheck.facts.flow import Flow, Operator
from modelcheck.rules.base import Decision, Options, Problem, Rule, Subject, known_flows
from modelcheck.rules.places import named, problem_at
from modelcheck.rules.windows import Window, window_of
from modelcheck.words import counted


class WindowLargerThanMap(Rule):
    """A kernel is larger than what is left of the map, so that it sees padding.

    ## What it checks

    The windows of convolutions and pools in the training graph, dilation included, against the map that they slide
    over. A pool is reported where its window is the larger one. A convolution is reported where more than half of its
    window is padding wherever it stands: with a 3×3 kernel, 8 of 9 on a 1×1 map and 5 of 9 on a 2×2 map, but 7 of 16 at
    most for a 4×4 kernel on a 3×3 map, which is not reported.

    ## Why it matters

    Weights that only ever meet padding learn nothing and are counted and multiplied all the same: of a 3×3 kernel on a
    1×1 map eight in nine. Mostly it means that the map was made small too early, as by a network for pictures of
    224×224 that is given 32×32.

    ## Bad

    ```python
    import torch.nn as nn
    import torch.nn.functional as F

    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv1 = nn.Conv2d(1, 16, 5)
            self.conv2 = nn.Conv2d(16, 32, 3)
            self.conv3 = nn.Conv2d(32, 32, 3, padding=1)
            self.fc = nn.Linear(32, 10)

        def forward(self, x):
            x = F.max_pool2d(self.conv1(x).relu(), 8)
            x = self.conv3(self.conv2(x).relu()).relu()
            return self.fc(x.mean((2, 3)))
    ```

    ## Good

    ```python
    import torch.nn as nn
    import torch.nn.functional as F

    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv1 = nn.Conv2d(1, 16, 5)
            self.conv2 = nn.Conv2d(16, 32, 3, padding=1)
            self.conv3 = nn.Conv2d(32, 32, 3, padding=1)
            self.fc = nn.Linear(32, 10)

        def forward(self, x):
            x = F.max_pool2d(self.conv1(x).relu(), 8)
            x = self.conv3(self.conv2(x).relu()).relu()
            return self.fc(x.mean((2, 3)))
    ```

    ## Options

    ```toml
    [rules]
    window-larger-than-map = "error"    # advice unless the policy says so
    ```

    ## Known limits

    Padding that is added by an operator of its own (`nn.ZeroPad2d`, `F.pad`, `padding_mode="reflect"`) is part of the
    map. Transposed convolutions and adaptive pools have no such window. A window of few taps far apart, as of a causal
    convolution over a sequence, is reported like any other where most of them lie outside.
    """

    code = "MC410"
    name = "window-larger-than-map"
    kind = "advice"

    def check(self, subject: Subject, options: Options) -> Decision:
        """Name each window with its map, and say how much of it is padding."""
        flow = known_flows(subject).train
        problems: dict[object, Problem] = {}
        for operator in flow.of_kind("convolution", "max-pool", "average-pool"):
            window = window_of(operator)
            mostly_padding = window is not None and 2 * window.seen < window.pixels
            if window and window.is_larger and (operator.kind != "convolution" or mostly_padding):
                key = (operator.path, operator.line, operator.name)
                problems.setdefault(key, problem_at(operator, _message(flow, operator, window)))
        if not problems:
            return Decision("no window is larger than its map")
        evidence = counted(len(problems), "window is larger than its map", "windows are larger than their maps")
        return Decision(evidence, tuple(problems.values()))


def _message(flow: Flow, operator: Operator, window: Window) -> str:
    dilation = f" with dilation {_sides(window.dilation)}" if any(step > 1 for step in window.dilation) else ""
    padding = window.pixels - window.seen
    return (
        f"{named(flow, operator)} has a window of {_sides(window.kernel)}{dilation} on a map of {_sides(window.map)}: "
        f"{padding:,} or more of the {window.pixels:,} pixels that it reads are padding. Keep the map larger by fewer "
        f"strides and pools before it, or use a smaller window"
    )


def _sides(numbers: Sequence[int]) -> str:
    return "×".join(map(str, numbers))
