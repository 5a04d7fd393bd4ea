from __future__ import annotations

import pytest

from modelcheck.errors import AuthorError, ConstructorError, DamagedCapture, ForwardError, LoadError, NotCapturable
from modelcheck.judge import judge
from modelcheck.policy import Policy
from modelcheck.rules.base import Subject

from .making import PLAIN

STEPS = ["MC001", "MC002", "MC003", "MC004"]


@pytest.mark.parametrize("error", [LoadError, DamagedCapture, ConstructorError, ForwardError, NotCapturable])
def test_the_step_that_failed_ends_the_road(error: type[AuthorError]) -> None:
    failure = error("net.py, line 3: no\nwhat helps", file="net.py", line=3)
    outcomes, (finding,) = judge(Subject(failure=failure), Policy().active(["MC00"]))
    position = STEPS.index(error.code)
    assert [one.outcome for one in outcomes] == ["pass"] * position + ["fail"] + ["not run"] * (3 - position)
    assert [one.cause for one in outcomes[position + 1 :]] == [f"{error.code} failed before it"] * (3 - position)
    said = ["could not be loaded", "could not be built", "forward fails", "could not be captured"]
    assert outcomes[position].evidence == said[position]
    assert (finding.code, finding.message) == (error.code, "net.py, line 3: no\nwhat helps")
    assert (finding.file, finding.line) == ("net.py", 3)


def test_all_steps_pass_on_a_captured_model() -> None:
    outcomes, findings = judge(Subject(facts=PLAIN), Policy().active(["MC00"]))
    assert [(one.code, one.outcome) for one in outcomes] == [(code, "pass") for code in STEPS]
    assert findings == ()


def test_every_other_rule_is_not_run_where_nothing_was_captured() -> None:
    active = [one for one in Policy().active(["MC"]) if one.rule.code not in STEPS]
    outcomes, findings = judge(Subject(failure=ForwardError("no")), active)
    assert len(outcomes) > 5
    assert {(one.outcome, one.cause) for one in outcomes} == {("not run", "nothing was captured (MC003)")}
    assert findings == ()
