"""Multiply-adds of every node, and the batches that the graph takes, found in the same runs."""

from __future__ import annotations

from typing import Any

from torch.utils.flop_counter import FlopCounterMode

from modelcheck.errors import DamagedCapture
from modelcheck.facts.formulas import own_formula
from modelcheck.facts.trace import BATCHES, Shape, run, step_of
from modelcheck.graph.model import GraphModel
from modelcheck.graph.operators import Kind
from modelcheck.graph.reach import depends_on_input
from modelcheck.graph.wire import Node

# of these torch's counter knows all there is
_COUNTED_BY_TORCH: tuple[Kind, ...] = ("convolution", "attention", "recurrent")
# and these multiply and add, too
_MULTIPLYING: tuple[Kind, ...] = (*_COUNTED_BY_TORCH, "linear", "product", "unformulated")


def batches_and_macs(model: GraphModel, traced: int, output: Shape) -> tuple[tuple[int, ...], dict[int, int]]:
    """Which of the batch sizes 1, 2 and 64 the evaluation graph takes, and each node's multiply-adds for one sample.

    A size is taken if it gives as many rows; one for which the author's code takes another branch than the captured one
    is not. Multiply-adds are ``torch.utils.flop_counter`` ÷ 2, or by ``formulas.py`` where that has none, on the least
    batch that is taken. A node that multiplies and has no formula is left out.

    Args:
        model: on the meta device.
        traced: the batch for which the graph is known to run.
        output: the shape of what it gives for that.
    """
    accepted: list[int] = []
    macs: dict[int, int] | None = None
    least, most = model.header.inputs[0].batches
    for batch in BATCHES:
        if batch < least or (most is not None and batch > most):
            continue
        try:
            if macs is None:
                shape, counted = _counted(model, batch)
            else:
                shape = output if batch == traced else tuple(run(model, batch, training=False)[0].shape)
        except DamagedCapture:
            continue
        if shape == (batch, *output[1:]):
            accepted.append(batch)
            macs = counted
    return tuple(accepted), _counted(model, traced)[1] if macs is None else macs


def training_macs(model: GraphModel, batch: int) -> int:
    """The multiply-adds of the training graph for one sample.

    Args:
        model: on the meta device.
        batch: for which that graph is known to run.
    """
    return sum(_counted(model, batch, training=True)[1].values())


def _counted(model: GraphModel, batch: int, *, training: bool = False) -> tuple[Shape, dict[int, int]]:
    """The shape of the output, and the multiply-adds of each node of a graph for one sample.

    What is computed from weights alone is computed once, however many samples there are.
    """
    counter = FlopCounterMode(display=False)
    dependent = depends_on_input(model.header.train if training else model.header.evaluation)
    macs: dict[int, int] = {}
    before = 0

    def observe(index: int, node: Node, args: tuple[Any, ...], result: Any) -> None:
        nonlocal before
        total = int(counter.get_total_flops())
        step = step_of(index, node, args, result)
        found = (total - before) // 2 or own_formula(step)
        before = total
        if found is None and step.kind not in _COUNTED_BY_TORCH and step.kind in _MULTIPLYING:
            return
        macs[index] = (found or 0) // (batch if index in dependent else 1)

    with counter:
        outputs = run(model, batch, training=training, observe=observe)
    return tuple(outputs[0].shape), macs
