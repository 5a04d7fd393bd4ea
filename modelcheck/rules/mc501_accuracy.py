from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from modelcheck.report import Metrics
from modelcheck.rules.base import Decision, NotRun, Options, Problem, Rule, Subject, known_facts
from modelcheck.words import percent


class AccuracyOptions(Options, frozen=True, kw_only=True):
    """The least accuracy, and of which epochs: the best, the last, or all of the last k."""

    min: Annotated[float, Meta(ge=0, le=1)] = 0.0
    of: Annotated[
        str, Meta(pattern=r"^(best|last|all-of-last-[1-9][0-9]{0,2})$", description="best, last or all-of-last-K")
    ] = "last"
    attempts: Annotated[int, Meta(ge=1, le=100)] = 1


class Accuracy(Rule):
    """Accuracy on the test set is below what is asked.

    ## What it checks

    The accuracy of the captured graph on the whole test set after each epoch of training: the last one, the best one,
    or each of the last k. Fractions of one.

    ## Why it matters

    The graph that is scored is the one whose parameters were counted.

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
    [training]
    accuracy = { min = 0.8, of = "last" }    # or "best", or "all-of-last-3"
    ```

    `--min-accuracy 0.8` on the command line replaces `min`. `attempts = 3` trains up to three times, where a course is
    graded and the accuracy misses `min` by no more than chance may do; the best counts.

    ## Known limits

    Weights that are only evaluated have no epochs, so `all-of-last-K` is not run for them. One run's accuracy on
    10,000 pictures has a sampling error of about 0.08 points at 99.4 %.
    """

    code = "MC501"
    name = "accuracy"
    kind = "error"
    options = AccuracyOptions
    needs_options = True
    waits_for_training = True

    def check(self, subject: Subject, options: AccuracyOptions) -> Decision:
        """Compare the accuracies that count with the least."""
        shape = known_facts(subject).output_shape
        if subject.metrics is None and subject.classes and shape != (subject.classes,):
            raise NotRun("the output is not one score for each class, so nothing was scored")
        if subject.unscored:
            return Decision(subject.unscored, (Problem(subject.unscored),))
        if subject.metrics is None:
            raise NotRun("nothing was trained; modelcheck train-eval does")
        if options.of.startswith("all") and not subject.metrics.epochs:
            raise NotRun(
                f"the last {_epochs_that_count(options.of)} epochs are asked for, and nothing was trained here"
            )
        trained, most = len(subject.metrics.epochs), subject.most_epochs
        if most is not None and trained > most:
            text = f"{trained} epochs were trained, and the policy asks for its accuracy within {most}"
            return Decision(text, (Problem(text),))
        counted = _counted(subject.metrics, options.of)
        worst = min(counted)
        what = {"best": "best", "last": "last"}.get(
            options.of, f"lowest of the last {len(counted)} epochs" if len(counted) > 1 else "last"
        )
        least = f"at least {percent(options.min)} required"
        evidence = f"{percent(worst)} ({what}) on {subject.metrics.dataset}, {least}"
        if worst < options.min:
            return Decision(evidence, (Problem(evidence),))
        if options.of.startswith("all") and len(counted) < _epochs_that_count(options.of):
            text = f"{evidence} in each of the last {_epochs_that_count(options.of)} epochs, and fewer were trained"
            return Decision(evidence, (Problem(text),))
        return Decision(evidence)


def _counted(metrics: Metrics, of: str) -> list[float]:
    """The accuracies that the option names."""
    if of == "best":
        return [metrics.test_accuracy.best]
    if of == "last":
        return [metrics.test_accuracy.last]
    return [epoch.test_accuracy for epoch in metrics.epochs[-_epochs_that_count(of) :]]


def _epochs_that_count(of: str) -> int:
    return int(of.rpartition("-")[2])
