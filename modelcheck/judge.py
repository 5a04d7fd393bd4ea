"""From what is known of a model to a verdict: the policy's rules, one after the other."""

from __future__ import annotations

from collections.abc import Sequence

from modelcheck.policy import ActiveRule, Policy
from modelcheck.report import Finding, RuleOutcome, Score, Verdict
from modelcheck.rules import find_rule
from modelcheck.rules.base import Decision, NotRun, Subject


def judge(subject: Subject, active: Sequence[ActiveRule]) -> tuple[tuple[RuleOutcome, ...], tuple[Finding, ...]]:
    """What each rule decided, and everything that they found."""
    outcomes: list[RuleOutcome] = []
    findings: list[Finding] = []
    for one in active:
        outcome, found = _decide(subject, one)
        outcomes.append(outcome)
        findings.extend(found)
    return tuple(outcomes), tuple(findings)


def verdict(
    subject: Subject,
    active: Sequence[ActiveRule],
    outcomes: Sequence[RuleOutcome],
    findings: Sequence[Finding],
    *,
    strict: bool,
    measured: bool,
) -> Verdict:
    """Error where nothing could be captured; else fail where a constraint is violated or could not be shown to hold.

    A rule that waits for training does not count where no training was asked for (``measured``). With ``strict``,
    advice counts.
    """
    if subject.failure is not None:
        return "error"
    if any(finding.severity == "error" or strict for finding in findings):
        return "fail"
    waiting = {one.rule.code for one in active if one.rule.waits_for_training and not measured}
    unknown = [
        one for one in outcomes if one.outcome == "not run" and one.severity == "error" and one.code not in waiting
    ]
    return "fail" if unknown else "pass"


def score(policy: Policy, outcomes: Sequence[RuleOutcome]) -> Score | None:
    """The points of the rules that passed; None where the policy gives none."""
    points = policy.grading.points
    if not points:
        return None
    passed = {one.code for one in outcomes if one.outcome == "pass"}
    given = sum(value for name, value in points.items() if (rule := find_rule(name)) and rule.code in passed)
    return Score(points=float(given), max_points=float(sum(points.values())))


def _decide(subject: Subject, one: ActiveRule) -> tuple[RuleOutcome, list[Finding]]:
    rule = one.rule
    try:
        decision = rule.check(subject, one.options)
    except NotRun as cause:
        outcome = RuleOutcome(
            code=rule.code, name=rule.name, severity=one.severity, outcome="not run", cause=str(cause)
        )
        return outcome, []
    findings = _findings(decision, one)
    failed = any(problem.severity is None for problem in decision.problems)
    outcome = RuleOutcome(
        code=rule.code,
        name=rule.name,
        severity=one.severity,
        outcome="fail" if failed else "pass",
        evidence=decision.evidence,
    )
    return outcome, findings


def _findings(decision: Decision, one: ActiveRule) -> list[Finding]:
    return [
        Finding(
            code=one.rule.code,
            name=one.rule.name,
            severity=problem.severity or one.severity,
            message=problem.message,
            where=problem.where,
            file=problem.file,
            line=problem.line,
        )
        for problem in decision.problems
    ]
