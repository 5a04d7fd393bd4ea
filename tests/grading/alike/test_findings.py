"""From captures and sources to what the report says."""

from __future__ import annotations

import tomllib
from pathlib import Path

import msgspec
import pytest
from submissions.bundle import all_cases

import reference_model
from modelcheck.capturing.capture import capture_model
from modelcheck.grading.alike.findings import is_compared, with_likeness
from modelcheck.grading.alike.fingerprints import fingerprint
from modelcheck.grading.alike.prints import Cluster, Fingerprint
from modelcheck.graph.model import GraphModel
from modelcheck.policy import policy_from_table
from modelcheck.report import Report
from modelcheck.weights import load_weights
from reference_model import Net

from .changing import NET, REFERENCE, padded, renamed, reordered
from .comparing import compared

REPORT = msgspec.json.decode((Path(__file__).parents[2] / "golden" / "reference.json").read_bytes(), type=Report)
CLUSTERS = (
    Cluster(likeness="graph", ids=("a", "b", "c"), share=1.0, of=40),
    Cluster(likeness="source", ids=("a", "d"), share=0.876, of=40),
)


def said(report: Report) -> list[tuple[str, str | None]]:
    return [(one.outcome, one.evidence) for one in report.rules if one.code == "MC607"]


def test_what_is_alike_is_advice_that_names_nobody_and_decides_nothing() -> None:
    found = with_likeness(REPORT, "a", CLUSTERS, 40)
    assert [one.message for one in found.findings] == [
        "2 of 39 other submissions have the same graph, up to names and order; this tells what is alike and not why",
        "1 of 39 other submissions has nearly the same source (at least 87 % of the smaller); "
        "this tells what is alike and not why",
    ]
    assert {(one.code, one.severity) for one in found.findings} == {("MC607", "advice")}
    evidence = (
        "of 39 other submissions, 2 with the same graph, up to names and order and 1 with nearly the same source (87 %)"
    )
    assert said(found) == [("pass", evidence)]
    assert (found.verdict, found.score, found.facts) == (REPORT.verdict, REPORT.score, REPORT.facts)
    assert [one.code for one in found.rules] == sorted(one.code for one in found.rules)
    assert [one for one in found.rules if one.code != "MC607"] == list(REPORT.rules)


def test_it_is_said_anew_when_the_course_has_changed() -> None:
    before = with_likeness(REPORT, "a", CLUSTERS, 40)
    after = with_likeness(before, "a", (), 41)
    assert after.findings == REPORT.findings
    assert said(after) == [("pass", "like no other submission")]
    assert said(with_likeness(REPORT, "e", CLUSTERS, 2)) == [("pass", "like no other submission")]


@pytest.mark.parametrize(
    ("text", "compared"), [("", True), ('rules.same-as = "off"', False), ('rules.MC607 = "error"', True)]
)
def test_a_policy_may_switch_it_off(text: str, compared: bool) -> None:
    policy = policy_from_table(tomllib.loads(text), Path("policy.toml"))
    assert is_compared(policy) == compared
    assert "MC607" not in {one.rule.code for one in policy.active()}


def test_a_fingerprint_is_small_and_can_be_stored() -> None:
    made = fingerprint(capture_model(Net(), (1, 28, 28)), {"net.py": REFERENCE})
    stored = msgspec.json.encode(made)
    assert msgspec.json.decode(stored, type=Fingerprint) == made
    assert len(stored) < 4_000
    assert fingerprint(None, {"net.py": REFERENCE}) == Fingerprint(source=made.source)


def test_the_weights_that_are_scored_are_compared() -> None:
    captured = capture_model(Net(), (1, 28, 28))
    scored = GraphModel(captured)
    load_weights(scored, Path(reference_model.__path__[0]) / "net.safetensors")
    prints = {name: fingerprint(captured, {}, scored) for name in "ab"} | {"c": fingerprint(captured, {})}
    assert [(one.likeness, one.ids) for one in compared(prints)] == [
        ("graph", ("a", "b", "c")),
        ("weights", ("a", "b")),
    ]


def test_a_course_of_real_submissions() -> None:
    """The cases, which are of many hands, with copies: one renamed, one renamed, reordered and padded."""
    course = {
        case.name: fingerprint(None, {name: text for name, text in case.files.items() if name.endswith(".py")})
        for case in all_cases()
        if sum(map(len, case.files.values())) > 1_200
    }
    course |= {f"net {index}": fingerprint(None, {"net.py": text}) for index, text in enumerate([NET, renamed(NET)])}
    copy = padded(reordered(renamed(REFERENCE)))
    course |= {"reference": fingerprint(None, {"a.py": REFERENCE}), "copy": fingerprint(None, {"b.py": copy})}
    assert [one.ids for one in compared(course)] == [("copy", "reference"), ("net 0", "net 1")]
    assert [one.ids for one in compared(course, [course["net 0"]])] == [("copy", "reference")]
