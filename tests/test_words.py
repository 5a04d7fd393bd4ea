from __future__ import annotations

import pytest

from modelcheck.words import counted, listed, percent, sparkline


@pytest.mark.parametrize(
    ("number", "text"), [(0, "0 parameters"), (1, "1 parameter"), (2, "2 parameters"), (18_592, "18,592 parameters")]
)
def test_counted(number: int, text: str) -> None:
    assert counted(number, "parameter") == text


def test_counted_with_its_own_plural() -> None:
    assert [counted(n, "is", "are") for n in (1, 2)] == ["1 is", "2 are"]


@pytest.mark.parametrize(
    ("fraction", "text"),
    [(0.994, "99.40 %"), (1.0, "100.00 %"), (0.0, "0.00 %"), (0.99397, "99.397 %"), (0.9939666, "99.3967 %")],
)
def test_percent_does_not_round_a_near_miss_away(fraction: float, text: str) -> None:
    assert percent(fraction) == text


@pytest.mark.parametrize(("parts", "text"), [([1], "1"), ([1, 2], "1 and 2"), ([1, 2, 64], "1, 2 and 64")])
def test_listed(parts: list[int], text: str) -> None:
    assert listed(parts) == text


@pytest.mark.parametrize(
    ("values", "text"),
    [
        ([0.5], "▁"),
        ([0.5, 0.5], "▁▁"),
        ([0.0, 1.0], "▁█"),
        ([1.0, 0.0, 0.5], "█▁▅"),
        ([number / 7 for number in range(8)], "▁▂▃▄▅▆▇█"),
        ([0.9940, 0.9941, 0.9940], "▁█▁"),
    ],
)
def test_sparkline(values: list[float], text: str) -> None:
    assert sparkline(values) == text


def test_a_long_sparkline_keeps_its_ends() -> None:
    assert sparkline([1.0, *[0.5] * 997, 0.0, 0.0], most=10) == "█▅▅▅▅▅▅▅▅▁"
    assert len(sparkline([float(number) for number in range(41)])) == 40
