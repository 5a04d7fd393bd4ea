"""The table of a model that was walked: its rows, and who owns which parameters."""

from __future__ import annotations

from torch import nn

from modelcheck.capturing.tree import walk, wire_text
from modelcheck.facts.layers import parameter_owners
from modelcheck.facts.structs import Layer
from modelcheck.graph.model import GraphModel
from modelcheck.walking.calls import Row, Watched, is_below, is_closed, type_name


def layers(model: nn.Module, weights: GraphModel, found: Watched, batch: int) -> tuple[Layer, ...]:
    """Modules without children that ran, operators that multiply elsewhere, and owners of parameters.

    Args:
        model: the model that ran.
        weights: whose parameters are given to the module that registers them first, or to one above it that is closed.
        found: what was watched.
        batch: how many samples the model was given.
    """
    rows = dict(found.rows)
    owned = _owned(model, weights)
    for path, module in walk(model):
        if path in owned:
            rows.setdefault((path, ""), Row(wire_text(path), type_name(module)))
    return tuple(
        _layer(row, owned.get(path, 0) if not operator else 0, batch)
        for (path, operator), row in rows.items()
        if row.shown or (path in owned and not operator)
    )


def _owned(model: nn.Module, weights: GraphModel) -> dict[str, int]:
    """Scalars by the path of the module that the table shows for them."""
    closed = [path for path, module in walk(model) if is_closed(module)]
    owned: dict[str, int] = {}
    for owner, scalars in parameter_owners(weights):
        shown = next((above for above in closed if is_below(owner, above)), owner)  # the outermost comes first
        owned[shown] = owned.get(shown, 0) + scalars
    return owned


def _layer(row: Row, parameters: int, batch: int) -> Layer:
    file, line = row.place
    return Layer(
        path=wire_text(row.path),
        type=row.type,
        calls=row.calls,
        output_shape=row.shape[1:] if row.shape is not None else None,
        parameters=parameters,
        macs=row.macs // batch,
        file=file,
        line=line,
    )
