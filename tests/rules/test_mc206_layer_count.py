from __future__ import annotations

import pytest

from .making import decide, facts


@pytest.mark.parametrize(
    ("count", "setting", "outcome", "evidence"),
    [
        (29, {"max": 29}, "pass", "29 weighted layers, at most 29 allowed"),
        (30, {"max": 29}, "fail", "30 weighted layers, at most 29 allowed"),
        (1, {"min": 2}, "fail", "1 weighted layer, at least 2 required"),
        (2, {"min": 2, "max": 3}, "pass", "2 weighted layers, 2 to 3 required"),
    ],
)
def test_weighted_layers(count: int, setting: dict[str, int], outcome: str, evidence: str) -> None:
    found, _ = decide("MC206", setting, facts(weighted_layers=count))
    assert (found.outcome, found.evidence) == (outcome, evidence)
