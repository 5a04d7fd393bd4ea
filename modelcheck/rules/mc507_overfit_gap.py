from __future__ import annotations

import math
from typing import Annotated

from msgspec import Meta

from modelcheck.rules.base import Decision, NotRun, Options, Problem, Rule, Subject
from modelcheck.rules.trained import sound_training
from modelcheck.words import percent

ERRORS = 2  # standard errors by which the gap must be too large; two are rarely exceeded by chance


class OverfitGapOptions(Options, frozen=True, kw_only=True):
    """How far training accuracy may be above test accuracy, as a fraction of one."""

    max: Annotated[float, Meta(ge=0, le=1)] = 0.05


class OverfitGap(Rule):
    """Training accuracy is far above test accuracy.

    ## What it checks

    The accuracy of the final weights on up to 2,000 training images, which lie evenly over the training set, less that
    on the test set. It may be 5 points, and two standard errors of the measurement more, which is about one point on
    MNIST. Both are measured alike: in evaluation mode, on the images as they are.

    ## Why it matters

    What is learnt of the training images alone is of no use for others. Fewer parameters, as a convolution has that
    looks for the same everywhere, dropout, augmentation or weight decay turn some of it into accuracy on the test set.
    The models below were trained on 1,500 images for 12 epochs; on all of MNIST either passes.

    ## Bad

    ```python
    import torch.nn as nn

    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.fc1 = nn.Linear(784, 300)
            self.fc2 = nn.Linear(300, 10)

        def forward(self, x):
            return self.fc2(self.fc1(x.flatten(1)).relu())
    ```

    ## Good

    ```python
    import torch.nn as nn

    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv1 = nn.Conv2d(1, 8, 5, stride=2)
            self.conv2 = nn.Conv2d(8, 16, 3, stride=2)
            self.conv3 = nn.Conv2d(16, 10, 5)

        def forward(self, x):
            return self.conv3(self.conv2(self.conv1(x).relu()).relu()).flatten(1)
    ```

    ## Options

    ```toml
    [rules]
    overfit-gap = { max = 0.05, level = "error" }    # advice unless the policy says so
    ```

    ## Known limits

    That the two sets are alike is taken for granted: where the test set is harder, the gap is there without any
    overfitting. On a test set of few hundred images only a large gap is found. A training that was interrupted is not
    judged.
    """

    code = "MC507"
    name = "overfit-gap"
    kind = "advice"
    options = OverfitGapOptions
    waits_for_training = True

    def check(self, subject: Subject, options: OverfitGapOptions) -> Decision:
        """Compare the accuracies of the final weights."""
        metrics = sound_training(subject)
        if metrics.train_accuracy is None:
            raise NotRun("the training was interrupted, and its accuracy on training images not measured")
        known, new = metrics.train_accuracy, metrics.test_accuracy.last
        error = ERRORS * math.hypot(_error(known.last, known.images), _error(new, metrics.test_images))
        measured = f"{percent(known.last)} of {known.images:,} training images, {percent(new)} of the test images"
        evidence = f"{measured}, {options.max * 100:g} points between them allowed, give or take {error * 100:.1f}"
        if known.last - new <= options.max + error:
            return Decision(evidence)
        remedy = "Fewer parameters, dropout, augmentation or weight decay help"
        return Decision(evidence, (Problem(f"{evidence}: the model knows the training images by heart. {remedy}"),))


def _error(accuracy: float, images: int) -> float:
    """The standard error of an accuracy that was measured on so many images."""
    return math.sqrt(accuracy * (1 - accuracy) / images)
