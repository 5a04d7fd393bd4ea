"""What the rules of the road share: each is one step on the way to a capture, and the first that fails ends it."""

from __future__ import annotations

from typing import Any, ClassVar

from modelcheck.rules.base import Decision, NotRun, Problem, Rule, Subject

_STEPS = ("MC606", "MC604", "MC605", "MC001", "MC002", "MC003", "MC004")  # in the order they are taken


class FailureRule(Rule):
    """Fails where the road to a capture ended at this rule's step."""

    kind = "error"
    always = True
    evidence: ClassVar[str]  # where the step was taken
    failed: ClassVar[str]  # where it was not; the finding tells why

    def check(self, subject: Subject, options: Any) -> Decision:
        """Fail with the author's error, pass if a later step was reached, else not run."""
        failure = subject.failure
        if failure is None or _passed(self.code, failure.code):
            return Decision(self.evidence)
        if failure.code != self.code:
            raise NotRun(f"{failure.code} failed before it")
        return Decision(self.failed, (Problem(failure.message, file=failure.file, line=failure.line),))


def _passed(code: str, failed: str) -> bool:
    """Whether ``code`` is known to hold where ``failed`` ended the road.

    A process that was stopped (MC601 to MC603) may have been at any step; one that told its failure was not stopped.
    """
    if failed not in _STEPS:
        return False
    return code not in _STEPS or _STEPS.index(failed) > _STEPS.index(code)
