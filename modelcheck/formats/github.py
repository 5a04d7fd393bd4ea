"""Workflow commands that GitHub Actions shows as annotations on the author's lines.

Every line is a command, as a runner looks for older ones (``##[…]``) within all others.

Source: docs.github.com, "Workflow commands for GitHub Actions"; the escapes are @actions/toolkit's.
"""

from __future__ import annotations

from collections.abc import Sequence

from modelcheck.author_trace import printable
from modelcheck.report import Report
from modelcheck.telling.problems import Problem, message_lines, problems
from modelcheck.telling.verdict import verdict_line

_DATA = str.maketrans({"%": "%25", "\r": "%0D", "\n": "%0A"})
_PROPERTY = _DATA | str.maketrans({":": "%3A", ",": "%2C"})


def render(report: Report, *, width: int, color: bool) -> str:
    """An error for each finding that counts, a warning for each other one, and a notice of the verdict."""
    lines = [_annotation(one) for one in problems(report)]
    lines.append(_command("notice", {"title": "modelcheck"}, verdict_line(report)))
    return "".join(f"{line}\n" for line in lines)


def render_all(reports: Sequence[Report], *, width: int, color: bool) -> str:
    """One after the other."""
    return "".join(render(report, width=width, color=color) for report in reports)


def _annotation(one: Problem) -> str:
    properties, text = {}, "\n".join(message_lines(one.message))
    if one.place:
        properties["file"] = printable(one.place.file)
        if one.place.cell:  # whose lines are not the file's
            text = f"cell {one.place.cell}, line {one.place.line}: {text}"
        else:
            properties["line"] = str(one.place.line)
    properties["title"] = f"{one.code} {one.name}"
    return _command("error" if one.counts else "warning", properties, text)


def _command(name: str, properties: dict[str, str], text: str) -> str:
    told = ",".join(f"{key}={value.translate(_PROPERTY)}" for key, value in properties.items())
    return f"::{name} {told}::{text.translate(_DATA)}"
