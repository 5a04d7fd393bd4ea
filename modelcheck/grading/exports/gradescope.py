"""Gradescope's ``results.json`` for what was graded."""

from __future__ import annotations

from pathlib import Path

from modelcheck.files import write_beside
from modelcheck.formats.gradescope import results
from modelcheck.formats.json import indented
from modelcheck.grading.exports import feedback
from modelcheck.grading.records import Grade
from modelcheck.judge import awards
from modelcheck.policy import Policy


def write(target: Path, grade: Grade, policy: Policy) -> None:
    """Write one test for each constraint and each rule with points, and the points of all after the penalty.

    Without points a submission scores 1 where it passes and 0 where it does not, since Gradescope asks for a score.
    What was only advised stands below the verdict. Authors' words are plain text.

    Raises:
        UsageError: the file cannot be written.
    """
    report = grade.report
    made = results(report, awards(policy, report.rules, report.ignored), grade.points, feedback(grade))
    made["execution_time"] = round(grade.seconds, 3)
    made["extra_data"] = {
        "id": grade.id,
        "content": grade.content,
        "verdict": report.verdict,
        "accuracy": grade.accuracy,
    }
    write_beside(target, indented(made).encode())
