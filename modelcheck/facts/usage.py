"""Batch norm, dropout, global average pooling and fully connected layers: what is live, and what is declared."""

from __future__ import annotations

import math
from dataclasses import dataclass

from modelcheck.facts.live import Substitute, Trial, identity, jittered, middle_pixel
from modelcheck.facts.spatial import GlobalAverage, Spatial
from modelcheck.facts.structs import DropoutUse, LinearUse, Use
from modelcheck.facts.trace import Step, Trace
from modelcheck.graph.reach import Reach
from modelcheck.graph.wire import Header, ModuleKind, NodeRef, TensorRef

LEAST_RATE = 0.01


@dataclass(frozen=True)
class Side:
    """One of the two graphs, with what is known of it."""

    training: bool
    trace: Trace
    reach: Reach
    dependent: frozenset[int]
    spatial: Spatial

    def reachable(self, index: int) -> bool:
        """Whether a node can reach the output."""
        return index in self.reach.nodes

    def at_work(self, index: int) -> bool:
        """Whether a node works on what comes from the input, and can reach the output."""
        return index in self.dependent and index in self.reach.nodes


def batch_norm(header: Header, train: Side, trial: Trial | None) -> Use:
    """Live batch norms that use the batch's statistics in training mode."""
    nodes = [
        step
        for step in train.trace.steps
        if step.kind == "batch-norm" and step.args[5] is True and train.at_work(step.index)
    ]
    live = _live(trial, {step.index: identity for step in nodes}, training=True, breaking=False)
    return Use(count=len(live), declared=_declared(header, "batch-norm"), where=_where(header, nodes, live))


def dropout(header: Header, train: Side, evaluation: Side, trial: Trial | None) -> DropoutUse:
    """Live dropouts with 0.01 ≤ p < 1 that are active in training and not in evaluation."""
    active = [step for step in train.trace.steps if _is_active(step) and train.at_work(step.index)]
    stuck = [step for step in evaluation.trace.steps if _is_active(step) and evaluation.reachable(step.index)]
    live = _live(trial, {step.index: identity for step in active}, training=True, breaking=False)
    honest = _without(header, [step for step in active if step.index in live], stuck)
    return DropoutUse(
        count=len(honest),
        declared=_declared(header, "dropout"),
        where=_where(header, honest, {step.index for step in honest}),
        rates=tuple(sorted({float(step.args[1]) for step in honest})),
    )


def global_average_pooling(header: Header, train: Side, evaluation: Side, trial: Trial | None) -> Use:
    """Live averages over the whole remaining map, in both graphs, however written."""
    found = {side.training: _live_averages(side, trial) for side in (train, evaluation)}
    count = min(len(found[True]), len(found[False]))
    steps = [evaluation.trace.steps[average.node] for average in found[False]][:count]
    declared = {module.path for module in header.modules if module.kind == "global-average-pool"}
    declared |= {
        header.modules[step.node.module].path
        for step in steps
        if header.modules[step.node.module].kind == "average-pool"
    }
    return Use(count=count, declared=len(declared), where=_paths(header, steps))


def fully_connected(header: Header, weighted: list[Step]) -> LinearUse:
    """Live linear layers, as modules, functions or products with a weight, among the weighted ones."""
    nodes = [step for step in weighted if step.kind in ("linear", "product")]
    equals = [step for step in weighted if step.kind == "convolution" and _on_one_pixel(step)]
    return LinearUse(
        count=len(nodes),
        declared=_declared(header, "linear"),
        where=_paths(header, nodes),
        equals=_paths(header, equals),
    )


def weighted_steps(side: Side, trial: Trial | None) -> list[Step]:
    """Live convolution, linear, recurrent and attention operators; a product counts if one side is a weight."""
    found = [step for step in side.trace.steps if side.at_work(step.index) and _is_weighted(side, step)]
    live = _live(trial, {step.index: jittered(step.node.op, step.index) for step in found}, training=side.training)
    return [step for step in found if step.index in live]


def idle_nodes(side: Side, weighted: list[Step], trial: Trial | None) -> set[int]:
    """The weighted operators, pools and normalisations that can reach the output and do not change it.

    Pools and normalisations are tried where that is cheap; the others are taken to do something.
    """
    at_work = [step for step in side.trace.steps if side.at_work(step.index)]
    idle = {step.index for step in at_work if _is_weighted(side, step)} - {step.index for step in weighted}
    for kind in ("max-pool", "average-pool", "normalisation"):
        nodes = [step for step in at_work if step.kind == kind]
        if trial and trial.affords(len(nodes), training=side.training):
            # one disturbance for all, so that what is added and taken off again cancels
            tried = {step.index: identity if kind == "normalisation" else jittered(step.node.op, 0) for step in nodes}
            idle |= tried.keys() - trial.live(tried, training=side.training)
    return idle


def _is_weighted(side: Side, step: Step) -> bool:
    if step.kind == "product":
        return _multiplies_weight(side, step)
    return step.kind in ("convolution", "linear", "recurrent", "attention")


def _on_one_pixel(step: Step) -> bool:
    return math.prod(step.args[0][2:]) == 1 and math.prod((step.shape or ())[2:]) == 1


def _multiplies_weight(side: Side, step: Step) -> bool:
    """Whether an operand is made without the model's input."""
    return any(
        isinstance(one, TensorRef) or (isinstance(one, NodeRef) and one.id not in side.dependent)
        for one in step.node.scalars()
    )


def _is_active(step: Step) -> bool:
    return (
        step.kind == "dropout"
        and step.args[2] is True
        and isinstance(step.args[1], int | float)
        and LEAST_RATE <= step.args[1] < 1
    )


def _without(header: Header, active: list[Step], stuck: list[Step]) -> list[Step]:
    """The active dropouts less as many as stay on in evaluation; those at the same place go first."""
    places = [(step.node.module, step.node.line, step.args[1]) for step in stuck]
    left: list[Step] = []
    for step in active:
        place = (step.node.module, step.node.line, step.args[1])
        if place in places:
            places.remove(place)
        else:
            left.append(step)
    # the place is the author's claim: a dropout that stays on under another name costs one all the same
    return left[: max(len(active) - len(stuck), 0)]


def _live_averages(side: Side, trial: Trial | None) -> list[GlobalAverage]:
    reachable = [average for average in side.spatial.averages if side.at_work(average.node)]
    substitutes: dict[int, Substitute] = {}
    for average in reachable:
        for node, dims in average.reductions:
            step = side.trace.steps[node]
            area = 1
            if step.kind == "sum":
                for dim in dims:
                    area *= step.args[0][dim]
            substitutes[node] = middle_pixel(dims, step.shape or (), area)
    live = _live(trial, substitutes, training=side.training, breaking=False)
    return [average for average in reachable if all(node in live for node, _ in average.reductions)]


def _live(trial: Trial | None, candidates: dict[int, Substitute], *, training: bool, breaking: bool = True) -> set[int]:
    return trial.live(candidates, training=training, breaking=breaking) if trial else set(candidates)


def _declared(header: Header, kind: ModuleKind) -> int:
    return sum(module.kind == kind for module in header.modules)


def _where(header: Header, steps: list[Step], live: set[int]) -> tuple[str, ...]:
    return _paths(header, [step for step in steps if step.index in live])


def _paths(header: Header, steps: list[Step]) -> tuple[str, ...]:
    return tuple(header.modules[step.node.module].path for step in steps)
