from __future__ import annotations

from modelcheck.rules.base import Decision, Problem, RangeOptions, Rule, Subject, asked, known_facts, within
from modelcheck.words import counted


class LayerCount(Rule):
    """The number of weighted layers is outside its bounds.

    ## What it checks

    Live calls of convolution, linear, recurrent and attention operators in evaluation mode. A layer that is called
    twice counts twice; one that is declared and never called does not count.

    ## Why it matters

    Depth is what such a bound means, and neither `len(list(model.modules()))` nor `children()` measures it.

    ## Bad

    ```python
    import torch.nn as nn

    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.body = nn.Sequential(*[nn.Conv2d(1, 1, 3, padding=1) for _ in range(6)])
            self.head = nn.Conv2d(1, 10, 28)

        def forward(self, x):
            return self.head(self.body(x).relu()).flatten(1)
    ```

    ## Good

    ```python
    import torch.nn as nn

    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.body = nn.Conv2d(1, 1, 3, padding=1)
            self.head = nn.Conv2d(1, 10, 28)

        def forward(self, x):
            return self.head(self.body(x).relu()).flatten(1)
    ```

    ## Options

    ```toml
    [rules]
    layer-count = { max = 4 }    # and, or, min
    ```

    ## Known limits

    Normalisation and activation are no layers here.
    """

    code = "MC206"
    name = "layer-count"
    kind = "error"
    options = RangeOptions
    needs_options = True

    def check(self, subject: Subject, options: RangeOptions) -> Decision:
        """Compare the number of weighted layers with the range."""
        count = known_facts(subject).weighted_layers
        evidence = f"{counted(count, 'weighted layer')}, {asked(options)}"
        return Decision(evidence, () if within(count, options) else (Problem(evidence),))
