from __future__ import annotations

import math

from modelcheck.facts.flow import Flow, Operator
from modelcheck.facts.structs import Facts
from modelcheck.rules.base import Decision, Options, Problem, Rule, Subject, known_facts, known_flows
from modelcheck.rules.heads import readers_of_maps
from modelcheck.rules.places import problem_at
from modelcheck.rules.windows import is_wide

_LEAST = 0.75  # of the input's side


class ReceptiveFieldShort(Rule):
    """The last map sees less than three quarters of the input's side.

    ## What it checks

    The theoretical receptive field of one unit of the last map, against the height and the width of the input picture.
    It is reported where the map is pooled away. Nothing is said where a fully connected layer reads the map laid flat,
    since that layer sees the whole picture, nor where a unit may see everything (attention, squeeze-and-excitation).

    ## Why it matters

    What is averaged over the last map are opinions on parts of the picture. Where no part holds most of the digit or
    the object, shapes that differ as a whole look alike.

    ## Bad

    ```python
    import torch.nn as nn

    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.body = nn.Sequential(
                nn.Conv2d(1, 16, 3, padding=1), nn.ReLU(), nn.Conv2d(16, 32, 3, padding=1), nn.ReLU(),
                nn.Conv2d(32, 32, 3, padding=1), nn.ReLU(), nn.Conv2d(32, 32, 3, padding=1), nn.ReLU(),
            )
            self.fc = nn.Linear(32, 10)

        def forward(self, x):
            return self.fc(self.body(x).mean((2, 3)))
    ```

    ## Good

    ```python
    import torch.nn as nn

    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.body = nn.Sequential(
                nn.Conv2d(1, 16, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(16, 32, 3, padding=1), nn.ReLU(),
                nn.MaxPool2d(2), nn.Conv2d(32, 32, 3, padding=1), nn.ReLU(), nn.Conv2d(32, 32, 3, padding=1), nn.ReLU(),
            )
            self.fc = nn.Linear(32, 10)

        def forward(self, x):
            return self.fc(self.body(x).mean((2, 3)))
    ```

    ## Options

    ```toml
    [rules]
    receptive-field-short = "error"    # advice unless the policy says so
    ```

    A required size in pixels is MC207, receptive-field.

    ## Known limits

    It is the theoretical field: what a unit really weighs is less, towards the middle. Textures are told apart by small
    parts, and networks for them need no larger field. squeezenet1_0 sees 155 of 224 pixels as published.
    """

    code = "MC411"
    name = "receptive-field-short"
    kind = "advice"

    def check(self, subject: Subject, options: Options) -> Decision:
        """Compare the field with the picture, by the side on which less is seen."""
        facts, flow = known_facts(subject), known_flows(subject).train
        field = facts.receptive_field
        if field is None or len(facts.input_shape) != 3:
            return Decision("no map with a bounded receptive field")
        sides = facts.input_shape[1:]
        seen, side = min(zip(field, sides, strict=True), key=lambda pair: pair[0] / pair[1])
        evidence = f"a unit of the last map sees {field[0]}×{field[1]} of {sides[0]}×{sides[1]} pixels"
        if seen >= _LEAST * side or not _is_pooled_away(facts, flow):
            return Decision(evidence)
        message = (
            f"{evidence}: {100 * seen // side} % of the side, less than three quarters. Pool or stride earlier, add "
            f"convolutions, or dilate them"
        )
        last = _last_convolution(flow)
        return Decision(evidence, (problem_at(last, message) if last else Problem(message),))


def _is_pooled_away(facts: Facts, flow: Flow) -> bool:
    """Whether the map ends in one number a channel, and no layer looks at its pixels together."""
    pools = flow.of_kind("max-pool", "average-pool")
    to_a_pixel = any(math.prod((one.shape or ())[2:]) == 1 for one in pools)  # a window that leaves the border out, too
    return (to_a_pixel or facts.global_average_pooling.count > 0) and not readers_of_maps(flow)


def _last_convolution(flow: Flow) -> Operator | None:
    """The last one with a window of more than one pixel, near which the field is to grow."""
    wide = (one for one in reversed(flow.of_kind("convolution")) if is_wide(one))
    return next(wide, None)
