from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from modelcheck.facts.structs import Facts, Use
from modelcheck.rules.base import Decision, Problem, RangeOptions, Subject, known_facts
from modelcheck.rules.presence import PresenceRule

Rate = Annotated[float, Meta(ge=0, le=1)]


class DropoutOptions(RangeOptions, frozen=True, kw_only=True):
    """How many, and the bounds of their rates."""

    min_rate: Rate = 0.0
    max_rate: Rate = 1.0

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.min_rate > self.max_rate:
            raise ValueError(f"min-rate {self.min_rate} is above max-rate {self.max_rate}")


class Dropout(PresenceRule):
    """Dropout is required, forbidden, or counted, with an optional range for its rate.

    ## What it checks

    Live dropout operators (element-wise, feature-wise, alpha) with 0.01 ≤ p < 1 that are active in training and not in
    evaluation, written as modules or as functions.

    ## Why it matters

    Dropout that is declared and never called, has p = 0, or stays on when the model is scored is no regularisation.

    ## Bad

    ```python
    import torch.nn as nn
    import torch.nn.functional as F

    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.fc = nn.Linear(784, 10)

        def forward(self, x):
            return self.fc(F.dropout(x.flatten(1), 0.1))
    ```

    ## Good

    ```python
    import torch.nn as nn
    import torch.nn.functional as F

    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.fc = nn.Linear(784, 10)

        def forward(self, x):
            return self.fc(F.dropout(x.flatten(1), 0.1, self.training))
    ```

    ## Options

    ```toml
    [rules]
    dropout = "required"    # or "forbidden", or { min = 2, min-rate = 0.05, max-rate = 0.5 }
    ```

    A level alone ("error", "advice") means required.

    ## Known limits

    Dropout written by hand (a product with a random mask) is not recognised.
    """

    code = "MC202"
    name = "dropout"
    options = DropoutOptions
    noun = "dropout"
    missing_hint = "An nn.Dropout(p) with p of at least 0.01 must be called in forward and be off after eval()"

    def use(self, facts: Facts) -> Use:
        """Dropouts."""
        return facts.dropout

    def check(self, subject: Subject, options: RangeOptions) -> Decision:
        """Count as the other presence rules do, then look at the rates."""
        decision = super().check(subject, options)
        assert isinstance(options, DropoutOptions)
        outside = [
            rate for rate in known_facts(subject).dropout.rates if not options.min_rate <= rate <= options.max_rate
        ]
        if not outside:
            return decision
        rates = ", ".join(f"{rate:g}" for rate in outside)
        message = f"dropout with p = {rates}; the policy asks for {options.min_rate:g} to {options.max_rate:g}"
        return Decision(decision.evidence, (*decision.problems, Problem(message)))
