from __future__ import annotations

from modelcheck.rules.base import (
    Decision,
    NotRun,
    Problem,
    RangeOptions,
    Rule,
    Subject,
    asked,
    known_facts,
    within,
)
from modelcheck.words import counted, listed

SHOWN = 3


class MacBudget(Rule):
    """The number of multiply-adds for one sample is outside its bounds.

    ## What it checks

    Multiply-adds (MACs) of convolutions, linear layers, matrix products, attention and recurrent layers for one sample
    in evaluation. Bias, normalisation, activations and pooling are not counted. Not run where an operator that has no
    formula could change the answer.

    ## Why it matters

    Few parameters can be slow: a convolution uses each of its weights once for every pixel of its map. MACs say what a
    prediction costs on a phone.

    ## Bad

    ```python
    import torch.nn as nn

    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv1 = nn.Conv2d(1, 8, 5)
            self.conv2 = nn.Conv2d(8, 10, 9)

        def forward(self, x):
            return self.conv2(self.conv1(x).relu()).mean((2, 3))
    ```

    ## Good

    ```python
    import torch.nn as nn

    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv1 = nn.Conv2d(1, 8, 5, stride=2)
            self.conv2 = nn.Conv2d(8, 10, 9)

        def forward(self, x):
            return self.conv2(self.conv1(x).relu()).mean((2, 3))
    ```

    ## Options

    ```toml
    [rules]
    mac-budget = { max = 1_000_000 }    # and, or, min
    ```

    ## Known limits

    Products that are written out elementwise (`(x * w).sum(1)`) are not counted. Fourier transforms have no formula.
    """

    code = "MC104"
    name = "mac-budget"
    kind = "error"
    options = RangeOptions
    needs_options = True

    def check(self, subject: Subject, options: RangeOptions) -> Decision:
        """Compare the MACs with the range; what could not be counted can only add to them."""
        facts = known_facts(subject)
        too_many = options.max is not None and facts.macs > options.max
        certain = too_many or (options.max is None and within(facts.macs, options))
        if facts.uncounted_operators and not certain:
            names = listed([one.removeprefix("aten.").split(".")[0] for one in facts.uncounted_operators])
            raise NotRun(f"{counted(facts.macs, 'MAC')} were counted, and there is no formula for {names}")
        evidence = f"{counted(facts.macs, 'MAC')} for one sample, {asked(options)}"
        if within(facts.macs, options):
            return Decision(evidence)
        largest = sorted(subject.layers, key=lambda layer: -layer.macs)[:SHOWN]
        shares = ", ".join(f"{layer.path or layer.type} {layer.macs:,}" for layer in largest if layer.macs)
        hint = " A stride or a pool before them makes their maps smaller" if too_many else ""
        return Decision(evidence, (Problem(f"{evidence}. Largest: {shares or 'none'}.{hint}".removesuffix(".")),))
