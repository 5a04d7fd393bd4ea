"""``grades.csv``: one row a submission, and one for each who handed in nothing."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from modelcheck.grading.exports import Row, write_csv
from modelcheck.grading.records import Grade
from modelcheck.grading.roster import Row as Enrolled

COLUMNS = (
    "id",
    "verdict",
    "points",
    "max_points",
    "parameters",
    "accuracy",
    "failed rules",
    "seconds",
    "student",
    "name",
    "days late",
    "penalty",
)


def write(target: Path, grades: Iterable[Grade], missing: Iterable[Enrolled] = ()) -> None:
    """Write the grades in their order; accuracies and penalties are fractions of one, lateness is in days.

    Who handed in nothing comes last: the roster's id and name, "missing" for a verdict, and no points, as whether that
    makes none is the instructor's to say.

    Raises:
        UsageError: the file cannot be written.
    """
    write_csv(target, [COLUMNS, *map(_row, grades), *map(_nothing, missing)])


def _nothing(one: Enrolled) -> Row:
    told = {"id": one.id, "verdict": "missing", "name": one.name}
    return tuple(told.get(column) for column in COLUMNS)


def _row(grade: Grade) -> Row:
    facts = grade.report.facts
    return (
        grade.id,
        grade.report.verdict,
        grade.points,
        grade.max_points,
        facts.parameters.total if facts else None,
        grade.accuracy,
        ", ".join(grade.failed),
        round(grade.seconds, 3),
        grade.student,
        grade.name,
        grade.late.days if grade.late else None,
        grade.late.penalty if grade.late else None,
    )
