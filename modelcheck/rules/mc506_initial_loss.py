from __future__ import annotations

from modelcheck.rules.base import Decision, NotRun, Options, Problem, Rule, Subject
from modelcheck.rules.trained import guessing_loss, known_start, known_training

LOWEST, HIGHEST = 0.5, 4.0  # times what guessing costs


class InitialLoss(Rule):
    """The loss at the start is far from ln(classes).

    ## What it checks

    The mean loss of the first batch, in training mode, before the first step: less than half of ln(classes), or more
    than four times as much. With ten classes ln(classes) is 2.30, so that 1.15 to 9.21 pass.

    ## Why it matters

    A model that knows nothing holds all classes equally likely, and its loss is ln(classes). A loss far above it comes
    of class scores that are large from the start, so that the first epochs go into making them smaller; or of a softmax
    over the wrong dimension. One far below it is of a model that knows something already.

    ## Bad

    ```python
    import torch.nn as nn

    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.fc = nn.Linear(784, 10)
            nn.init.normal_(self.fc.weight)

        def forward(self, x):
            return self.fc(x.flatten(1))
    ```

    ## Good

    ```python
    import torch.nn as nn

    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.fc = nn.Linear(784, 10)
            nn.init.normal_(self.fc.weight, std=0.01)

        def forward(self, x):
            return self.fc(x.flatten(1))
    ```

    ## Options

    ```toml
    [rules]
    initial-loss = "error"    # advice unless the policy says so
    ```

    ## Known limits

    The first batch is as the recipe shows it, distorted and with dropout. Of 640 networks that nobody had trained
    (eight, under four initialisations and 20 seeds each, on MNIST: `python benchmarks/untrained.py`) the loss was 2.20
    to 6.93, the highest with Kaiming's initialisation for the last layer and dropout before it. Where a training starts
    from weights that the user gives, the rule is not run.
    """

    code = "MC506"
    name = "initial-loss"
    kind = "advice"
    waits_for_training = True

    def check(self, subject: Subject, options: Options) -> Decision:
        """Compare the first batch's loss with a guess's."""
        metrics, loss = known_training(subject), known_start(subject).train_loss
        if loss is None:
            raise NotRun("the first batch's loss was NaN or infinite (MC504)")
        guess, classes = guessing_loss(metrics), len(metrics.confusion)
        evidence = f"the first batch's loss is {loss:.2f}, ln({classes}) is {guess:.2f}"
        if loss > HIGHEST * guess:
            remedy = "initialise the last layer with smaller weights, or take the softmax over the classes"
            return Decision(evidence, (Problem(f"{evidence}: the class scores are large from the start; {remedy}"),))
        if loss < LOWEST * guess:
            text = f"{evidence}: the model knows the classes before any training (see pretrained-start, MC503)"
            return Decision(evidence, (Problem(text),))
        return Decision(evidence)
