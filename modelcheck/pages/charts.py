"""Where everything lies in the pictures of the pages; the templates draw it, in colours of light or of darkness."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from modelcheck.plots.ticks import ACCURACIES, LOSSES, enclosing

WIDTH, HEIGHT = 400, 250
LEFT, RIGHT, TOP, BOTTOM = 54, 388, 12, 210  # of the area where data are drawn
BINS = 10
_COUNTS = [digit * 10**power for power in range(10) for digit in (1, 2, 5)]


@dataclass(frozen=True)
class Tick:
    """A place on an axis, in the picture's own units, and what stands there."""

    at: float
    text: str


@dataclass(frozen=True)
class Bar:
    """A bar of the histogram: where it stands, and what it counts."""

    x: float
    y: float
    width: float
    height: float
    count: int
    start: float
    end: float


@dataclass(frozen=True)
class Histogram:
    """How often values of each tenth of the range occur."""

    bars: tuple[Bar, ...]
    x_ticks: tuple[Tick, ...]
    y_ticks: tuple[Tick, ...]


@dataclass(frozen=True)
class Dot:
    """One or several submissions at one place."""

    x: float
    y: float
    verdict: str


@dataclass(frozen=True)
class Scatter:
    """Parameters against accuracy; the lines are what the policy asks for, where that is within the picture."""

    dots: tuple[Dot, ...]
    x_ticks: tuple[Tick, ...]
    y_ticks: tuple[Tick, ...]
    budget: float | None
    threshold: float | None


@dataclass(frozen=True)
class Line:
    """One curve: its marks, and its path, which has gaps where values are missing."""

    name: str
    marks: tuple[tuple[float, float], ...]
    path: str


@dataclass(frozen=True)
class Curves:
    """Training and test over the epochs."""

    lines: tuple[Line, ...]
    x_ticks: tuple[Tick, ...]
    y_ticks: tuple[Tick, ...]


def histogram(values: Sequence[float], most: float) -> Histogram:
    """How the values, of 0 to ``most``, are distributed over tenths of that; one above it counts in the last."""
    counts = [0] * BINS
    for value in values:
        counts[min(max(int(value / most * BINS), 0), BINS - 1)] += 1
    ticks = _count_ticks(max(counts))
    width = (RIGHT - LEFT) / BINS
    high = [_place(count, 0, ticks[-1], BOTTOM, TOP) for count in counts]
    bars = tuple(
        Bar(LEFT + k * width + 1, y, width - 2, BOTTOM - y, counts[k], most * k / BINS, most * (k + 1) / BINS)
        for k, y in enumerate(high)
    )
    return Histogram(
        bars,
        tuple(Tick(LEFT + k * width, f"{most * k / BINS:,.6g}") for k in range(0, BINS + 1, 2)),
        tuple(Tick(_place(count, 0, ticks[-1], BOTTOM, TOP), f"{count:,}") for count in ticks),
    )


def scatter(
    points: Iterable[tuple[int, float, str]], budget: int | None, threshold: float | None, test_images: int
) -> Scatter:
    """The picture of (parameters, accuracy, verdict); what would lie on top of each other is one dot.

    Parameters go by their logarithm, accuracies by that of the error, in which good models differ.
    """
    known = [(max(parameters, 1), accuracy, verdict) for parameters, accuracy, verdict in points]
    sizes, accuracies = [one[0] for one in known], [one[1] for one in known]
    x_axis = _Axis(_COUNTS, min(sizes), max(sizes), LEFT + 8, RIGHT - 8, math.log10, _count_text)
    y_axis = _accuracy_axis(min(accuracies), max(accuracies), test_images)
    dots = dict.fromkeys(Dot(x_axis.place(x), y_axis.place(y), verdict) for x, y, verdict in known)
    return Scatter(
        tuple(dots),
        x_axis.ticks,
        y_axis.ticks,
        x_axis.place(budget) if budget and x_axis.holds(budget) else None,
        y_axis.place(threshold) if threshold and y_axis.holds(threshold) else None,
    )


