from __future__ import annotations

import datetime
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelcheck.grading.points import late_by, points
from modelcheck.grading.records import Late, Submission
from modelcheck.policy import Policy
from modelcheck.policy_file import GradingSection
from modelcheck.policy_file import Late as LateRule
from modelcheck.report import Score

from .made import finding, outcome, report

DUE = datetime.datetime(2026, 12, 1, 23, 59, tzinfo=datetime.UTC)
DAY, SECOND = datetime.timedelta(days=1), datetime.timedelta(seconds=1)
TENTH = LateRule(due=DUE, penalty_per_day=0.1)


def submission(submitted: datetime.datetime | None, due: datetime.datetime | None = None) -> Submission:
    return Submission(id="a", path="/a", content="0", submitted=submitted, due=due)


@pytest.mark.parametrize(
    ("submitted", "due", "rule", "expected"),
    [
        (DUE, None, TENTH, None),
        (DUE - DAY, None, TENTH, None),
        (None, None, TENTH, None),
        (None, DUE, TENTH, None),
        (DUE + DAY, None, None, None),
        (DUE + SECOND, None, TENTH, (1 / 86400, 0.1)),
        (DUE + DAY, None, TENTH, (1.0, 0.1)),
        (DUE + 2.5 * DAY, None, TENTH, (2.5, 0.3)),
        (DUE + 100 * DAY, None, TENTH, (100.0, 1.0)),
        (DUE + DAY, DUE + DAY, TENTH, None),
        (DUE, DUE - DAY, TENTH, (1.0, 0.1)),
        (DUE + DAY, DUE, None, (1.0, 0.0)),
        (DUE.astimezone(datetime.timezone(datetime.timedelta(hours=-9))), None, TENTH, None),
    ],
)
def test_how_late(submitted: Any, due: Any, rule: LateRule | None, expected: tuple[float, float] | None) -> None:
    late = late_by(submission(submitted, due), rule)
    assert (late and (late.days, late.penalty)) == expected


WORTH = {"parameter-budget": 25.0, "MC201": 15.0, "dropout": 60.0}


def test_the_points_of_what_passed_less_the_penalty() -> None:
    policy = Policy(grading=GradingSection(points=WORTH))
    judged = report(outcome("parameter-budget", "pass"), outcome("batch-norm", "fail"), outcome("dropout", "pass"))
    assert points(judged, policy) == Score(points=85.0, max_points=100.0)
    assert points(judged, policy, Late(days=3.0, penalty=0.3)) == Score(points=59.5, max_points=100.0)
    assert points(judged, policy, Late(days=9.0, penalty=1.0)) == Score(points=0.0, max_points=100.0)


def test_what_its_author_ignores_gives_no_points() -> None:
    policy = Policy(grading=GradingSection(points=WORTH))
    judged = msgspec.structs.replace(report(outcome("dropout", "pass")), ignored=(finding("dropout"),))
    assert points(judged, policy) == Score(points=0.0, max_points=100.0)


def test_the_policy_that_is_given_decides_not_the_one_of_the_report() -> None:
    judged = msgspec.structs.replace(report(outcome("dropout", "pass")), score=Score(points=1.0, max_points=2.0))
    assert points(judged, Policy()) is None
    assert points(judged, Policy(grading=GradingSection(points={"dropout": 7.0}))) == Score(points=7.0, max_points=7.0)


@given(st.floats(0, 1_000_000), st.floats(0, 1), st.floats(-10, 4_000))
def test_points_stay_between_none_and_all(worth: float, per_day: float, days: float) -> None:
    policy = Policy(grading=GradingSection(points={"dropout": worth}))
    late = late_by(submission(DUE + days * DAY), LateRule(due=DUE, penalty_per_day=per_day))
    given_points = points(report(outcome("dropout", "pass")), policy, late)
    assert given_points is not None
    assert 0 <= given_points.points <= round(worth, 6) + 1e-6
