"""What MC001 to MC004 share: each is one step on the way to a capture, and the first that fails stops the road."""

from __future__ import annotations

from typing import Any, ClassVar

from modelcheck.rules.base import Decision, NotRun, Problem, Rule, Subject

_STEPS = ("MC001", "MC002", "MC003", "MC004")


class FailureRule(Rule):
    """Fails where the road to a capture ended at this rule's step."""

    kind = "error"
    always = True
    evidence: ClassVar[str]  # where the step was taken
    failed: ClassVar[str]  # where it was not; the finding tells why

    def check(self, subject: Subject, options: Any) -> Decision:
        """Fail with the author's error, pass if a later step was reached, else not run."""
        failure = subject.failure
        if failure is None or _STEPS.index(failure.code) > _STEPS.index(self.code):
            return Decision(self.evidence)
        if failure.code != self.code:
            raise NotRun(f"{failure.code} failed before it")
        return Decision(self.failed, (Problem(failure.message, file=failure.file, line=failure.line),))
