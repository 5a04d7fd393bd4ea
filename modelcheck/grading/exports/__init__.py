"""Grades as other programs read them, one file each. What an author chose is safe to open in all of them."""

from __future__ import annotations

import csv
import datetime
import io
import math
from collections.abc import Callable, Iterable
from pathlib import Path

from modelcheck.files import write_beside
from modelcheck.grading.encoding import csv_cell
from modelcheck.grading.records import Grade
from modelcheck.words import counted, listed, percent

_LONG_AGO = datetime.datetime.min.replace(tzinfo=datetime.UTC)

Cell = str | float | None
Row = tuple[Cell, ...]


def write_csv(target: Path, rows: Iterable[Row]) -> None:
    """Write the rows as CSV in UTF-8, whole or not at all; text by ``csv_cell``, None as an empty cell.

    Raises:
        UsageError: the file cannot be written.
    """
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows([_cell(one) for one in row] for row in rows)
    write_beside(target, text.getvalue().encode())


def one_each(
    grades: Iterable[Grade],
    students: Callable[[Grade], Iterable[Row]],
    told: Callable[[Grade], Row],
) -> list[Row]:
    """One row a student: the student's cells, and what is told of the grade that counts.

    That is the last that was handed in, or the one with the most points where no times tell, as of several files of one
    attempt.

    Args:
        grades: each is looked at once and not kept.
        students: the cells of each student who handed it in; equal ones are one student.
        told: the cells of a grade.
    """
    best: dict[Row, tuple[tuple[datetime.datetime, float], Row]] = {}
    for grade in grades:
        rank = (grade.submitted or _LONG_AGO, grade.points or 0.0)
        for student in students(grade):
            if student not in best or rank > best[student][0]:
                best[student] = rank, told(grade)
    return [student + cells for student, (_, cells) in best.items()]


def feedback(grade: Grade) -> str:
    """The verdict in a sentence, in words that no author chose."""
    parts = {
        "pass": "All constraints are met",
        "fail": "Not all constraints are met",
        "error": "It could not be judged",
    }
    text = parts[grade.report.verdict]
    if grade.failed:
        text += f": {listed(grade.failed)}"
    if grade.accuracy is not None:
        text += f"; accuracy {percent(grade.accuracy)}"
    if grade.late:
        text += f"; {counted(math.ceil(grade.late.days), 'day')} late, which costs {percent(grade.late.penalty)}"
    return f"{text}."


def _cell(value: Cell) -> str:
    if value is None:
        return ""
    if isinstance(value, str):
        return csv_cell(value)
    return f"{value:.6f}".rstrip("0").rstrip(".") if isinstance(value, float) else str(value)
