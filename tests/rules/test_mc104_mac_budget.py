from __future__ import annotations

from typing import Any

import pytest

from modelcheck.errors import UsageError
from modelcheck.facts.structs import Layer

from .making import decide, facts

FFT = ("aten.fft_fft2.default",)


@pytest.mark.parametrize(
    ("macs", "setting", "outcome"),
    [
        (1_000, {"max": 1_000}, "pass"),
        (1_001, {"max": 1_000}, "fail"),
        (999, {"min": 1_000}, "fail"),
        (1_000, {"min": 1_000}, "pass"),
        (1_500, {"min": 1_000, "max": 2_000}, "pass"),
        (0, {"max": 0}, "pass"),
        (1, {"max": 0}, "fail"),
    ],
)
def test_the_bounds_are_inclusive(macs: int, setting: dict[str, int], outcome: str) -> None:
    assert decide("MC104", setting, facts(macs=macs))[0].outcome == outcome


@pytest.mark.parametrize(
    ("setting", "outcome"),
    [
        ({"max": 999}, "fail"),  # it is too much already
        ({"max": 1_000}, "not run"),
        ({"min": 1_000}, "pass"),  # whatever is added
        ({"min": 1_001}, "not run"),
        ({"min": 500, "max": 2_000}, "not run"),
    ],
)
def test_what_was_not_counted_can_only_add(setting: dict[str, int], outcome: str) -> None:
    found, _ = decide("MC104", setting, facts(macs=1_000, uncounted_operators=FFT))
    assert found.outcome == outcome
    if outcome == "not run":
        assert found.cause == "1,000 MACs were counted, and there is no formula for fft_fft2"


def test_the_largest_layers_are_named() -> None:
    rows = tuple(
        Layer(path=path, type="Conv2d", calls=1, output_shape=(1,), parameters=0, macs=macs)
        for path, macs in [("a", 10), ("b", 400), ("c", 0), ("d", 200), ("e", 300)]
    )
    _, (finding,) = decide("MC104", {"max": 100}, facts(macs=910), layers=rows)
    assert finding.message == (
        "910 MACs for one sample, at most 100 allowed. Largest: b 400, e 300, d 200. A stride or a pool before them "
        "makes their maps smaller"
    )
    _, (finding,) = decide("MC104", {"min": 1_000}, facts(macs=910), layers=rows)
    assert finding.message == "910 MACs for one sample, at least 1,000 required. Largest: b 400, e 300, d 200"


@pytest.mark.parametrize("setting", ["error", {"max": -1}, {"min": 2, "max": 1}, {"most": 3}])
def test_senseless_options_are_refused(setting: Any) -> None:
    with pytest.raises(UsageError, match="mac-budget"):
        decide("MC104", setting)
