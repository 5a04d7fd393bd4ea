from __future__ import annotations

import pytest

from modelcheck.facts.structs import HiddenWeight

from .making import decide, facts, parameters

TABLE = HiddenWeight(path="table", kind="constant", dtype="int8", shape=(4, 10), counted=10)
MASK = HiddenWeight(path="mask", kind="buffer", dtype="bool", shape=(4,), counted=1)


@pytest.mark.parametrize(
    ("hidden", "setting", "outcome"),
    [
        (0, "error", "pass"),
        (1, "error", "fail"),
        (10, {"max": 10}, "pass"),
        (11, {"max": 10}, "fail"),
        (1, {"max": 0}, "fail"),
    ],
)
def test_nothing_is_hidden_unless_the_policy_allows_it(hidden: int, setting: object, outcome: str) -> None:
    known = facts(parameters=parameters(5, hidden), hidden_weights=(TABLE,) if hidden else ())
    assert decide("MC102", setting, known)[0].outcome == outcome


def test_each_hidden_tensor_is_named() -> None:
    found, findings = decide("MC102", "error", facts(parameters=parameters(5, 11), hidden_weights=(TABLE, MASK)))
    assert found.evidence == "11 hidden weights"
    assert [one.where for one in findings] == ["table", "mask"]
    assert findings[0].message.startswith("table: 10 weights in a constant (int8 [4, 10]), which no optimiser sees")
    assert findings[1].message.startswith("mask: 1 weight in a buffer (bool [4])")
