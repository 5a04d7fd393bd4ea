from __future__ import annotations

import pytest

from .making import decide, facts, layer, parameters


@pytest.mark.parametrize(
    ("total", "hidden", "setting", "outcome"),
    [
        (19_999, 0, {"max": 19_999}, "pass"),
        (20_000, 0, {"max": 19_999}, "fail"),
        (19_000, 999, {"max": 19_999}, "pass"),
        (19_000, 1000, {"max": 19_999}, "fail"),
        (0, 20_000, {"max": 19_999}, "fail"),
        (0, 0, {"max": 19_999}, "pass"),
        (499, 0, {"min": 500}, "fail"),
        (500, 0, {"min": 500, "max": 500}, "pass"),
    ],
)
def test_parameters_and_hidden_weights_share_the_budget(
    total: int, hidden: int, setting: dict[str, int], outcome: str
) -> None:
    found, findings = decide("MC101", setting, facts(parameters=parameters(total, hidden)))
    assert found.outcome == outcome
    assert len(findings) == (outcome == "fail")


@pytest.mark.parametrize(
    ("total", "hidden", "evidence"),
    [
        (1, 0, "1 parameter, at most 9 allowed"),
        (8, 1, "8 parameters and 1 hidden weight, at most 9 allowed"),
        (18_592, 2000, "18,592 parameters and 2,000 hidden weights, at most 9 allowed"),
    ],
)
def test_evidence(total: int, hidden: int, evidence: str) -> None:
    assert decide("MC101", {"max": 9}, facts(parameters=parameters(total, hidden)))[0].evidence == evidence


def test_the_three_largest_layers_are_named() -> None:
    layers = tuple(layer(path, held) for path, held in [("a", 1), ("b", 30), ("", 4), ("d", 2000), ("e", 0)])
    _, (finding,) = decide("MC101", {"max": 9}, facts(parameters=parameters(2035)), layers=layers)
    assert finding.message.endswith("Largest: d 2,000, b 30, Linear 4")
