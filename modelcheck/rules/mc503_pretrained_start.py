from __future__ import annotations

from modelcheck.report import Metrics
from modelcheck.rules.base import Decision, Options, Problem, Rule, Subject
from modelcheck.rules.trained import known_start, known_training
from modelcheck.words import percent

ALLOWED = 4  # times the share of the largest class; no untrained model came to twice that


class PretrainedStart(Rule):
    """The model is above chance before any training.

    ## What it checks

    The accuracy before the first step, in evaluation mode, on up to 2,000 images that lie evenly over the test set. It
    may be four times what a model scores that always names the most frequent class; on MNIST that is 45 %.

    ## Why it matters

    A model above chance before training is one whose author trained it elsewhere: with the weights in its file, in its
    constructor or in the capture that was handed in. What is then measured is not what the course's recipe made of it.

    ## Bad

    ```python
    import torch
    import torch.nn as nn
    import torch.nn.functional as F

    TRAINED = (
        "qlsfiqlqsokqiqneomrpiiqhfkjjkgkmdrqehiljoqprqnmskqoglkqipioptppeyfhsmplkmorieiiq"
        "aknthsjoolkliqolrpsqlohmgsopiiiiuhfjrornignkmmkmlosnoqnrgojgkopkxejgmqqkllnfmkkv"
    )

    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.fc = nn.Linear(16, 10, bias=False)
            weights = torch.tensor([float(ord(letter) - ord("m")) for letter in TRAINED])
            self.fc.weight.data = weights.view(10, 16) / 1.68

        def forward(self, x):
            return self.fc(F.avg_pool2d(x, 7).flatten(1))
    ```

    ## Good

    ```python
    import torch.nn as nn
    import torch.nn.functional as F

    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.fc = nn.Linear(16, 10, bias=False)

        def forward(self, x):
            return self.fc(F.avg_pool2d(x, 7).flatten(1))
    ```

    ## Options

    ```toml
    [rules]
    pretrained-start = "error"    # as it is without, where something is trained; "off" where models may be pretrained
    ```

    ## Known limits

    Of 640 networks that nobody had trained (eight, under four initialisations and 20 seeds each, on MNIST:
    `python benchmarks/untrained.py`) none had more than 20.1 %. A model whose trained body has a new head is not
    recognised, nor is one that was trained to less than the bound. Where a quarter of the test images or more are of
    one class, a guess may do well, and the rule requires nothing. It is not run where the training starts from weights
    that the user gives with `--weights`, or where weights are only scored.
    """

    code = "MC503"
    name = "pretrained-start"
    kind = "error"
    waits_for_training = True

    def check(self, subject: Subject, options: Options) -> Decision:
        """Compare the accuracy at the start with what a guess can have."""
        start, chance = known_start(subject), _chance(known_training(subject))
        bound = ALLOWED * chance
        measured = f"{percent(start.test_accuracy)} of {start.images:,} test images were right before any training"
        if bound >= 1:  # it requires nothing of data of few classes, rather than fail everybody's model
            return Decision(f"{measured}; {percent(chance)} of them are of one class, and a guess may do as well")
        evidence = f"{measured}, chance is {percent(chance)}, at most {percent(bound)} allowed"
        if start.test_accuracy <= bound:
            return Decision(evidence)
        text = (
            f"{evidence}: the model was trained elsewhere. Leave the weights out of its file and its constructor; "
            "training that goes on from given weights is `modelcheck train-eval --weights FILE`"
        )
        return Decision(evidence, (Problem(text),))


def _chance(metrics: Metrics) -> float:
    """The accuracy of a model that always names the most frequent class."""
    return max(map(sum, metrics.confusion)) / sum(map(sum, metrics.confusion))
