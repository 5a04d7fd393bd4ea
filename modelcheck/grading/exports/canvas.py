"""CSV that Canvas' gradebook imports: Grades, Import.

Source: Canvas' lib/gradebook_importer.rb. The first columns are named Student, ID, SIS User ID, SIS Login ID and
Section; each other column is an assignment, whose title Canvas looks for. A second row holds the points possible.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from modelcheck.grading.exports import Row, one_each, write_csv
from modelcheck.grading.layouts import canvas
from modelcheck.grading.records import Grade, Submission

_STUDENT = ("Student", "ID", "SIS User ID", "SIS Login ID", "Section")


def write(target: Path, grades: Iterable[Grade], title: str) -> None:
    """Write one row a student, with the points of what counts; without points the cell is empty, and nothing changes.

    A student whose file has Canvas' name is found by Canvas' number. Any other is looked for by the roster's or the
    platform's number among those of the registrar (SIS), and then by name; each member of a group has a row.

    Args:
        title: the assignment's, as Canvas has it; another makes a new assignment.
    Raises:
        UsageError: the file cannot be written.
    """
    rows = one_each(grades, _students, lambda grade: (grade.points, grade.max_points))
    possible = next((most for *_, most in rows if most is not None), None)
    header = [(*_STUDENT, title), ("    Points Possible", None, None, None, None, possible)]
    write_csv(target, [*header, *((*student, points) for *student, points, _ in rows)])


def is_theirs(one: Submission | Grade) -> bool:
    """Whether Canvas tells who handed it in."""
    return one.student is not None and one.student == canvas.user(one.id.rpartition("/")[2])


def _students(grade: Grade) -> list[Row]:
    """The first cells of each who handed it in."""
    if is_theirs(grade):
        return [(grade.name, grade.student, None, None, None)]
    return [(one.name or one.student or grade.id, None, one.student, None, None) for one in grade.group or (grade,)]
