"""What is wrong with a model, or advised, each with its place in the author's code."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from modelcheck.author_trace import LONGEST_TEXT, printable
from modelcheck.report import Report
from modelcheck.telling.verdict import counts, undecided

_MOST_LINES = 40
_DEEPEST_INDENT = 8


class Place(NamedTuple):
    """A line of the author's: in a file, or in a cell of a notebook. The file is relative to the current directory."""

    file: str
    line: int
    cell: int | None = None


class Problem(NamedTuple):
    """What is wrong with a model, or advised: a finding, or a constraint that fails it because nobody can know.

    ``place`` is the finding's; else that of the model's definition, else the first line of the file that the target
    names; None where no file is known. ``where`` is the path of the module. The texts are as their authors wrote them.
    """

    code: str
    name: str
    counts: bool
    message: str
    where: str | None
    place: Place | None


def problems(report: Report) -> Iterator[Problem]:
    """All that the report finds, in the order of the rules."""
    for one in report.findings:
        place = _place(one.file, one.line) if one.file else _place_of_model(report)
        yield Problem(one.code, one.name, counts(report, one.severity), one.message, one.where, place)
    for rule in undecided(report):
        message = f"could not be decided: {rule.cause}"
        yield Problem(rule.code, rule.name, True, message, None, _place_of_model(report))


def _place_of_model(report: Report) -> Place | None:
    if report.origin:
        return _place(report.origin.file, report.origin.line)
    named = re.match(r"([^:\n]+\.(?:py|ipynb|mcz|zip|tar\.gz|tgz))(?::|\Z)", report.target)
    return Place(named[1], 1) if named else None


def _place(file: str, line: int | None) -> Place:
    cell = re.search(r"(?<=\.ipynb), cell (\d+)\Z", file)
    if cell:
        return Place(file[: cell.start()], line or 1, int(cell[1]))
    return Place(file, line or 1)


def message_lines(text: str, longest: int = LONGEST_TEXT) -> list[str]:
    """The lines of a message, safe to show, with their indentation; of very many the first."""
    lines = text.split("\n", _MOST_LINES)
    if len(lines) > _MOST_LINES:
        lines[_MOST_LINES:] = [f"… and {lines[_MOST_LINES].count(chr(10)) + 1:,} more lines"]
    return [" " * min(len(line) - len(line.lstrip(" ")), _DEEPEST_INDENT) + printable(line, longest) for line in lines]
