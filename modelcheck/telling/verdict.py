"""The verdict, and the rules that decide it."""

from __future__ import annotations

from functools import cache

from modelcheck.author_trace import printable
from modelcheck.report import Report, RuleOutcome, Severity
from modelcheck.rules import all_rules, find_rule
from modelcheck.telling.rows import first_of


def verdict_line(report: Report) -> str:
    """The verdict, the target, why, and the points, on one line."""
    line = f"{report.verdict.upper()} {printable(report.target)}: {printable(said(report))}"
    return line + (f", {score_text(report)}" if report.score else "")


def score_text(report: Report) -> str:
    """The points in words: ``85 of 100 points``; empty where there are none to be had."""
    return f"{report.score.points:,.10g} of {report.score.max_points:,.10g} points" if report.score else ""


def said(report: Report) -> str:
    """The verdict in words, with the codes of the rules that decided it."""
    if report.verdict == "error":
        stopped = (one for one in report.rules if is_step(one.code) and one.outcome == "fail")
        why = (f"{printable(one.evidence or '')} ({one.code})" for one in stopped)
        return next(why, "could not be loaded, captured or run")
    policy = f" {printable(report.policy)}" if report.policy else ""
    constraints = _constraints(report)
    unknown = [one.code for one in constraints if one.outcome == "not run"]
    if report.verdict == "pass":
        said = f"passes{policy}" if policy or constraints else "no policy, so nothing is required"
        return f"{said}; not run: {first_of(unknown)}" if unknown else said
    if failed := [one.code for one in constraints if one.outcome == "fail"]:
        return f"fails{policy}: {first_of(failed)}"
    if advised := [finding.code for finding in report.findings]:
        return f"fails{policy}, as advice counts: {first_of(dict.fromkeys(advised))}"
    return f"fails{policy}, as it could not be decided: {first_of(unknown)}"


def is_required(report: Report) -> bool:
    """Whether a policy was found, or a constraint asked for; else a model passes whatever it is."""
    return report.verdict == "error" or bool(report.policy or _constraints(report))


def _constraints(report: Report) -> list[RuleOutcome]:
    return [one for one in report.rules if one.severity == "error" and not is_step(one.code)]


def is_step(code: str) -> bool:
    """Whether the rule is always on: a step to a capture, of which one that fails is the verdict."""
    return code in _steps()


@cache
def _steps() -> frozenset[str]:
    return frozenset(rule.code for rule in all_rules() if rule.always)


def counts(report: Report, severity: Severity) -> bool:
    """Whether what has that severity counts against the verdict."""
    return severity == "error" or report.strict


def undecided(report: Report) -> tuple[RuleOutcome, ...]:
    """The constraints that fail the model because they could not be decided.

    None does where nothing could be captured, which fails it already, and those that wait for a training do not either
    where there was none.
    """
    if report.verdict != "fail":
        return ()
    return tuple(
        one
        for one in report.rules
        if one.severity == "error" and one.outcome == "not run" and (report.metrics or not _waits_for_training(one))
    )


def _waits_for_training(one: RuleOutcome) -> bool:
    rule = find_rule(one.code)
    return rule is not None and rule.waits_for_training
