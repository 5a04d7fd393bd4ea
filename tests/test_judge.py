from __future__ import annotations

from typing import Any

import pytest

from modelcheck.errors import LoadError
from modelcheck.judge import judge, score, verdict
from modelcheck.policy import ActiveRule, Policy
from modelcheck.policy_file import GradingSection
from modelcheck.report import RuleOutcome
from modelcheck.rules.base import Decision, NotRun, Options, Problem, Rule, Subject


class Made(Rule):
    """A rule that says what it is told."""

    code = "MC999"
    name = "made"
    kind = "error"

    def __init__(self, said: Decision | str, *, waits: bool = False) -> None:
        self.said = said
        self.waits_for_training = waits  # type: ignore[misc]

    def check(self, subject: Subject, options: Any) -> Decision:
        if isinstance(self.said, str):
            raise NotRun(self.said)
        return self.said


PASSES = Decision("fine")
FAILS = Decision("three of two", (Problem("three", where="a", file="net.py", line=3),))
ADVISES = Decision("fine", (Problem("perhaps", severity="advice"),))


def judged(
    said: Decision | str,
    severity: Any = "error",
    *,
    strict: bool = False,
    waits: bool = False,
    measured: bool = False,
    failure: Any = None,
) -> tuple[str, RuleOutcome, int]:
    subject = Subject(failure=failure)
    active = [ActiveRule(Made(said, waits=waits), Options(), severity)]
    outcomes, findings, _ = judge(subject, active)
    return verdict(subject, active, outcomes, findings, strict=strict, measured=measured), outcomes[0], len(findings)


@pytest.mark.parametrize(
    ("said", "severity", "strict", "outcome", "expected"),
    [
        (PASSES, "error", False, "pass", "pass"),
        (PASSES, "error", True, "pass", "pass"),
        (FAILS, "error", False, "fail", "fail"),
        (FAILS, "advice", False, "fail", "pass"),
        (FAILS, "advice", True, "fail", "fail"),
        (ADVISES, "error", False, "pass", "pass"),
        (ADVISES, "error", True, "pass", "fail"),
        ("cannot know", "error", False, "not run", "fail"),
        ("cannot know", "advice", False, "not run", "pass"),
        ("cannot know", "advice", True, "not run", "pass"),
    ],
)
def test_verdict(said: Decision | str, severity: str, strict: bool, outcome: str, expected: str) -> None:
    found, one, _ = judged(said, severity, strict=strict)
    assert (one.outcome, found) == (outcome, expected)


@pytest.mark.parametrize("said", [PASSES, FAILS, "cannot know"])
def test_a_failure_of_the_author_is_an_error_whatever_the_rules_say(said: Decision | str) -> None:
    assert judged(said, failure=LoadError("no"))[0] == "error"


def test_what_waits_for_training_does_not_count_before_it() -> None:
    assert judged("nothing was trained", waits=True)[0] == "pass"
    assert judged("nothing was trained", waits=False)[0] == "fail"


def test_what_waits_for_training_counts_where_training_was_asked_for() -> None:
    assert judged("nothing was trained", waits=True, measured=True)[0] == "fail"


def test_evidence_and_cause() -> None:
    _, passed, found = judged(PASSES)
    assert (passed.evidence, passed.cause, found) == ("fine", None, 0)
    _, unknown, found = judged("cannot know")
    assert (unknown.evidence, unknown.cause, found) == (None, "cannot know", 0)


def test_a_finding_carries_the_rules_severity_and_the_problems_place() -> None:
    _, (finding,), _ = judge(Subject(), [ActiveRule(Made(FAILS), Options(), "advice")])
    assert (finding.code, finding.name, finding.severity, finding.message) == ("MC999", "made", "advice", "three")
    assert (finding.where, finding.file, finding.line) == ("a", "net.py", 3)


@pytest.mark.parametrize(
    ("points", "expected"),
    [
        (None, None),
        ({}, None),
        ({"batch-norm": 15.0}, (15.0, 15.0)),
        ({"batch-norm": 15.0, "dropout": 10.0}, (15.0, 25.0)),
        ({"MC201": 15.0, "mc202": 10.0}, (15.0, 25.0)),
        ({"global-average-pooling": 5.0}, (0.0, 5.0)),
        ({"parameter-budget": 5.0}, (0.0, 5.0)),
    ],
)
def test_points_are_for_rules_that_passed(
    points: dict[str, float] | None, expected: tuple[float, float] | None
) -> None:
    outcomes = [
        RuleOutcome(code=code, name=name, severity="error", outcome=outcome)  # type: ignore[arg-type]
        for code, name, outcome in [
            ("MC201", "batch-norm", "pass"),
            ("MC202", "dropout", "fail"),
            ("MC203", "global-average-pooling", "not run"),
        ]
    ]
    found = score(Policy(grading=GradingSection(points=points)), outcomes)
    assert (found and (found.points, found.max_points)) == expected
