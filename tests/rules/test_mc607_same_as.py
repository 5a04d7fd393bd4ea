"""Its Bad and Good are each two submissions, which are compared as `grade` compares them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from modelcheck.capturing.capture import capture_model
from modelcheck.errors import UsageError
from modelcheck.grading.alike.clusters import clusters
from modelcheck.grading.alike.findings import with_likeness
from modelcheck.grading.alike.fingerprints import fingerprint
from modelcheck.judge import judge
from modelcheck.policy import Policy, policy_from_table
from modelcheck.report import Alike, Compared, Finding, Report, RuleOutcome, Tool
from modelcheck.rules import find_rule
from modelcheck.rules.base import Subject

from .test_every_rule import block

RULE = find_rule("MC607")


REPORT = Report(
    tool=Tool(name="modelcheck", version="1", torch="2"),
    target="net.py",
    policy=None,
    verdict="pass",
    facts=None,
    findings=(),
    rules=(),
)


def reports(name: str) -> list[Report]:
    """Of the two submissions of a snippet."""
    assert RULE is not None
    made: dict[str, Any] = {"__name__": "snippet"}
    exec(block(RULE, name, "python") or "", made)
    models = {one: made[one]() for one in ("Net", "MyModel")}
    prints = {id_: fingerprint(capture_model(model, (1, 28, 28)), {}) for id_, model in models.items()}
    return [with_likeness(REPORT, id_, clusters(sorted(prints.items())), len(prints)) for id_ in prints]


def test_bad_is_found() -> None:
    for report in reports("Bad"):
        assert [(one.code, one.severity) for one in report.findings] == [("MC607", "advice")]


def test_good_has_no_finding_at_all() -> None:
    for report in reports("Good"):
        assert report.findings == ()
        assert [(one.code, one.outcome) for one in report.rules] == [("MC607", "pass")]


def judged(subject: Subject, policy: Policy) -> tuple[tuple[RuleOutcome, ...], tuple[Finding, ...]]:
    """What the rule alone says."""
    outcomes, findings, _ = judge(subject, [one for one in policy.active(["MC607"]) if one.rule is RULE])
    return outcomes, findings


def test_one_model_is_compared_with_none() -> None:
    (outcome,), findings = judged(Subject(), Policy())
    assert (outcome.outcome, outcome.cause) == ("not run", "submissions are compared where a course is graded")
    assert findings == ()


def policy(**rules: str) -> Policy:
    return policy_from_table({"rules": rules}, Path("policy.toml"))


@pytest.mark.parametrize("select", [[], ["MC6"]])
def test_only_a_course_switches_it_on(select: list[str]) -> None:
    assert "MC607" not in {one.rule.code for one in policy(MC607="error").active(select)}


def test_it_is_advice_and_passes_whatever_the_policy_says() -> None:
    subject = Subject(compared=Compared(submissions=30, alike=(Alike(likeness="weights", others=1, share=0.6),)))
    (outcome,), (finding,) = judged(subject, policy(MC607="error"))
    assert (outcome.outcome, finding.severity) == ("pass", "advice")
    assert finding.message.startswith("1 of 29 other submissions has the same weights (at least 60 % of the smaller)")


def test_there_are_no_points_for_it() -> None:
    with pytest.raises(UsageError, match=r"grading\.points\.same-as: same-as decides nothing, so there are no points"):
        policy_from_table({"grading": {"points": {"same-as": 5}}}, Path("policy.toml"))
