"""What the rules share that look at the class scores, between the layer that makes them and the softmax or output."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from modelcheck.facts.flow import Flow, Operator
from modelcheck.rules.base import Decision, Options, Rule, Subject, known_facts, known_flows
from modelcheck.rules.places import named, problem_at
from modelcheck.words import listed

_POOLED = ("average-pool", "max-pool", "mean")
_AROUND_SOFTMAX = ("log", "log_", "exp", "exp_", "add", "add_", "clamp", "clamp_", "clamp_min", "clamp_min_")
# an output this wide and this even is taken for features, unless something says that it is class scores
_FEATURES, _EVEN = 64, 16


@dataclass(frozen=True)
class ClassScores:
    """One score for each class, as training makes them.

    Args:
        classes: how many.
        layer: the convolution or linear layer that makes them.
        after: what is done to them then, in order: activations, batch norms and dropouts. Pooling is looked through.
        certain: whether the policy or a softmax says that they are scores of classes of which one is right.
    """

    classes: int
    layer: Operator
    after: tuple[Operator, ...]
    certain: bool


class OnScoresRule(Rule):
    """Advises against something that is done to the class scores."""

    kind = "advice"

    def complaint(self, operator: Operator, scores: ClassScores, layer: str) -> str | None:
        """What the operator does to the scores that ``layer`` makes, and what to do; None where nothing is wrong."""
        raise NotImplementedError

    def check(self, subject: Subject, options: Options) -> Decision:
        """Ask of each operator after the layer that makes the scores."""
        flow, scores = known_flows(subject).train, class_scores(subject)
        if scores is None:
            return Decision("the output is no class scores that one layer makes")
        layer = named(flow, scores.layer)
        said = [(one, text) for one in scores.after if (text := self.complaint(one, scores, layer))]
        problems = tuple(problem_at(one, f"{named(flow, one)} {text}") for one, text in said)
        found = f", {listed([named(flow, one) for one, _ in said])} after it" if said else ""
        return Decision(f"{layer} makes the {scores.classes:,} class scores{found}", problems)


def class_scores(subject: Subject) -> ClassScores | None:
    """The class scores in the training graph; None where the output is not (batch, classes) or no layer makes it.

    Raises:
        NotRun: no graph was captured.
    """
    facts, flow = known_facts(subject), known_flows(subject).train
    if len(facts.output_shape) != 1 or facts.output_shape[0] < 2:
        return None
    (classes,) = facts.output_shape
    softmax = {facts.output_kind, facts.training_output_kind} != {"logits"}
    certain = softmax if subject.classes is None else subject.classes == classes
    if not certain and (subject.classes is not None or (classes >= _FEATURES and classes % _EVEN == 0)):
        return None
    found = [one for one in _upwards(flow) if one.kind not in _POOLED]
    if not found or not _makes(found[-1], classes):
        return None
    return ClassScores(classes, found[-1], tuple(found[-2::-1]), certain)


def _upwards(flow: Flow) -> Iterator[Operator]:
    """From the scores upwards, as long as one operator takes what one made, to the first that is none of these."""
    one = _before_softmax(flow, flow.last)
    while one is not None:
        yield one
        one = flow.source(one) if one.kind in (*_POOLED, "activation", "batch-norm", "dropout") else None


def _before_softmax(flow: Flow, last: Operator | None) -> Operator | None:
    """What made that which the last softmax takes, or the output where none comes last."""
    one = last
    while one is not None and one.name in _AROUND_SOFTMAX:
        one = flow.source(one)
    return _before_softmax(flow, flow.source(one)) if one is not None and one.kind == "softmax" else last


def _makes(operator: Operator, classes: int) -> bool:
    """Whether an operator is a layer that gives one channel to each class."""
    shape = operator.shape or ()
    if operator.kind == "convolution":
        return shape[1] == classes
    return operator.kind in ("linear", "product") and shape[-1] == classes
