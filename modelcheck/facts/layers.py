"""The model's table: one row a layer, in the order of the first call; its sums are the model's totals."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import torch

from modelcheck.facts.structs import Layer
from modelcheck.facts.trace import Shape, Step, Trace
from modelcheck.graph.model import GraphModel, scalar_count, storage_users
from modelcheck.graph.wire import Header

# what a person calls a layer when it is written as a function
_SHOWN_FUNCTIONS = (
    "convolution", "linear", "product", "attention", "recurrent", "batch-norm", "normalisation", "dropout",
    "average-pool", "max-pool", "activation", "softmax", "mean",
)  # fmt: skip


@dataclass
class _Row:
    path: str
    type: str
    steps: list[Step] = field(default_factory=list)
    parameters: int = 0
    macs: int = 0


def layers(
    model: GraphModel, evaluation: Trace, reachable: frozenset[int], macs: Mapping[int, int]
) -> tuple[Layer, ...]:
    """Rows for modules without children that ran, functions that a person would call a layer, and owners of parameters.

    Args:
        model: whose parameters are given to the module that registers them first.
        evaluation: the evaluation graph's trace.
        reachable: nodes that can reach the output.
        macs: by node.
    """
    header = model.header
    parents = {module.path.rpartition(".")[0] for module in header.modules if module.path}
    rows: dict[tuple[str, str], _Row] = {}
    for step in evaluation.steps:
        module = header.modules[step.node.module]
        leaf = module.path not in parents and (module.path or len(header.modules) == 1)
        counted = macs.get(step.index, 0)
        if leaf:
            row = rows.setdefault((module.path, ""), _Row(module.path, module.type))
        elif step.index in reachable and (step.kind in _SHOWN_FUNCTIONS or counted):
            row = rows.setdefault((module.path, step.name), _Row(module.path, step.name))
        else:
            continue
        row.steps.append(step)
        row.macs += counted
    _give_parameters(model, header, rows)
    return tuple(_layer(row, header) for row in rows.values())


def parameter_owners(model: GraphModel) -> Iterator[tuple[str, int]]:
    """For each distinct storage of the registered parameters the module that registers it first, and its scalars."""
    for index, tensors in enumerate(storage_users(model.header)):
        stored = model.storage(index)
        if isinstance(stored, torch.nn.Parameter):
            first = next(tensor for tensor in tensors if tensor.role == "parameter").paths[0]
            yield first.rpartition(".")[0], scalar_count(stored)


def _give_parameters(model: GraphModel, header: Header, rows: dict[tuple[str, str], _Row]) -> None:
    types = {module.path: module.type for module in header.modules}
    for owner, scalars in parameter_owners(model):
        row = rows.setdefault((owner, ""), _Row(owner, types.get(owner, "")))
        row.parameters += scalars


def _layer(row: _Row, header: Header) -> Layer:
    shown = [step for step in row.steps if step.shape is not None and step.kind != "symbolic"]
    calls = _calls(shown)
    last: Shape | None = shown[-1].shape if shown else None
    return Layer(
        path=row.path,
        type=row.type,
        calls=calls,
        output_shape=last[1:] if last is not None else None,
        parameters=row.parameters,
        macs=row.macs,
        file=shown[0].node.file if shown else None,
        line=shown[0].node.line if shown else None,
    )


def _calls(steps: list[Step]) -> int:
    """How often the row ran: how often its most frequent operator did."""
    counts: dict[str, int] = {}
    for step in steps:
        counts[step.node.op] = counts.get(step.node.op, 0) + 1
    return max(counts.values(), default=0)
