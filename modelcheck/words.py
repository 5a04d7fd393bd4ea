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


SPARKS = "▁▂▃▄▅▆▇█"


def sparkline(values: Sequence[float], most: int = 40) -> str:
    """The values as a row of bars from the least to the greatest; of more than ``most`` as many, evenly chosen."""
    if len(values) > most:
        values = [values[place * (len(values) - 1) // (most - 1)] for place in range(most)]
    least, span = min(values), max(values) - min(values)
    return "".join(SPARKS[round((value - least) / span * (len(SPARKS) - 1))] if span else SPARKS[0] for value in values)


def listed(parts: Sequence[object]) -> str:
    """The parts as in a sentence: ``1, 2 and 64``."""
    *most, last = map(str, parts)
    return f"{', '.join(most)} and {last}" if most else last
