"""Numbers as a person reads them."""

from __future__ import annotations

from collections.abc import Sequence


def counted(number: int, noun: str, plural: str | None = None) -> str:
    """The number with its noun: ``1 parameter``, ``18,592 parameters``."""
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"


def percent(fraction: float) -> str:
    """The fraction in percent, with as many of two to four decimals as it takes: ``99.40 %``, ``99.397 %``."""
    text = f"{fraction * 100:.4f}"
    return text[:-2] + text[-2:].rstrip("0") + " %"


def loss_text(loss: float | None) -> str:
    """A loss with four decimals; None is one that was not finite."""
    return "not finite" if loss is None else f"{loss:.4f}"


def listed(parts: Sequence[object]) -> str:
    """The parts as in a sentence: ``1, 2 and 64``."""
    *most, last = map(str, parts)
    return f"{', '.join(most)} and {last}" if most else last
