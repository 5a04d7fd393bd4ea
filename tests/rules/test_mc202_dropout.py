from __future__ import annotations

import pytest

from modelcheck.errors import UsageError
from modelcheck.facts.structs import DropoutUse

from .making import decide, facts


def with_rates(*rates: float) -> object:
    where = tuple(f"drop{number}" for number in range(len(rates)))
    return facts(dropout=DropoutUse(count=len(rates), declared=len(rates), where=where, rates=rates))


@pytest.mark.parametrize(
    ("rates", "setting", "outcome"),
    [
        ([0.1], {"min-rate": 0.1, "max-rate": 0.1}, "pass"),
        ([0.05], {"min-rate": 0.1}, "fail"),
        ([0.1, 0.5], {"max-rate": 0.5}, "pass"),
        ([0.1, 0.6], {"max-rate": 0.5}, "fail"),
        ([], {"max-rate": 0.5}, "fail"),
        ([], {"min": 0, "max-rate": 0.5}, "pass"),
        ([0.2, 0.3], {"min": 2, "max": 2, "max-rate": 0.5}, "pass"),
    ],
)
def test_rates(rates: list[float], setting: dict[str, float], outcome: str) -> None:
    assert decide("MC202", setting, with_rates(*rates))[0].outcome == outcome  # type: ignore[arg-type]


def test_only_the_rates_outside_are_named() -> None:
    _, (finding,) = decide("MC202", {"max-rate": 0.5}, with_rates(0.1, 0.6, 0.75))  # type: ignore[arg-type]
    assert finding.message == "dropout with p = 0.6, 0.75; the policy asks for 0 to 0.5"


@pytest.mark.parametrize(
    "setting",
    [
        {"min-rate": 0.5, "max-rate": 0.1},
        {"max-rate": 1.5},
        {"min-rate": -0.1},
        {"min-rate": float("nan")},
        {"max-rate": float("inf")},
    ],
)
def test_senseless_rates_are_refused(setting: dict[str, float]) -> None:
    with pytest.raises(UsageError, match=r"policy\.toml: rules\.dropout.*rate"):
        decide("MC202", setting)
