"""A submission's page: the verdict and what it rests on, what helps, what was measured, and how it was marked."""

from __future__ import annotations

import datetime
from collections.abc import Iterator
from pathlib import Path

import msgspec
import numpy as np
from numpy.typing import NDArray

from modelcheck.files import write_beside
from modelcheck.grading.records import Grade
from modelcheck.grading.site.course import Course, who
from modelcheck.judge import awards
from modelcheck.pages.described import described
from modelcheck.pages.measured import measured
from modelcheck.pages.outcomes import Outcomes
from modelcheck.pages.rendering import page, points_text
from modelcheck.telling.rows import origin_rows
from modelcheck.telling.verdict import said

_SANDBOXES = {
    "bubblewrap": "The author's code ran only to be loaded and captured, inside a bubblewrap sandbox: without network, "
    "data or labels.",
    "process": "The author's code ran only to be loaded and captured, in a confined process of its own, without data "
    "or labels. A sandbox of namespaces guarantees more.",
    "none": "The author's code ran only to be loaded and captured, and was not sandboxed, as --sandbox none asks: it "
    "could do whatever the grader's user can.",
}
_AFTER = " All else is decided by the captured graph, in processes that never import the author's code."


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
    outcomes = Outcomes.of(report, awards(course.policy, report.rules, report.ignored))
    text = page(
        "submission.html",
        package=__package__,
        course=course,
        grade=grade,
        who=who(grade),
        headline=said(msgspec.structs.replace(report, policy=course.policy_name)),
        outcomes=outcomes,
        late_text=_late_text(grade, outcomes),
        measured=measured(report.metrics, test_images, attempts=grade.accuracies, counting=grade.accuracy)
        if report.metrics
        else None,
        model=described(report),
        sandbox_text=_SANDBOXES[grade.sandboxed.sandbox] + _AFTER,
        marking_rows=list(_marking_rows(grade, course)),
    )
    write_beside(folder / "index.html", text.encode())


def _late_text(grade: Grade, outcomes: Outcomes) -> str:
    if grade.late is None:
        return ""
    when = f"Submitted on {_moment(grade.submitted)}, " if grade.submitted else "Submitted "
    text = f"{when}{grade.late.days:.1f} days late"
    if grade.points is None:
        return f"{text}."
    cost = f"{grade.late.penalty * 100:.4g} % of the points"
    return f"{text}, which costs {cost}: {points_text(grade.points)} are left of {points_text(outcomes.points)}."


def _marking_rows(grade: Grade, course: Course) -> Iterator[tuple[str, str]]:
    if students := list(filter(None, [one.student for one in grade.group] or [grade.student])):
        yield "student", ", ".join(students)
    if grade.submitted:
        yield "submitted", _moment(grade.submitted)
    if course.policy_name:
        yield "policy", course.policy_name
    if grade.report.origin:
        yield from origin_rows(grade.report.origin)
    yield "content", f"SHA-256 {grade.content}"
    yield "time", f"{grade.seconds:.1f} s"


def _moment(when: datetime.datetime) -> str:
    """The moment in UTC, to the minute."""
    return f"{when.astimezone(datetime.UTC):%Y-%m-%d %H:%M} UTC"
