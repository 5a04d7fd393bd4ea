from __future__ import annotations

import msgspec
import pytest

from modelcheck.facts.structs import FrozenPart, Part
from modelcheck.report import DeadCause, DeadParameter, Metrics

from .making import decide, facts, parameters, trained


def dead(path: str, cause: DeadCause = "no gradient", held: int = 10) -> DeadParameter:
    return DeadParameter(path=path, parameters=held, cause=cause)


def known(*ones: DeadParameter, checks: int = 32) -> Metrics:
    return msgspec.structs.replace(trained(), dead_parameters=ones, gradient_checks=checks)


def test_none_is_a_pass() -> None:
    found, findings = decide("MC505", "error", metrics=known())
    assert (found.outcome, findings) == ("pass", ())


@pytest.mark.parametrize(
    ("cause", "checks", "message"),
    [
        (
            "no gradient",
            32,
            "fc.weight (10 parameters) got no gradient in the 32 steps that were looked at. Something between it and "
            "the loss has none, as argmax, a comparison or detach() have",
        ),
        (
            "zero gradient",
            1,
            "fc.weight (10 parameters) got a gradient of nothing but zeros in the 1 step that was looked at. Something "
            "between it and the loss is flat, as sign, round, or a ReLU that is 0 for every image",
        ),
        (
            "unchanged",
            32,
            "fc.weight (10 parameters) got a gradient, and is what it was at the start. The gradient is too small for "
            "its numbers: a normalisation after it removes it, or its scale is too large",
        ),
    ],
)
def test_the_cause_and_what_helps(cause: DeadCause, checks: int, message: str) -> None:
    _, (finding,) = decide("MC505", "advice", metrics=known(dead("fc.weight", cause), checks=checks))
    assert (finding.message, finding.where, finding.severity) == (message, "fc", "advice")


def test_a_modules_parameters_are_one_finding() -> None:
    ones = (dead("a.weight"), dead("scale"), dead("a.bias", held=1), dead("a.b.weight"), dead("b.bias", "unchanged"))
    found, findings = decide("MC505", "error", facts(parameters=parameters(100)), metrics=known(*ones))
    assert found.evidence == "41 of 100 parameters did not learn"
    assert [one.where for one in findings] == ["scale", "a", "a.b", "b"]
    assert findings[1].message.startswith("a.weight and a.bias (11 parameters) got no gradient")


def test_a_finding_has_the_line_of_its_module() -> None:
    _, (finding,) = decide("MC505", "error", metrics=known(dead("fc.weight")), places={"fc": ("net.py", 7)})
    assert (finding.file, finding.line) == ("net.py", 7)


@pytest.mark.parametrize(
    "told",
    [
        {"unused_modules": ("spare",)},
        {"unused_parameters": (Part(path="spare.weight", parameters=10),)},
        {"unused_parameters": (Part(path="", parameters=10),)},
        {"frozen_parameters": (FrozenPart(path="spare", parameters=10, cause="detached"),)},
    ],
)
def test_what_the_graph_tells_is_told_once(told: dict[str, object]) -> None:
    found, _ = decide("MC505", "error", facts(**told), metrics=known(dead("spare.weight")))
    assert found.outcome == "pass"


def test_a_name_that_begins_alike_is_another() -> None:
    found, _ = decide("MC505", "error", facts(unused_modules=("sp",)), metrics=known(dead("spare.weight")))
    assert found.outcome == "fail"
