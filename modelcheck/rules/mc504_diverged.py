from __future__ import annotations

from modelcheck.rules.base import Decision, Options, Problem, Rule, Subject
from modelcheck.rules.trained import divergence, known_training
from modelcheck.words import counted

_REMEDY = (
    "In the model, look for a logarithm, a division, an exponential or a root of what may be 0 or large; in a recipe "
    "of your own, lower learning_rate or set clip_norm"
)


class Diverged(Rule):
    """The loss became NaN or infinite, or grew without end.

    ## What it checks

    The mean loss of each epoch. One that is NaN or infinite ends the training. Of the last epoch also whether the loss
    is, on the training set and after it on the test set, more than twice what it was in the first batch, and more than
    twice ln(classes), which is what guessing costs.

    ## Why it matters

    The weights of such a training are noise, and the accuracy that is reported is that of a guess.

    ## Bad

    ```python
    import torch
    import torch.nn as nn

    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.fc1 = nn.Linear(784, 30)
            self.fc2 = nn.Linear(30, 10)

        def forward(self, x):
            x = self.fc1(x.flatten(1)).relu()
            return torch.log(self.fc2(x).clamp(min=0))
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
            x = self.fc1(x.flatten(1)).relu()
            return self.fc2(x)
    ```

    ## Options

    ```toml
    [rules]
    diverged = "error"    # as it is without, where something is trained
    ```

    ## Known limits

    A loss that stays where it was, at ln(classes), has not diverged: nothing was learnt, which accuracy (MC501) tells.
    A loss that grew in between and came back is not reported. A single image can make the loss on the test set infinite
    where the model takes the logarithm of a softmax; `log_softmax` does not.
    """

    code = "MC504"
    name = "diverged"
    kind = "error"
    waits_for_training = True

    def check(self, subject: Subject, options: Options) -> Decision:
        """Look at the loss of the last epoch."""
        metrics = known_training(subject)
        text = divergence(metrics)
        if text is not None:
            return Decision(text, (Problem(f"{text}. {_REMEDY}"),))
        last = metrics.epochs[-1].train_loss
        return Decision(f"the training loss of the last of {counted(len(metrics.epochs), 'epoch')} is {last:.4f}")
