from __future__ import annotations

import msgspec
import pytest

from modelcheck.rules.base import RangeOptions, asked, bounds, within


@pytest.mark.parametrize(
    ("least", "most", "text", "inside", "outside"),
    [
        (None, 19_999, "at most 19,999 allowed", [0, 19_999], [20_000]),
        (2, None, "at least 2 required", [2, 10**9], [0, 1]),
        (2, 4, "2 to 4 required", [2, 3, 4], [1, 5]),
        (3, 3, "exactly 3 required", [3], [2, 4]),
        (None, 0, "none allowed", [0], [1]),
        (0, 5, "0 to 5 allowed", [0, 5], [6]),
        (None, None, "any number allowed", [0, 10**12], []),
    ],
)
def test_ranges_are_inclusive_and_read_well(
    least: int | None, most: int | None, text: str, inside: list[int], outside: list[int]
) -> None:
    options = RangeOptions(min=least, max=most)
    assert asked(options) == text
    assert text.startswith(bounds(options))
    assert all(within(value, options) for value in inside)
    assert not any(within(value, options) for value in outside)


@pytest.mark.parametrize(
    "table", [{"min": 3, "max": 2}, {"min": -1}, {"max": -1}, {"max": 1.5}, {"max": True}, {"max": 10**16}]
)
def test_senseless_ranges_are_refused(table: dict[str, object]) -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert(table, RangeOptions)
