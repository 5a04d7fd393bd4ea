"""The course's page: the numbers, the pictures, what failed how often, what is alike, and a table of all."""

from __future__ import annotations

import statistics
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from modelcheck.files import write_beside
from modelcheck.grading.encoding import folder_name
from modelcheck.grading.records import Grade
from modelcheck.grading.roster import Row as Enrolled
from modelcheck.grading.site.course import Course, who
from modelcheck.pages.advice import Advice, advice
from modelcheck.pages.charts import Scatter, histogram, scatter
from modelcheck.pages.rendering import encoded_page
from modelcheck.report import Tool, Verdict
from modelcheck.rules import find_rule

if TYPE_CHECKING:
    from modelcheck.grading.alike.prints import Cluster
    from modelcheck.report import Likeness

_ALIKE: dict[Likeness, str] = {
    "graph": "The same graph, up to names and order",
    "weights": "The same weights",
    "source": "Nearly the same source, once names and layout are set aside",
}


@dataclass(frozen=True, slots=True)
class _Row:
    """One submission in the table."""

    id: str
    name: str | None
    verdict: Verdict
    points: float | None
    parameters: int | None
    accuracy: float | None
    failed: tuple[str, ...]
    days_late: float
    seconds: float


@dataclass(frozen=True)
class _Failed:
    """A rule, and how many submissions violate it."""

    name: str
    count: int

    @property
    def code(self) -> str:
        rule = find_rule(self.name)
        return rule.code if rule else ""

    @property
    def advice(self) -> Advice | None:
        return advice(self.code)


def write_index(
    out: Path,
    course: Course,
    grades: Iterable[Grade],
    clusters: Sequence[Cluster] | None = None,
    missing: Sequence[Enrolled] = (),
) -> None:
    """Write ``index.html`` into the folder.

    Args:
        out: the folder, which is there.
        course: what the submissions share.
        grades: in the order of the table; each is looked at once, and none is kept.
        clusters: what is alike, by the ids of submissions; None: nothing was compared.
        missing: who handed in nothing.
    Raises:
        UsageError: the file cannot be written.
    """
    rows, most, tool, images = [], 0.0, None, 0
    for grade in grades:
        rows.append(_row(grade))
        most = max(most, grade.max_points or 0.0)
        tool = tool or grade.report.tool
        images = images or (grade.report.metrics.test_images if grade.report.metrics else 0)
    failed = Counter(name for row in rows for name in row.failed)
    points = [row.points for row in rows if row.points is not None]
    encoded = encoded_page(
        "index.html",
        package=__package__,
        course=course,
        tool=tool or Tool(name="modelcheck", version="", torch=""),
        rows=rows,
        max_points=most,
        verdicts=Counter(row.verdict for row in rows),
        median_points=statistics.median(points) if points else None,
        median_accuracy=_median(row.accuracy for row in rows),
        median_parameters=_median(row.parameters for row in rows),
        marks=histogram(points, most) if points and most else None,
        scatter=_scatter(rows, course, images),
        failed=[_Failed(name, count) for name, count in sorted(failed.items(), key=lambda one: (-one[1], one[0]))],
        alike=None if clusters is None else _alike(clusters),
        missing=missing,
        folder_name=folder_name,
    )
    write_beside(out / "index.html", encoded)


def _row(grade: Grade) -> _Row:
    facts = grade.report.facts
    return _Row(
        id=grade.id,
        name=who(grade),
        verdict=grade.report.verdict,
        points=grade.points,
        parameters=facts.parameters.total + (facts.parameters.hidden or 0) if facts else None,
        accuracy=grade.accuracy,
        failed=grade.failed,
        days_late=grade.late.days if grade.late else 0.0,
        seconds=grade.seconds,
    )


def _scatter(rows: Sequence[_Row], course: Course, images: int) -> Scatter | None:
    known = [
        (row.parameters, row.accuracy, row.verdict)
        for row in rows
        if row.parameters is not None and row.accuracy is not None
    ]
    return scatter(known, course.budget, course.threshold, images or 10_000) if known else None


def _median(values: Iterable[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return statistics.median(known) if known else None


def _alike(clusters: Sequence[Cluster]) -> list[tuple[str, list[Cluster]]]:
    """The clusters by what is alike in them, in words; without what nothing is alike in."""
    groups = [(said, [one for one in clusters if one.likeness == kind]) for kind, said in _ALIKE.items()]
    return [(said, found) for said, found in groups if found]
