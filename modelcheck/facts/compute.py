"""compute_facts: everything that is known of a capture, by the definitions in docs/design.md."""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass

import msgspec
import torch

from modelcheck.facts import usage
from modelcheck.facts.apart import keeps_apart
from modelcheck.facts.declared import unregistered, unused_modules
from modelcheck.facts.flow import Flows
from modelcheck.facts.flow_builder import flow
from modelcheck.facts.held import frozen_parts, taught_storages, unused_parts
from modelcheck.facts.independence import batch_independent
from modelcheck.facts.layers import layers
from modelcheck.facts.live import Trial
from modelcheck.facts.macs import batches_and_macs, training_macs
from modelcheck.facts.modes import mode_differences
from modelcheck.facts.output import output_kind
from modelcheck.facts.parameters import hidden_weights, parameters
from modelcheck.facts.randomness import random_evaluation
from modelcheck.facts.receptive_field import receptive_field
from modelcheck.facts.shared import shared_weights
from modelcheck.facts.spatial import spatial
from modelcheck.facts.structs import Facts, Input, Layer
from modelcheck.facts.trace import Step, Trace, traces
from modelcheck.graph.capture import Capture
from modelcheck.graph.model import GraphModel
from modelcheck.graph.reach import depends_on_input, reach
from modelcheck.graph.wire import Header


@dataclass(frozen=True)
class Description:
    """A capture's facts, its table of layers, and its graphs as rules read them."""

    facts: Facts
    layers: tuple[Layer, ...]
    flows: Flows


def compute_facts(capture: Capture) -> Description:
    """Facts and layers of a capture; nothing that the capture says about shapes, counts or names is believed.

    Raises:
        DamagedCapture: the graph does not run.
    """
    header = capture.header
    weightless = any(storage.is_meta for storage in capture.storages)
    # facts are the same wherever the weights are, and a trial is small: the processor does
    model = GraphModel(capture, device=None if weightless else "cpu", copy=False)
    meta = GraphModel(capture, device="meta")
    batch, in_training, in_evaluation = traces(meta)
    train, evaluation = _side(meta, in_training, training=True), _side(meta, in_evaluation, training=False)
    output = evaluation.trace.outputs[0]
    batches, macs = batches_and_macs(meta, batch, output)
    total_macs = sum(macs.values())
    elements = max(_elements(capture.header, batch, side) for side in (train, evaluation))
    kind = output_kind(evaluation.trace)
    trial = None
    most_macs = max(total_macs, training_macs(meta, batch))
    if Trial.affordable(model, most_macs, elements):
        sized = [side.training for side in (train, evaluation) if not keeps_apart(side.trace, but_for_norms=True)]
        trial = Trial(model, most_macs, elements, batch, logits=kind == "logits", sized=sized, seed=_seed(header))
    weighted = usage.weighted_steps(evaluation, trial)
    sides = (train, evaluation)
    hidden, hidden_bytes = hidden_weights(model, [(s.trace.graph, s.reach.nodes, s.dependent) for s in sides], trial)
    unused = unused_modules(header, {index for s in sides for index in s.reach.tensors})
    field, field_kind = receptive_field(evaluation.spatial)
    facts = Facts(
        input_shape=header.inputs[0].shape,
        inputs=tuple(Input(name=one.name, shape=one.shape, dtype=one.dtype) for one in header.inputs),
        input_inferred=header.inferred,
        output_shape=output[1:],
        outputs=header.outputs,
        output_kind=kind,
        training_output_kind=output_kind(train.trace),
        parameters=parameters(
            model,
            train.reach.tensors | evaluation.reach.tensors,
            taught_storages(model, train.trace.graph),
            hidden,
            hidden_bytes,
        ),
        macs=total_macs,
        uncounted_operators=_uncounted(evaluation, macs),
        receptive_field=field,
        receptive_field_kind=field_kind,
        weighted_layers=len(weighted),
        batch_norm=usage.batch_norm(header, train, trial),
        dropout=usage.dropout(header, train, evaluation, trial),
        global_average_pooling=usage.global_average_pooling(header, train, evaluation, trial),
        fully_connected=usage.fully_connected(header, weighted),
        unused_modules=unused,
        unregistered_modules=unregistered(header),
        hidden_weights=hidden,
        accepted_batches=batches,
        liveness="tried" if trial else "reachable",
        unused_parameters=unused_parts(model, [(s.trace.graph, s.reach) for s in sides], unused),
        frozen_parameters=frozen_parts(model, train.trace.graph, train.reach),
        shared_weights=shared_weights(header, train),
        batch_independent=batch_independent(evaluation, trial),
        random_evaluation=random_evaluation(header, evaluation, trial),
        mode_differences=mode_differences(header, train, evaluation),
    )
    idle = usage.idle_nodes(evaluation, weighted, trial)
    flows = Flows(
        flow(header, train.trace, train.reach.nodes, train.dependent),
        flow(header, evaluation.trace, evaluation.reach.nodes, evaluation.dependent, idle),
    )
    return Description(facts, layers(model, evaluation.trace, evaluation.reach.nodes, macs), flows)


def _seed(header: Header) -> int:
    """Of what is drawn for this capture: by what its graphs compute, wherever the author's files lie."""
    computed = [
        [(node.op, node.args, node.kwargs) for node in graph.nodes] for graph in (header.train, header.evaluation)
    ]
    return int.from_bytes(hashlib.sha256(msgspec.json.encode(computed)).digest()[:4])


def _side(meta: GraphModel, traced: Trace, *, training: bool) -> usage.Side:
    return usage.Side(
        training=training,
        trace=traced,
        reach=reach(traced.graph),
        dependent=depends_on_input(traced.graph),
        spatial=spatial(traced, meta.header.inputs),
    )


def _elements(header: Header, batch: int, side: usage.Side) -> int:
    """What a run for the traced batch makes and looks at: inputs, results, and the windows of pools."""
    inputs = sum(batch * math.prod(one.shape) for one in header.inputs)
    return inputs + sum(_work(step) for step in side.trace.steps)


def _work(step: Step) -> int:
    results = math.prod(step.shape or ())
    if step.kind in ("average-pool", "max-pool") and not step.name.startswith("adaptive"):
        kernel = step.args[1] if isinstance(step.args[1], tuple | list) else (step.args[1],)
        return results * math.prod(one for one in kernel if isinstance(one, int))
    if step.name in ("matrix_exp", "linalg_matrix_exp"):  # a product of matrices for each of its terms
        return results * step.args[0][-1]
    shapes = [argument for argument in step.args if isinstance(argument, torch.Size)]
    try:
        # a loss is one number made of many
        inside = math.prod(torch.broadcast_shapes(*shapes))  # type: ignore[no-untyped-call]
    except RuntimeError:
        inside = 0
    return max(results, inside)


def _uncounted(side: usage.Side, macs: dict[int, int]) -> tuple[str, ...]:
    """Operators that multiply and have no formula, which the count of multiply-adds leaves out."""
    names = {step.node.op for step in side.trace.steps if step.index not in macs and side.reachable(step.index)}
    return tuple(sorted(names))
