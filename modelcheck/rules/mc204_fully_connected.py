from __future__ import annotations

from modelcheck.facts.structs import Facts, Use
from modelcheck.rules.base import Decision, RangeOptions, Subject, known_facts
from modelcheck.rules.presence import PresenceRule


class FullyConnected(PresenceRule):
    """Fully connected layers are required, forbidden, or counted.

    ## What it checks

    Live linear operators: `nn.Linear`, `F.linear`, and products with a weight. A convolution whose result is a 1×1 map
    of a 1×1 map is the equal of a linear layer; it does not count, and is named in the evidence.

    ## Why it matters

    Courses forbid fully connected layers to make students use convolutions and global average pooling.

    ## Bad

    ```python
    import torch.nn as nn

    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv = nn.Conv2d(1, 8, 23)
            self.fc = nn.Linear(8, 10)

        def forward(self, x):
            return self.fc(self.conv(x).relu().mean((2, 3)))
    ```

    ## Good

    ```python
    import torch.nn as nn

    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv = nn.Conv2d(1, 8, 23)
            self.head = nn.Conv2d(8, 10, 1)

        def forward(self, x):
            return self.head(self.conv(x).relu()).mean((2, 3))
    ```

    ## Options

    ```toml
    [rules]
    fully-connected = "forbidden"    # or "required", or { min = 1, max = 2 }
    ```

    A level alone ("error", "advice") means forbidden.

    ## Known limits

    A convolution whose window is the whole map is a linear layer too, and counts as a convolution.
    """

    code = "MC204"
    name = "fully-connected"
    noun = "fully connected layer"
    missing_hint = "Use an nn.Linear"
    wanted = RangeOptions(max=0)

    def use(self, facts: Facts) -> Use:
        """Linear operators."""
        return facts.fully_connected

    def check(self, subject: Subject, options: RangeOptions) -> Decision:
        """Count, and name the 1×1 convolutions that are as good."""
        decision = super().check(subject, options)
        equals = known_facts(subject).fully_connected.equals
        note = f"; {', '.join(equals)}: convolution on a 1×1 map, the equal of one" if equals else ""
        return Decision(decision.evidence + note, decision.problems)
