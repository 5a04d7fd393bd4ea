"""CSV that Moodle imports: an assignment's grading worksheet, or Grades, Import, CSV file.

Source: Moodle's mod/assign/feedback/offline/importgradeslib.php. It needs the columns Identifier, Grade and Last
modified (grade), in English, and takes Feedback comments.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from modelcheck.grading.exports import Row, feedback, one_each, write_csv
from modelcheck.grading.layouts import moodle
from modelcheck.grading.records import Grade, Submission

_COLUMNS = (
    "Identifier",
    "Full name",
    "ID number",
    "Grade",
    "Maximum Grade",
    "Last modified (grade)",
    "Feedback comments",
)


def write(target: Path, grades: Iterable[Grade]) -> None:
    """Write one row a student, with the points of what counts; without points the cell is empty, and nothing changes.

    What came from Moodle has the participant's Identifier, which the worksheet goes by. Any other has the roster's or
    the platform's number as ID number, by which the gradebook's own import can find the student; each member of a group
    has a row. Moodle's downloads of group assignments name groups, not students: their rows are for people to read.

    Raises:
        UsageError: the file cannot be written.
    """
    write_csv(target, [_COLUMNS, *one_each(grades, _students, _told)])


def is_theirs(one: Submission | Grade) -> bool:
    """Whether Moodle tells who handed it in."""
    return one.student is not None and one.student == moodle.participant(one.id.rpartition("/")[2])


def _students(grade: Grade) -> list[Row]:
    """The first cells of each who handed it in."""
    if is_theirs(grade):
        return [(f"Participant {grade.student}", grade.name, None)]
    return [(None, one.name or grade.id, one.student) for one in grade.group or (grade,)]


def _told(grade: Grade) -> Row:
    # an empty time is never: Moodle asks before a grade that it already has is changed
    return (grade.points, grade.max_points, None, feedback(grade))
