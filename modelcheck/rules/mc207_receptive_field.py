from __future__ import annotations

from modelcheck.rules.base import Decision, NotRun, Problem, RangeOptions, Rule, Subject, asked, known_facts


class ReceptiveField(Rule):
    """The receptive field of the last map is outside its bounds.

    ## What it checks

    The theoretical receptive field, in pixels of the input, of one pixel of the last map before it is pooled away or
    flattened, all of its channels together. `min` holds for its shorter side, `max` for its longer one.

    ## Why it matters

    A unit that sees a corner of a digit cannot tell what digit it is.

    ## Bad

    ```python
    import torch.nn as nn

    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv1 = nn.Conv2d(1, 8, 3)
            self.conv2 = nn.Conv2d(8, 10, 3)

        def forward(self, x):
            return self.conv2(self.conv1(x).relu()).mean((2, 3))
    ```

    ## Good

    ```python
    import torch.nn as nn

    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv1 = nn.Conv2d(1, 8, 7, stride=2)
            self.conv2 = nn.Conv2d(8, 10, 11)

        def forward(self, x):
            return self.conv2(self.conv1(x).relu()).mean((2, 3))
    ```

    ## Options

    ```toml
    [model]
    input = [1, 28, 28]

    [rules]
    receptive-field = { min = 20 }    # and, or, max
    ```

    ## Known limits

    Not run for a model without a map, or where attention or a global average lets a unit see the whole picture.
    """

    code = "MC207"
    name = "receptive-field"
    kind = "error"
    options = RangeOptions
    needs_options = True

    def check(self, subject: Subject, options: RangeOptions) -> Decision:
        """Compare both sides of the receptive field with the range."""
        facts = known_facts(subject)
        field = facts.receptive_field
        if field is None:
            seen = "a unit of its last map may see the whole picture: it has no receptive field in pixels"
            raise NotRun(seen if facts.receptive_field_kind == "unbounded" else "nothing slides over a map")
        short, long = min(field), max(field)
        evidence = f"{field[0]}×{field[1]} pixels, {asked(options)}"
        if (options.min is not None and short < options.min) or (options.max is not None and long > options.max):
            hint = (
                ""
                if options.max is not None and long > options.max
                else ": larger or more kernels, or a stride, widen it"
            )
            return Decision(evidence, (Problem(f"the last map sees {evidence}{hint}"),))
        return Decision(evidence)
