from __future__ import annotations

from modelcheck.facts.structs import Facts, Use
from modelcheck.rules.presence import PresenceRule


class GlobalAveragePooling(PresenceRule):
    """Global average pooling is required, forbidden, or counted.

    ## What it checks

    Live averages over the whole remaining map, larger than 1×1, in both modes and however written:
    `nn.AdaptiveAvgPool2d(1)`, `nn.AvgPool2d(k)` on a k×k map, `x.mean((2, 3))`, a mean after `flatten(2)`, a sum
    divided by the area. A pool that covers a part of the map, or a map that is already 1×1, is none.

    ## Why it matters

    A class name does not tell: `nn.AvgPool2d(6)` is global on a 6×6 map and not on a 7×7 one.

    ## Bad

    ```python
    import torch.nn as nn

    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv = nn.Conv2d(1, 10, 23)
            self.pool = nn.AvgPool2d(5)

        def forward(self, x):
            return self.pool(self.conv(x)).flatten(1)
    ```

    ## Good

    ```python
    import torch.nn as nn

    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv = nn.Conv2d(1, 10, 23)
            self.pool = nn.AvgPool2d(6)

        def forward(self, x):
            return self.pool(self.conv(x)).flatten(1)
    ```

    ## Options

    ```toml
    [rules]
    global-average-pooling = "required"    # or "forbidden", or { min = 1, max = 1 }
    ```

    A level alone ("error", "advice") means required.

    ## Known limits

    An average written as a product with a constant (a matrix of 1/area, a frozen convolution) is not recognised.
    """

    code = "MC203"
    name = "global-average-pooling"
    noun = "global average pooling"
    missing_hint = "Average over the whole map: nn.AdaptiveAvgPool2d(1), or x.mean((2, 3))"

    def use(self, facts: Facts) -> Use:
        """Global average poolings."""
        return facts.global_average_pooling
