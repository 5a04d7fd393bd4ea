"""What a submission is given: the points of its rules, less what being late costs."""

from __future__ import annotations

import datetime
import math

from modelcheck import judge
from modelcheck.grading.records import Late, Submission
from modelcheck.policy import Policy
from modelcheck.policy_file import Late as LateRule
from modelcheck.report import Report, Score

_DAY = datetime.timedelta(days=1)
_DIGITS = 6  # what is computed with tenths is rounded to what a person wrote


def late_by(submission: Submission, rule: LateRule | None) -> Late | None:
    """How late the submission is and the fraction of its points that this costs; None where it is in time.

    It is in time too where nobody says when it was handed in or was due. Its own due time, the roster's, goes before
    the policy's. Each day that has begun costs the same, as in Canvas' and in most courses' policies, and all days
    together no more than everything.
    """
    due = submission.due or (rule.due if rule else None)
    if submission.submitted is None or due is None or submission.submitted <= due:
        return None
    days = (submission.submitted - due) / _DAY
    penalty = math.ceil(days) * rule.penalty_per_day if rule else 0.0
    return Late(days=days, penalty=min(round(penalty, _DIGITS), 1.0))


def points(report: Report, policy: Policy, late: Late | None = None) -> Score | None:
    """The points of the rules that passed, less the penalty; None where the policy gives none. Never below zero."""
    score = judge.score(policy, report.rules, report.ignored)
    if score is None or late is None:
        return score
    return Score(points=round(score.points * (1 - late.penalty), _DIGITS), max_points=score.max_points)
