"""What a page tells of a report's facts and layers."""

from __future__ import annotations

from dataclasses import dataclass

from modelcheck.facts.structs import Layer
from modelcheck.report import Report
from modelcheck.telling.rows import fact_rows

_MOST_LAYERS = 500


@dataclass(frozen=True)
class Described:
    """The facts in words, the layers, how many more of these there are, and the parameters with the hidden ones."""

    rows: tuple[tuple[str, str], ...]
    layers: tuple[Layer, ...]
    more_layers: int
    parameters: int


def described(report: Report) -> Described | None:
    """What is known of the model; None where nothing is."""
    if report.facts is None:
        return None
    held = report.facts.parameters
    return Described(
        rows=tuple(fact_rows(report.facts)),
        layers=report.layers[:_MOST_LAYERS],
        more_layers=max(len(report.layers) - _MOST_LAYERS, 0),
        parameters=held.total + (held.hidden or 0),
    )
