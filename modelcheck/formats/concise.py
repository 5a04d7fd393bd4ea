"""One line a finding, as linters write them: ``net.py:12:1: MC402 message``; the verdict is the last line."""

from __future__ import annotations

from collections.abc import Sequence

from modelcheck.author_trace import printable
from modelcheck.report import Report
from modelcheck.telling.problems import Problem, problems
from modelcheck.telling.verdict import verdict_line


def render(report: Report, *, width: int, color: bool) -> str:
    """The findings by their places, then the verdict; a finding is about a line, so its column is the first."""
    lines = [_line(one, report) for one in problems(report)]
    return "".join(f"{line}\n" for line in [*lines, verdict_line(report)])


def render_all(reports: Sequence[Report], *, width: int, color: bool) -> str:
    """One after the other."""
    return "".join(render(report, width=width, color=color) for report in reports)


def _line(one: Problem, report: Report) -> str:
    where = printable(report.target)
    if one.place:
        cell = f"cell {one.place.cell}:" if one.place.cell else ""
        where = f"{printable(one.place.file)}:{cell}{one.place.line}:1"
    return f"{where}: {one.code} {'' if one.counts else 'advice: '}{printable(one.message)}"
