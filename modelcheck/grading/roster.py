"""The roster, ``roster.csv``: who is in the course, and when they handed in what was due when."""

from __future__ import annotations

import csv
import datetime
import io
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import msgspec

from modelcheck.author_trace import printable, shown_path
from modelcheck.errors import UsageError
from modelcheck.grading.encoding import csv_cell
from modelcheck.grading.records import Submission
from modelcheck.names import shortened, unknown_name

_COLUMNS = ("id", "name", "submitted", "due")
_TIME = "a date, a time and its zone are expected, such as 2026-12-01T23:59:00+01:00 or, in UTC, 2026-12-01T22:59:00Z"


@dataclass(frozen=True)
class Row:
    """One line of the roster; ``id`` is a submission's id, or its author's number or name on the platform."""

    line: int
    id: str
    name: str | None = None
    submitted: datetime.datetime | None = None
    due: datetime.datetime | None = None


@dataclass(frozen=True)
class Roster:
    """The rows, by what finds them."""

    rows: Mapping[str, Row]

    def matched(self, submissions: Iterable[Submission]) -> list[Submission]:
        """The submissions, with what the roster tells of them in place of what the platform told.

        A row is found by the submission's id, or else by its author, or by the first of a group whom the roster has.
        """
        return [self._told(one) for one in submissions]

    def missing(self, submissions: Iterable[Submission]) -> list[Row]:
        """The rows of those who handed in nothing, in the roster's order."""
        found = {row.line for one in submissions for row in self._rows(one)}
        return [row for row in self.rows.values() if row.line not in found]

    def _told(self, submission: Submission) -> Submission:
        row = next(iter(self._rows(submission)), None)
        told = {key: getattr(row, key) for key in ("name", "submitted", "due") if row and getattr(row, key) is not None}
        return msgspec.structs.replace(submission, **told)

    def _rows(self, submission: Submission) -> list[Row]:
        """The rows of the submission's id, of its author, and of the members of its group."""
        known = (submission.student, *(member.student for member in submission.group))
        keys = (submission.id, csv_cell(submission.id), *filter(None, known))
        return [row for key in keys if (row := self.rows.get(_key(key)))]


def read_roster(path: str | Path) -> Roster:
    """The roster in the file: columns id, name, submitted and due in any order, of which only id must be there.

    Raises:
        UsageError: it cannot be read, or a cell is not what is expected; the text names file, line and column.
    """
    path = Path(path)
    rows: dict[str, Row] = {}
    for row in _rows(path, _text(path)):
        first = rows.setdefault(_key(row.id), row)
        if first is not row:
            raise _error(path, row.line, f"the id '{_shown(row.id)}' is on line {first.line} too; keep one", "id")
    return Roster(rows)


def _rows(path: Path, text: str) -> Iterator[Row]:
    first = text.lstrip().partition("\n")[0]
    delimiter = ";" if ";" in first and "," not in first else ","  # as spreadsheets write it where 0,5 is a half
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, skipinitialspace=True, strict=True)
    columns: list[str] = []
    line = 1
    try:
        for cells in reader:
            if columns and any(cells):
                yield _row(path, line, columns, cells)
            elif any(cells):
                columns = _columns(path, line, cells)
            line = reader.line_num + 1
    except csv.Error as error:
        raise _error(path, line, f"no row of comma-separated values: {error}") from None
    if not columns:
        raise _error(path, 1, f"it is empty; a line with the columns {', '.join(_COLUMNS)} is expected")


def _columns(path: Path, line: int, cells: list[str]) -> list[str]:
    columns = [cell.strip().lower() for cell in cells]
    for column in columns:
        if column not in _COLUMNS:
            raise _error(path, line, printable(unknown_name("column", column, _COLUMNS)))
        if columns.count(column) > 1:
            raise _error(path, line, f"the column {column} is there twice; keep one")
    if "id" not in columns:
        raise _error(path, line, f"the column id is missing; found {', '.join(columns)}")
    return columns


def _row(path: Path, line: int, columns: list[str], cells: list[str]) -> Row:
    if len(cells) > len(columns):
        raise _error(
            path, line, f"{len(cells)} cells, and {len(columns)} columns in the first line; quote what holds a comma"
        )
    given = {column: cell for column, cell in zip(columns, cells, strict=False) if cell.strip()}
    if "id" not in given:
        raise _error(path, line, "it is empty; a submission's id or its author's is expected", "id")
    return Row(
        line=line,
        id=given["id"],
        name=given.get("name"),
        submitted=_time(path, line, "submitted", given.get("submitted")),
        due=_time(path, line, "due", given.get("due")),
    )


def _time(path: Path, line: int, column: str, cell: str | None) -> datetime.datetime | None:
    if cell is None:
        return None
    try:
        time = datetime.datetime.fromisoformat(cell.strip())
    except ValueError:
        raise _error(path, line, f"'{_shown(cell)}' is no time; {_TIME}", column) from None
    if time.tzinfo is None:
        raise _error(path, line, f"'{_shown(cell)}' has no time zone; {_TIME}", column)
    return time


def _text(path: Path) -> str:
    try:
        data = path.read_bytes()
    except OSError as error:
        raise UsageError(f"{shown_path(path)}: the roster cannot be read: {error.strerror or error}") from error
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise _error(path, line, "it is no UTF-8; save the file as CSV in UTF-8") from None


def _key(text: str) -> str:
    """What is compared: macOS and the others write an accent in two ways."""
    return unicodedata.normalize("NFC", text)


def _shown(cell: str) -> str:
    return printable(shortened(cell))


def _error(path: Path, line: int, what: str, column: str | None = None) -> UsageError:
    at = f"line {line}, column {column}" if column else f"line {line}"
    return UsageError(f"{shown_path(path)}: {at}: {what}")
