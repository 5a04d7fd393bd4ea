from __future__ import annotations

import pytest

from .making import decide, facts


@pytest.mark.parametrize(
    ("accepted", "outcome", "severities"),
    [
        ((1, 2, 64), "pass", []),
        ((2, 64), "pass", ["advice"]),
        ((1, 2), "fail", ["error"]),
        ((64,), "fail", ["error"]),
        ((), "fail", ["error"]),
    ],
)
def test_batches_of_2_and_64_are_required_and_of_one_advised(
    accepted: tuple[int, ...], outcome: str, severities: list[str]
) -> None:
    found, findings = decide("MC301", "error", facts(accepted_batches=accepted))
    assert found.outcome == outcome
    assert [one.severity for one in findings] == severities


@pytest.mark.parametrize(
    ("accepted", "evidence"),
    [
        ((1, 2, 64), "takes (N, 1, 28, 28) for batches of 1, 2 and 64"),
        ((2,), "takes (N, 1, 28, 28) for batches of 2"),
        ((), "takes (N, 1, 28, 28) for batches of no size that was tried"),
    ],
)
def test_evidence(accepted: tuple[int, ...], evidence: str) -> None:
    assert decide("MC301", "error", facts(accepted_batches=accepted))[0].evidence == evidence


@pytest.mark.parametrize(("declared", "outcome"), [((1, 28, 28), "pass"), ((3, 28, 28), "fail"), (None, "pass")])
def test_the_declared_shape_is_the_captured_one(declared: tuple[int, ...] | None, outcome: str) -> None:
    found, findings = decide("MC301", "error", input_shape=declared)
    assert found.outcome == outcome
    if findings:
        assert findings[0].message == "captured for (N, 1, 28, 28); the policy declares (N, 3, 28, 28)"
