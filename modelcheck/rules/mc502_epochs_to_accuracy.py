from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from modelcheck.rules.base import Decision, NotRun, Options, Problem, Rule, Subject
from modelcheck.rules.trained import known_training
from modelcheck.words import counted, percent


class EpochsToAccuracyOptions(Options, frozen=True, kw_only=True):
    """An accuracy on the test set, and within how many epochs it must be reached."""

    min: Annotated[float, Meta(ge=0, le=1)] | None = None
    within: Annotated[int, Meta(ge=1, le=10_000)] | None = None

    def __post_init__(self) -> None:
        if (self.min is None) != (self.within is None):
            given, missing = ("min", "within") if self.within is None else ("within", "min")
            raise ValueError(f"{given} is given without {missing}: an accuracy and a number of epochs are needed")


class EpochsToAccuracy(Rule):
    """The accuracy that is asked for is not reached within so many epochs.

    ## What it checks

    After which epoch the accuracy of the captured graph on the whole test set is for the first time at least `min`.

    ## Why it matters

    Two models that end alike may differ in how fast they learn, and the time until an accuracy is reached is what a
    training costs.

    ## Bad

    ```python
    import torch.nn as nn

    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.fc = nn.Linear(1, 10)

        def forward(self, x):
            return self.fc(x.mean((2, 3)))
    ```

    ## Good

    ```python
    import torch.nn as nn

    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.fc1 = nn.Linear(784, 30)
            self.fc2 = nn.Linear(30, 10)

        def forward(self, x):
            return self.fc2(self.fc1(x.flatten(1)).relu())
    ```

    ## Options

    ```toml
    [rules]
    epochs-to-accuracy = { min = 0.8, within = 1 }
    ```

    How long is trained is another matter: `[training] epochs`, `--epochs`, else the recipe decides.

    ## Known limits

    It suffices to have been there once; that the accuracy is held is a matter of accuracy (MC501). A schedule that is
    stretched to the number of epochs often reaches its best in the last ones, so that a longer training may reach an
    accuracy later. Of a training that starts from given weights it is not known how long it took.
    """

    code = "MC502"
    name = "epochs-to-accuracy"
    kind = "error"
    options = EpochsToAccuracyOptions
    needs_options = True
    waits_for_training = True

    def check(self, subject: Subject, options: EpochsToAccuracyOptions) -> Decision:
        """Find the first epoch that is good enough."""
        metrics = known_training(subject)
        if metrics.weights is not None:
            raise NotRun(f"the training started from {metrics.weights}: how long that took is not known")
        least, within = options.min or 0.0, options.within or 0
        reached = next((one.epoch for one in metrics.epochs if one.test_accuracy >= least), None)
        asked = f"within {counted(within, 'epoch')} required"
        if reached is not None:
            evidence = f"{percent(least)} on {metrics.dataset} was reached after epoch {reached}, {asked}"
            return Decision(evidence, () if reached <= within else (Problem(evidence),))
        trained, best = len(metrics.epochs), metrics.test_accuracy
        evidence = (
            f"{percent(least)} on {metrics.dataset} was not reached: {percent(best.best)} after epoch "
            f"{best.best_epoch} is the best of {trained}, {asked}"
        )
        more = f"; train for {within} epochs" if trained < within else ""
        return Decision(evidence, (Problem(evidence + more),))
