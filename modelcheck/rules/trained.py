"""What rules on a training share: its metrics, what was known at its start, and whether its loss grew without end."""

from __future__ import annotations

import math

from modelcheck.report import Metrics, Start
from modelcheck.rules.base import NotRun, Subject, known_facts

GROWN = 2  # times as much as before training, or as guessing costs


def known_training(subject: Subject) -> Metrics:
    """The metrics of a training, of at least one epoch.

    Raises:
        NotRun: nothing was trained.
    """
    shape = known_facts(subject).output_shape
    if subject.metrics is None and subject.classes and shape != (subject.classes,):
        raise NotRun("the output is not one score for each class, so nothing was trained")
    if subject.metrics is None:
        raise NotRun("nothing was trained; modelcheck train-eval does")
    if not subject.metrics.epochs:
        raise NotRun("weights were scored, and nothing was trained; modelcheck train-eval does")
    return subject.metrics


def known_start(subject: Subject) -> Start:
    """What an untrained model knew before its first step.

    Raises:
        NotRun: nothing was trained, the start was not measured, or it is the user's own weights.
    """
    metrics = known_training(subject)
    if metrics.weights is not None:
        raise NotRun(f"the training started from {metrics.weights}, as it was told to")
    if metrics.start is None:
        raise NotRun("nothing was measured before the training")
    return metrics.start


def sound_training(subject: Subject) -> Metrics:
    """The metrics of a training that did not diverge.

    Raises:
        NotRun: nothing was trained, or it diverged.
    """
    metrics = known_training(subject)
    if divergence(metrics):
        raise NotRun("the training diverged (MC504)")
    return metrics


def guessing_loss(metrics: Metrics) -> float:
    """The loss of a model that holds all classes equally likely, in nats."""
    return math.log(len(metrics.confusion))


def divergence(metrics: Metrics) -> str | None:
    """How the loss grew without end; None where it did not."""
    last = metrics.epochs[-1]
    if last.train_loss is None:
        return f"the loss became NaN or infinite in epoch {last.epoch}"
    if last.test_loss is None:
        return f"the loss on the test set is NaN or infinite after epoch {last.epoch}"
    first = metrics.start.train_loss if metrics.start else None
    bound = GROWN * max(first or 0.0, guessing_loss(metrics))
    if min(last.train_loss, last.test_loss) <= bound:
        return None
    began = "" if first is None else f"from {first:.2f} in the first batch "
    losses = f"{last.train_loss:.4g} on the training set and {last.test_loss:.4g} on the test set"
    return f"the loss grew {began}to {losses} in epoch {last.epoch}; guessing costs {guessing_loss(metrics):.2f}"
