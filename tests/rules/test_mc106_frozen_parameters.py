from __future__ import annotations

from typing import Any

import pytest

from modelcheck.facts.structs import FrozenPart

from .making import decide, facts, parameters


def frozen(path: str, held: int = 10, cause: Any = "requires_grad") -> FrozenPart:
    return FrozenPart(path=path, parameters=held, cause=cause)


@pytest.mark.parametrize(
    ("parts", "outcome", "evidence"),
    [
        ((), "pass", "training can change every parameter that is used"),
        ((frozen("a"),), "fail", "training will not change 10 of 100 parameters"),
        ((frozen("a"), frozen("b", 5, "detached")), "fail", "training will not change 15 of 100 parameters"),
    ],
)
def test_one_finding_for_each_part(parts: tuple[FrozenPart, ...], outcome: str, evidence: str) -> None:
    found, findings = decide("MC106", "error", facts(parameters=parameters(100), frozen_parameters=parts))
    assert (found.outcome, found.evidence) == (outcome, evidence)
    assert [one.where for one in findings] == [part.path for part in parts]


@pytest.mark.parametrize(
    ("part", "message"),
    [
        (
            frozen("body", 1_000),
            "body (1,000 parameters) is frozen: its requires_grad is False, so training will not change it. Set it to "
            "True, or register a buffer if it is meant to be a constant",
        ),
        (
            frozen("", 100),
            "the whole model (100 parameters) is frozen: its requires_grad is False, so training will not change it. "
            "Set it to True, or register a buffer if it is meant to be a constant",
        ),
        (
            frozen("steps", 1, "integer"),
            "steps (1 parameter) holds integers, which have no gradient, so training will not change it. Register it "
            "as a buffer, or make its numbers floating-point",
        ),
        (
            frozen("fc", 7, "detached"),
            "fc (7 parameters) gets no gradient: its result goes through no_grad() or detach() on each way to the "
            "output, so training will not change it. Leave that out of forward",
        ),
    ],
)
def test_the_cause_and_what_helps(part: FrozenPart, message: str) -> None:
    _, (finding,) = decide("MC106", "advice", facts(frozen_parameters=(part,)))
    assert finding.message == message
    assert finding.where == (part.path or None)
