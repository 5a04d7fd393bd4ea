from __future__ import annotations

from modelcheck.facts.structs import LinearUse

from .making import decide, facts


def test_a_convolution_that_equals_one_is_named_and_does_not_count() -> None:
    found = LinearUse(count=0, declared=0, where=(), equals=("head",))
    outcome, findings = decide("MC204", "forbidden", facts(fully_connected=found))
    assert (outcome.outcome, findings) == ("pass", ())
    assert outcome.evidence == "0 live fully connected layers; head: convolution on a 1×1 map, the equal of one"


def test_a_linear_layer_counts() -> None:
    found = LinearUse(count=1, declared=1, where=("fc",), equals=())
    outcome, (finding,) = decide("MC204", "forbidden", facts(fully_connected=found))
    assert outcome.outcome == "fail"
    assert finding.message == "1 live fully connected layer (fc); the policy asks for none"
