"""Gradescope's ``results.json``: what an autograder says of one submission.

Source: gradescope-autograders.readthedocs.io, "Autograder Specifications", "Output format".
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from modelcheck.formats.json import indented
from modelcheck.report import Award, Report, RuleOutcome
from modelcheck.telling.problems import message_lines
from modelcheck.telling.verdict import verdict_line

SEVERAL = False  # Gradescope asks for the score of one


def render(report: Report, *, width: int, color: bool) -> str:
    """The results; without points the model scores 1 where it passes and 0 where it does not."""
    points = report.score.points if report.score else None
    return indented(results(report, report.awards, points, verdict_line(report)))


def results(report: Report, awards: Sequence[Award], points: float | None, said: str) -> dict[str, Any]:
    """One test for each constraint and each rule with points, as plain text. Advice stands below what is said.

    Args:
        report: of the submission.
        awards: what the rules give.
        points: of all, which may be less; None where there are none to be had. Gradescope asks for a score even so.
        said: of the verdict, in words.
    """
    given = {one.code: one for one in awards}
    advice = [f"{one.code} {one.name}: {_text([one.message])}" for one in report.findings if one.severity == "advice"]
    return {
        "score": float(report.verdict == "pass") if points is None else points,
        "output": "\n".join([said, *advice]),
        "output_format": "text",
        "test_output_format": "text",
        "test_name_format": "text",
        "stdout_visibility": "hidden",
        "tests": [
            _test(one, report, given.get(one.code))
            for one in report.rules
            if one.severity == "error" or one.code in given
        ],
    }


def _test(outcome: RuleOutcome, report: Report, award: Award | None) -> dict[str, Any]:
    said = [one.message for one in report.findings if one.code == outcome.code] or [
        outcome.cause or outcome.evidence or ""
    ]
    test: dict[str, Any] = {"name": f"{outcome.code} {outcome.name}", "output": _text(said)}
    if outcome.outcome != "not run":
        test["status"] = "passed" if outcome.outcome == "pass" else "failed"
    if award:
        test |= {"score": award.points, "max_score": award.max_points}
    return test


def _text(messages: Sequence[str]) -> str:
    return "\n".join(line for message in messages for line in message_lines(message))
