from __future__ import annotations

import pytest

from .making import decide, facts


@pytest.mark.parametrize(
    ("field", "setting", "outcome"),
    [
        ((20, 20), {"min": 20}, "pass"),
        ((19, 30), {"min": 20}, "fail"),
        ((30, 19), {"min": 20}, "fail"),
        ((20, 28), {"max": 28}, "pass"),
        ((20, 29), {"max": 28}, "fail"),
        ((20, 28), {"min": 20, "max": 28}, "pass"),
        ((1, 1), {"min": 0}, "pass"),
    ],
)
def test_the_shorter_side_holds_for_min_and_the_longer_for_max(
    field: tuple[int, int], setting: dict[str, int], outcome: str
) -> None:
    assert decide("MC207", setting, facts(receptive_field=field))[0].outcome == outcome


def test_too_small_comes_with_what_widens_it_and_too_large_does_not() -> None:
    _, (small,) = decide("MC207", {"min": 20}, facts(receptive_field=(5, 7)))
    _, (large,) = decide("MC207", {"max": 4}, facts(receptive_field=(5, 7)))
    assert small.message.startswith("the last map sees 5×7 pixels, at least 20 required: ")
    assert large.message == "the last map sees 5×7 pixels, at most 4 allowed"


@pytest.mark.parametrize(("kind", "cause"), [("unbounded", "whole picture"), ("none", "nothing slides over a map")])
def test_what_has_no_bounded_field_is_not_run(kind: str, cause: str) -> None:
    found, findings = decide("MC207", {"min": 20}, facts(receptive_field=None, receptive_field_kind=kind))
    assert (found.outcome, findings) == ("not run", ())
    assert cause in (found.cause or "")
