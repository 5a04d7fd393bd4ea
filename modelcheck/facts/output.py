"""What the model's output means, read off its last operators."""

from __future__ import annotations

from modelcheck.facts.structs import OutputKind
from modelcheck.facts.trace import Step, Trace
from modelcheck.graph.wire import NodeRef

_LOG = ("log", "log_")
_CLAMPS = ("clamp", "clamp_", "clamp_min", "clamp_min_", "clamp_max", "clip")
_HARMLESS_BEFORE_LOG = (*_CLAMPS, "add", "add_")


def output_kind(trace: Trace) -> OutputKind:
    """Log-probabilities or probabilities where a softmax over the classes comes last, else logits.

    Log-probabilities made by hand (``x - x.logsumexp(1)``) are taken for logits, which is harmless: the cross-entropy
    of log-probabilities taken for logits is the same number.
    """
    last = _last(trace, trace.graph.outputs[0] if trace.graph.outputs else None)
    if last is None:
        return "logits"
    if last.name in ("log_softmax", "_log_softmax") and _over_classes(last):
        return "log-probabilities"
    clamped: Step | None = last
    while clamped is not None and clamped.name in _CLAMPS:
        clamped = _last(trace, clamped.node.args[0])
    if clamped is not None and clamped.name in ("softmax", "_softmax") and _over_classes(clamped):
        return "probabilities"
    before = _last(trace, last.node.args[0]) if last.node.args else None
    if last.name in _LOG:
        while before is not None and before.name in _HARMLESS_BEFORE_LOG:
            before = _last(trace, before.node.args[0])
        if before is not None and before.name in ("softmax", "_softmax") and _over_classes(before):
            return "log-probabilities"
    if last.name == "exp" and before is not None and before.name == "log_softmax" and _over_classes(before):
        return "probabilities"
    return "logits"


def _last(trace: Trace, value: object) -> Step | None:
    """The step that made a value, looked at through views, casts and dropout that is off."""
    while isinstance(value, NodeRef):
        step = trace.steps[value.id]
        if step.kind not in ("view", "dropout") and step.node.op != "operator.getitem":
            return step
        value = step.node.args[0]
    return None


def _over_classes(step: Step) -> bool:
    rank = len(step.shape or ())
    return rank >= 2 and step.args[1] % rank == 1
