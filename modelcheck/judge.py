"""From what is known of a model to a verdict: the policy's rules, one after the other."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from modelcheck.graph.wire import IgnoreInfo
from modelcheck.policy import ActiveRule, Policy
from modelcheck.report import Award, Finding, RuleOutcome, Score, UnknownIgnore, Verdict
from modelcheck.rules import find_rule
from modelcheck.rules.base import NotRun, Problem, Subject
from modelcheck.words import counted


class Judgement(NamedTuple):
    """What each rule decided, what they found, and what of it the author's comments ignore."""

    outcomes: tuple[RuleOutcome, ...]
    findings: tuple[Finding, ...]
    ignored: tuple[Finding, ...]


def judge(subject: Subject, active: Sequence[ActiveRule]) -> Judgement:
    """The outcomes and findings of the rules, in their order."""
    outcomes: list[RuleOutcome] = []
    findings: list[Finding] = []
    ignored: list[Finding] = []
    for one in active:
        outcome, found, silenced = _decide(subject, one)
        outcomes.append(outcome)
        findings.extend(found)
        ignored.extend(silenced)
    return Judgement(tuple(outcomes), tuple(findings), tuple(ignored))


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


def score(policy: Policy, outcomes: Sequence[RuleOutcome], ignored: Sequence[Finding] = ()) -> Score | None:
    """The points of the rules that passed; None where the policy gives none."""
    given = awards(policy, outcomes, ignored)
    if not given:
        return None
    return Score(points=sum(one.points for one in given), max_points=sum(one.max_points for one in given))


def awards(policy: Policy, outcomes: Sequence[RuleOutcome], ignored: Sequence[Finding] = ()) -> tuple[Award, ...]:
    """What each rule that the policy has points for gives: all of them where it passed, else none.

    A rule of which something was ignored gives no points: who hands in a model does not decide them.
    """
    passed = {one.code for one in outcomes if one.outcome == "pass"} - {finding.code for finding in ignored}
    worth = [(rule, float(value)) for key, value in (policy.grading.points or {}).items() if (rule := find_rule(key))]
    return tuple(
        Award(code=rule.code, points=value if rule.code in passed else 0.0, max_points=value) for rule, value in worth
    )


def unknown_ignores(subject: Subject) -> tuple[UnknownIgnore, ...]:
    """What the author's comments ignore and no rule is called."""
    return tuple(
        UnknownIgnore(name=code, file=one.file, line=one.line)
        for one in subject.ignores
        for code in one.codes
        if find_rule(code) is None
    )


def _decide(subject: Subject, one: ActiveRule) -> tuple[RuleOutcome, list[Finding], list[Finding]]:
    """The outcome, the findings, and those that are ignored."""
    rule = one.rule
    try:
        decision = rule.check(subject, one.options)
    except NotRun as cause:
        outcome = RuleOutcome(
            code=rule.code, name=rule.name, severity=one.severity, outcome="not run", cause=str(cause)
        )
        return outcome, [], []
    findings, ignored, failed = [], [], False
    for problem in decision.problems:
        finding = _finding(problem, one, subject)
        if _is_ignored(finding, subject.ignores):
            ignored.append(finding)
        else:
            findings.append(finding)
            failed |= problem.severity is None
    outcome = RuleOutcome(
        code=rule.code,
        name=rule.name,
        severity=one.severity,
        outcome="fail" if failed else "pass",
        evidence=decision.evidence + _ignored(len(ignored)),
    )
    return outcome, findings, ignored


def _ignored(count: int) -> str:
    return f"; {counted(count, 'finding is', 'findings are')} ignored by comments" if count else ""


def _finding(problem: Problem, one: ActiveRule, subject: Subject) -> Finding:
    place = (problem.file, problem.line)
    if problem.file is None:
        place = subject.places.get(problem.where or "", place)
    return Finding(
        code=one.rule.code,
        name=one.rule.name,
        severity=problem.severity or one.severity,
        message=problem.message,
        where=problem.where,
        file=place[0],
        line=place[1],
    )


def _is_ignored(finding: Finding, ignores: Sequence[IgnoreInfo]) -> bool:
    """Whether it is advice, and comments that mean its rule stand on its line or name every module it is about."""
    if finding.severity == "error":
        return False
    meant = [one for one in ignores if not one.codes or any(_means(code, finding) for code in one.codes)]
    about = {path for one in meant for path in one.modules}
    at = {(one.file, one.line) for one in meant}
    return (finding.file, finding.line) in at or about.issuperset((finding.where or "").split(", "))


def _means(code: str, finding: Finding) -> bool:
    return code.lower() in (finding.code.lower(), finding.name)