def accuracy_curves(training: Sequence[float], test: Sequence[float], test_images: int) -> Curves:
    """Accuracies over the epochs, by the logarithm of the error."""
    axis = _accuracy_axis(min(*training, *test), max(*training, *test), test_images)
    return _curves(training, test, axis)


def loss_curves(training: Sequence[float | None], test: Sequence[float | None]) -> Curves | None:
    """Losses over the epochs, by their logarithm; None where none was finite."""
    known = [min(max(one, LOSSES[0]), LOSSES[-1]) for one in (*training, *test) if one is not None]
    if not known:
        return None
    return _curves(training, test, _Axis(LOSSES, min(known), max(known), BOTTOM, TOP, math.log10, "{:g}".format))


@dataclass(frozen=True)
class _Axis:
    """An axis that begins and ends at ticks."""

    known: Sequence[float]
    least: float
    most: float
    start: float
    end: float
    scale: Callable[[float], float]
    text: Callable[[float], str]
    ends: tuple[float, float] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "ends", enclosing(self.known, self.least, self.most))

    def holds(self, value: float) -> bool:
        return self.ends[0] <= value <= self.ends[1]

    def place(self, value: float) -> float:
        """Where the value lies; what is beyond the axis lies at its end."""
        value = min(max(value, self.ends[0]), self.ends[1])
        return _place(self.scale(value), self.scale(self.ends[0]), self.scale(self.ends[1]), self.start, self.end)

    @property
    def ticks(self) -> tuple[Tick, ...]:
        shown = [value for value in self.known if self.holds(value)]
        while len(shown) > 8:  # every other one, and always the last
            shown = shown[::-2][::-1]
        return tuple(Tick(self.place(value), self.text(value)) for value in shown)


def _accuracy_axis(least: float, most: float, test_images: int) -> _Axis:
    """By the error's logarithm; one image is added to the error, so that all right has a place too."""

    def by_error(accuracy: float) -> float:
        return -math.log10(max(1 - accuracy, 0) + 1 / test_images)

    return _Axis(ACCURACIES, least, most, BOTTOM, TOP, by_error, lambda value: f"{value * 100:g} %")


def _curves(training: Sequence[float | None], test: Sequence[float | None], axis: _Axis) -> Curves:
    last = max(len(test), 2)
    places = [round(_place(epoch, 0.5, last + 0.5, LEFT, RIGHT), 1) for epoch in range(1, last + 1)]
    step = -(-len(test) // 8)
    return Curves(
        tuple(_line(name, places, values, axis) for name, values in (("training", training), ("test", test))),
        tuple(Tick(places[epoch - 1], str(epoch)) for epoch in range(1, len(test) + 1) if (epoch - 1) % step == 0),
        axis.ticks,
    )


def _line(name: str, places: Sequence[float], values: Sequence[float | None], axis: _Axis) -> Line:
    marks = [None if value is None else (x, axis.place(value)) for x, value in zip(places, values, strict=False)]
    steps = [
        f"{'L' if before else 'M'}{mark[0]} {mark[1]}" for before, mark in pairwise([None, *marks]) if mark is not None
    ]
    return Line(name, tuple(mark for mark in marks if mark), " ".join(steps))


def _place(value: float, least: float, most: float, start: float, end: float) -> float:
    return round(start + (value - least) / (most - least) * (end - start), 1)


def _count_ticks(most: int) -> list[int]:
    """Whole numbers from 0 to the most or above it, in equal steps, about four."""
    step = next(step for step in _COUNTS if step * 4 >= most)
    return list(range(0, -(-max(most, 1) // step) * step + 1, step))


def _count_text(value: float) -> str:
    """Thousands and more as people write them: ``20 k``, ``1 M``."""
    for size, unit in ((10**9, " G"), (10**6, " M"), (10**3, " k")):
        if value >= size:
            return f"{value / size:g}{unit}"
    return f"{value:g}"
