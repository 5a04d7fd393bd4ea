from __future__ import annotations

import pytest

from modelcheck.errors import (
    AuthorError,
    ConstructorError,
    Crashed,
    DamagedCapture,
    ForwardError,
    LoadError,
    MemoryLimit,
    NotCapturable,
    TimeLimit,
)
from modelcheck.judge import judge
from modelcheck.policy import Policy
from modelcheck.rules import all_rules
from modelcheck.rules.author_failure import FailureRule
from modelcheck.rules.base import Subject

from .making import PLAIN

STEPS = ["MC001", "MC002", "MC003", "MC004"]
STOPPED = ["MC601", "MC602", "MC603"]
ALL = [rule.code for rule in all_rules() if isinstance(rule, FailureRule)]


def outcomes(failure: AuthorError) -> dict[str, tuple[str, str | None]]:
    judged, findings, _ = judge(Subject(failure=failure), Policy().active(ALL))
    assert [finding.code for finding in findings] == [failure.code]
    return {one.code: (one.outcome, one.cause) for one in judged}


def test_these_rules_are_known() -> None:
    assert {*STEPS, *STOPPED} <= set(ALL)


@pytest.mark.parametrize("error", [LoadError, DamagedCapture, ConstructorError, ForwardError, NotCapturable])
def test_the_step_that_failed_ends_the_road(error: type[AuthorError]) -> None:
    failure = error("net.py, line 3: no\nwhat helps", file="net.py", line=3)
    judged, (finding,), _ = judge(Subject(failure=failure), Policy().active(ALL))
    steps = [one for one in judged if one.code in STEPS]
    position = STEPS.index(error.code)
    assert [one.outcome for one in steps] == ["pass"] * position + ["fail"] + ["not run"] * (3 - position)
    assert [one.cause for one in steps[position + 1 :]] == [f"{error.code} failed before it"] * (3 - position)
    said = ["could not be loaded", "could not be built", "forward fails", "could not be captured"]
    assert steps[position].evidence == said[position]
    assert (finding.code, finding.message) == (error.code, "net.py, line 3: no\nwhat helps")
    assert (finding.file, finding.line) == ("net.py", 3)


@pytest.mark.parametrize("error", [LoadError, ConstructorError, ForwardError, NotCapturable])
def test_a_process_that_told_of_a_failure_was_not_stopped(error: type[AuthorError]) -> None:
    found = outcomes(error("no"))
    assert {code: found[code] for code in STOPPED} == dict.fromkeys(STOPPED, ("pass", None))


@pytest.mark.parametrize("error", [TimeLimit, MemoryLimit, Crashed])
def test_a_process_that_was_stopped_may_have_been_anywhere(error: type[AuthorError]) -> None:
    found = outcomes(error("no"))
    assert found.pop(error.code) == ("fail", None)
    assert set(found.values()) == {("not run", f"{error.code} failed before it")}


def test_all_pass_on_a_captured_model() -> None:
    judged, findings, _ = judge(Subject(facts=PLAIN), Policy().active(ALL))
    assert [(one.code, one.outcome) for one in judged] == [(code, "pass") for code in ALL]
    assert findings == ()


def test_every_other_rule_is_not_run_where_nothing_was_captured() -> None:
    active = [one for one in Policy().active(["MC"]) if not isinstance(one.rule, FailureRule)]
    judged, findings, _ = judge(Subject(failure=ForwardError("no")), active)
    assert len(judged) > 5
    assert {(one.outcome, one.cause) for one in judged} == {("not run", "nothing was captured (MC003)")}
    assert findings == ()
