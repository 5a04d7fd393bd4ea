"""Where the axes of losses and accuracies have their ticks."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence

LOSSES = [digit * 10.0**power for power in range(-6, 4) for digit in (1, 2, 5)]
ACCURACIES = [0.0, 0.3, 0.5, 0.8, 0.9, 0.95, 0.98, 0.99, 0.995, 0.998, 0.999, 1.0]


def enclosing(ticks: Sequence[float], least: float, most: float) -> tuple[float, float]:
    """The ticks at or outside both ends, and never one alone."""
    low = min(max(bisect_right(ticks, least) - 1, 0), len(ticks) - 2)
    high = min(max(bisect_left(ticks, most), low + 1), len(ticks) - 1)
    return ticks[low], ticks[high]
