from __future__ import annotations

from typing import Any

import pytest

from modelcheck.errors import LoadError
from modelcheck.graph.wire import IgnoreInfo
from modelcheck.judge import judge, score, unknown_ignores, verdict
from modelcheck.policy import ActiveRule, Policy
from modelcheck.policy_file import GradingSection
from modelcheck.report import Finding, RuleOutcome, UnknownIgnore
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


def comment(*codes: str, line: int = 3, about: tuple[str, ...] = (), file: str = "net.py") -> IgnoreInfo:
    return IgnoreInfo(file=file, line=line, modules=about, codes=codes)


def advised(problem: Problem, *ignores: IgnoreInfo, severity: Any = "advice") -> tuple[int, int]:
    """How many findings are left of one, and how many are ignored."""
    subject = Subject(ignores=ignores)
    _, findings, ignored = judge(subject, [ActiveRule(Made(Decision("one", (problem,))), Options(), severity)])
    assert len(findings) + len(ignored) == 1
    return len(findings), len(ignored)


AT_LINE = Problem("it", where="a", file="net.py", line=3)
LEFT, IGNORED = (1, 0), (0, 1)


@pytest.mark.parametrize(
    ("problem", "ignores", "expected"),
    [
        (AT_LINE, [], LEFT),
        (AT_LINE, [comment()], IGNORED),
        (AT_LINE, [comment("MC999")], IGNORED),
        (AT_LINE, [comment("mc999")], IGNORED),
        (AT_LINE, [comment("made")], IGNORED),
        (AT_LINE, [comment("MC401", "Made")], IGNORED),
        (AT_LINE, [comment("MC401")], LEFT),
        (AT_LINE, [comment("MC9")], LEFT),
        (AT_LINE, [comment("MC9999")], LEFT),
        (AT_LINE, [comment(line=4)], LEFT),
        (AT_LINE, [comment(file="other.py")], LEFT),
        (AT_LINE, [comment(line=9, about=("a",))], IGNORED),
        (AT_LINE, [comment(line=9, about=("b", "a.b"))], LEFT),
        (AT_LINE, [comment("MC401", line=9, about=("a",))], LEFT),
        (AT_LINE, [comment("MC401"), comment("MC999", line=9, about=("a",))], IGNORED),
        (Problem("it", where="a, b"), [comment(about=("a",))], LEFT),
        (Problem("it", where="a, b"), [comment(about=("a", "b"))], IGNORED),
        (Problem("it", where="a, b"), [comment(about=("a",)), comment(line=9, about=("b",))], IGNORED),
        (Problem("it", where="a, b"), [comment(about=("a",)), comment("MC401", about=("b",))], LEFT),
        (Problem("it"), [comment(about=("a",))], LEFT),
        (Problem("it", where=""), [comment(about=("a",))], LEFT),
        (Problem("it", file="net.py"), [comment()], LEFT),
    ],
)
def test_what_a_comment_ignores(problem: Problem, ignores: list[IgnoreInfo], expected: tuple[int, int]) -> None:
    assert advised(problem, *ignores) == expected


@pytest.mark.parametrize("ignores", [[comment()], [comment("MC999")], [comment(about=("a",))]])
def test_a_constraint_is_not_ignored(ignores: list[IgnoreInfo]) -> None:
    assert advised(AT_LINE, *ignores, severity="error") == LEFT


@pytest.mark.parametrize(("severity", "expected"), [("error", LEFT), ("advice", IGNORED)])
def test_the_findings_own_severity_counts(severity: Any, expected: tuple[int, int]) -> None:
    other = "advice" if severity == "error" else "error"
    problem = Problem("it", file="net.py", line=3, severity=severity)
    assert advised(problem, comment(), severity=other) == expected


@pytest.mark.parametrize("strict", [False, True])
def test_what_is_ignored_is_no_failure(strict: bool) -> None:
    subject = Subject(ignores=(comment(),))
    active = [ActiveRule(Made(Decision("one thing", (AT_LINE,))), Options(), "advice")]
    (outcome,), findings, (ignored,) = judge(subject, active)
    assert (outcome.outcome, outcome.evidence) == ("pass", "one thing; 1 finding is ignored by comments")
    assert (findings, ignored.message, ignored.line) == ((), "it", 3)
    assert verdict(subject, active, [outcome], findings, strict=strict, measured=False) == "pass"


def test_what_is_not_ignored_is() -> None:
    problems = tuple(Problem("it", file="net.py", line=line) for line in (3, 4, 5))
    subject = Subject(ignores=(comment(line=3), comment(line=5)))
    active = [ActiveRule(Made(Decision("three", problems)), Options(), "advice")]
    (outcome,), findings, ignored = judge(subject, active)
    assert (outcome.outcome, outcome.evidence) == ("fail", "three; 2 findings are ignored by comments")
    assert ([one.line for one in findings], [one.line for one in ignored]) == ([4], [3, 5])
    assert verdict(subject, active, [outcome], findings, strict=True, measured=False) == "fail"


def test_a_rule_that_was_ignored_gives_no_points() -> None:
    outcomes = [RuleOutcome(code="MC401", name="unused-module", severity="advice", outcome="pass")]
    ignored = [Finding(code="MC401", name="unused-module", severity="advice", message="it")]
    policy = Policy(grading=GradingSection(points={"unused-module": 10.0}))
    assert [made.points for one in ((), ignored) if (made := score(policy, outcomes, one))] == [10.0, 0.0]


def test_comments_that_ignore_what_is_no_rule() -> None:
    ignores = (comment("MC401", "nonsense", "unused-module"), comment(), comment("MC9", line=7))
    assert unknown_ignores(Subject(ignores=ignores)) == (
        UnknownIgnore(name="nonsense", file="net.py", line=3),
        UnknownIgnore(name="MC9", file="net.py", line=7),
    )


PLACES = {"a": ("net.py", 5), "b": ("net.py", 6)}


@pytest.mark.parametrize(
    ("problem", "expected"),
    [
        (Problem("it", where="a"), ("net.py", 5)),
        (Problem("it", where="b"), ("net.py", 6)),
        (Problem("it", where="a", file="other.py", line=1), ("other.py", 1)),
        (Problem("it", where="a", file="other.py"), ("other.py", None)),
        (Problem("it", where="a.b"), (None, None)),
        (Problem("it", where="a, b"), (None, None)),
        (Problem("it"), (None, None)),
    ],
)
def test_a_finding_without_a_line_has_its_modules(problem: Problem, expected: tuple[str | None, int | None]) -> None:
    active = [ActiveRule(Made(Decision("one", (problem,))), Options(), "error")]
    _, (finding,), _ = judge(Subject(places=PLACES), active)
    assert (finding.file, finding.line) == expected
