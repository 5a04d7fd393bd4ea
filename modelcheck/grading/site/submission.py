"""A submission's page: the verdict and what it rests on, what helps, what was measured, and how it was marked."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import msgspec
import numpy as np
from numpy.typing import NDArray

from modelcheck.formats.table import fact_rows, origin_rows, said
from modelcheck.grading.records import Grade
from modelcheck.grading.site.advice import Advice, advice
from modelcheck.grading.site.course import Course, who
from modelcheck.grading.site.measured import measured
from modelcheck.grading.site.rendering import moment, points_text, write_page
from modelcheck.judge import Award, awards
from modelcheck.report import Finding, Report, RuleOutcome
from modelcheck.rules import find_rule

Kind = Literal["pass", "fail", "advice", "not run"]

_MOST_FINDINGS = 20  # of one rule
_MOST_LAYERS = 500
_SANDBOXES = {
    "bubblewrap": "The author's code ran only to be loaded and captured, inside a bubblewrap sandbox: without network, "
    "data or labels.",
    "process": "The author's code ran only to be loaded and captured, in a confined process of its own, without data "
    "or labels. A sandbox of namespaces guarantees more.",
    "none": "The author's code ran only to be loaded and captured, and was not sandboxed, as --sandbox none asks: it "
    "could do whatever the grader's user can.",
}
_AFTER = " All else is decided by the captured graph, in processes that never import the author's code."


@dataclass(frozen=True)
class _Outcome:
    """One rule in the table, or as a card: what it decided, what it found, what its documentation says."""

    code: str
    name: str
    kind: Kind
    text: str
    required: bool
    award: Award | None
    findings: tuple[Finding, ...]
    more: int

    @property
    def advice(self) -> Advice | None:
        return advice(self.code)


def write_submission(folder: Path, course: Course, grade: Grade, test_images: NDArray[np.uint8] | None = None) -> None:
    """Write ``index.html`` into the submission's folder, which lies two levels below the course's page.

    Args:
        folder: of the submission, which is there.
        course: what the submissions share.
        grade: what is shown.
        test_images: of the data set that was measured on, (N, C, H, W); without them the mistakes have no pictures.
    Raises:
        UsageError: the file cannot be written.
    """
    report = grade.report
    outcomes = list(_outcomes(course, report))
    write_page(
        folder / "index.html",
        "submission.html",
        course=course,
        grade=grade,
        who=who(grade),
        headline=said(msgspec.structs.replace(report, policy=course.policy_name)),
        parameters=report.facts.parameters.total + (report.facts.parameters.hidden or 0) if report.facts else None,
        failed=[one for one in outcomes if one.kind == "fail"],
        advised=[one for one in outcomes if one.kind == "advice"],
        loud=[one for one in outcomes if one.required or one.kind in ("fail", "advice")],
        silent=[one for one in outcomes if not one.required and one.kind in ("pass", "not run")],
        awarded=any(one.award for one in outcomes),
        late_text=_late_text(grade, outcomes),
        measured=measured(grade, test_images),
        fact_rows=list(fact_rows(report.facts)) if report.facts else [],
        layers=report.layers[:_MOST_LAYERS],
        more_layers=max(len(report.layers) - _MOST_LAYERS, 0),
        sandbox_text=_SANDBOXES[grade.sandboxed.sandbox] + _AFTER,
        marking_rows=list(_marking_rows(grade, course)),
    )


def _outcomes(course: Course, report: Report) -> Iterator[_Outcome]:
    """The rules in their order, those that stopped it first."""
    given = {one.code: one for one in awards(course.policy, report.rules, report.ignored)}
    found: dict[str, list[Finding]] = {}
    for finding in report.findings:
        found.setdefault(finding.code, []).append(finding)
    for one in sorted(report.rules, key=lambda one: not (_is_step(one) and one.outcome == "fail")):
        findings = found.get(one.code, [])
        yield _Outcome(
            code=one.code,
            name=one.name,
            kind=_kind(one, findings),
            text=one.evidence or one.cause or "",
            required=one.severity == "error" and not _is_step(one),
            award=given.get(one.code),
            findings=tuple(findings[:_MOST_FINDINGS]),
            more=max(len(findings) - _MOST_FINDINGS, 0),
        )


def _kind(one: RuleOutcome, findings: Sequence[Finding]) -> Kind:
    if one.outcome == "fail" and one.severity == "error":
        return "fail"
    return "advice" if findings else one.outcome


def _is_step(one: RuleOutcome) -> bool:
    """Whether it is always on: a step on the way to a capture."""
    rule = find_rule(one.code)
    return rule is not None and rule.always


def _late_text(grade: Grade, outcomes: Sequence[_Outcome]) -> str:
    if grade.late is None:
        return ""
    when = f"Submitted on {moment(grade.submitted)}, " if grade.submitted else "Submitted "
    text = f"{when}{grade.late.days:.1f} days late"
    if grade.points is None:
        return f"{text}."
    before = sum(one.award.points for one in outcomes if one.award)
    cost = f"{grade.late.penalty * 100:.4g} % of the points"
    return f"{text}, which costs {cost}: {points_text(grade.points)} are left of {points_text(before)}."


def _marking_rows(grade: Grade, course: Course) -> Iterator[tuple[str, str]]:
    if students := list(filter(None, [one.student for one in grade.group] or [grade.student])):
        yield "student", ", ".join(students)
    if grade.submitted:
        yield "submitted", moment(grade.submitted)
    if course.policy_name:
        yield "policy", course.policy_name
    if grade.report.origin:
        yield from origin_rows(grade.report.origin)
    yield "content", f"SHA-256 {grade.content}"
    yield "time", f"{grade.seconds:.1f} s"
