"""Gradescope's ``results.json``: what an autograder says of one submission.

Source: gradescope-autograders.readthedocs.io, "Autograder Specifications", "Output format".
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from modelcheck.files import write_beside
from modelcheck.grading.encoding import one_line
from modelcheck.grading.exports import feedback
from modelcheck.grading.records import Grade
from modelcheck.judge import awards
from modelcheck.policy import Policy
from modelcheck.report import Award, Report, RuleOutcome


def write(target: Path, grade: Grade, policy: Policy) -> None:
    """Write one test for each constraint and each rule with points, and the points of all after the penalty.

    Without points a submission scores 1 where it passes and 0 where it does not, since Gradescope asks for a score.
    What was only advised stands below the verdict. Authors' words are plain text.

    Raises:
        UsageError: the file cannot be written.
    """
    write_beside(target, msgspec.json.format(msgspec.json.encode(_results(grade, policy)), indent=2) + b"\n")


def _results(grade: Grade, policy: Policy) -> dict[str, Any]:
    report = grade.report
    given = {one.code: one for one in awards(policy, report.rules, report.ignored)}
    advice = [one_line(f"{one.code} {one.name}: {one.message}") for one in report.findings if one.severity == "advice"]
    return {
        "score": float(report.verdict == "pass") if grade.points is None else grade.points,
        "execution_time": round(grade.seconds, 3),
        "output": "\n".join([feedback(grade), *advice]),
        "output_format": "text",
        "test_output_format": "text",
        "test_name_format": "text",
        "stdout_visibility": "hidden",
        "extra_data": {"id": grade.id, "content": grade.content, "verdict": report.verdict, "accuracy": grade.accuracy},
        "tests": [_test(one, report, given) for one in report.rules if one.severity == "error" or one.code in given],
    }


def _test(outcome: RuleOutcome, report: Report, given: Mapping[str, Award]) -> dict[str, Any]:
    said = [one.message for one in report.findings if one.code == outcome.code] or [
        outcome.cause or outcome.evidence or ""
    ]
    test: dict[str, Any] = {"name": f"{outcome.code} {outcome.name}", "output": "\n".join(map(one_line, said))}
    if outcome.outcome != "not run":
        test["status"] = "passed" if outcome.outcome == "pass" else "failed"
    if award := given.get(outcome.code):
        test |= {"score": award.points, "max_score": award.max_points}
    return test
