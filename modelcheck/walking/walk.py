"""What one real forward tells of a model whose graph cannot be captured."""

from __future__ import annotations

import torch
from torch import nn

from modelcheck.author_trace import class_name
from modelcheck.capturing.example import Example, example
from modelcheck.capturing.inference import Guess, guesses
from modelcheck.capturing.lazy import with_sizes
from modelcheck.capturing.manners import left_as_found, set_mode, values_as_found
from modelcheck.capturing.outputs import named_tensors
from modelcheck.capturing.tables import Tables
from modelcheck.capturing.tree import device_of, tensors
from modelcheck.capturing.unregistered import unregistered_modules
from modelcheck.errors import AuthorError, ForwardError
from modelcheck.facts.declared import unregistered, unused_modules
from modelcheck.facts.parameters import parameters
from modelcheck.facts.structs import Input
from modelcheck.facts.walked import Walked, WalkedFacts, WalkedParameters
from modelcheck.graph.capture import Capture
from modelcheck.graph.check import MAX_OUTPUTS
from modelcheck.graph.model import GraphModel
from modelcheck.graph.operators import DTYPE_NAMES
from modelcheck.graph.wire import Graph, Header, InputInfo, InputRef
from modelcheck.inputs import Inputs, readings
from modelcheck.walking.calls import Watched, watch_forward
from modelcheck.walking.declared import Declared
from modelcheck.walking.packed import packed_weights
from modelcheck.walking.table import layers

BATCH = 2


def walk_for(model: nn.Module, inputs: Inputs | None, failure: AuthorError) -> Walked | None:
    """What one forward tells, on inputs as a user gives them or as the first layer suggests; None where none runs.

    Where forward failed in training on inputs that nobody gave, only the likeliest are tried.

    Args:
        model: any module.
        inputs: what it takes; None where nobody said.
        failure: why there is no capture.
    """
    if inputs is not None:
        tried = [Guess(reading, "") for reading in readings(inputs)]
    else:
        tried = guesses(model)[: 1 if isinstance(failure, ForwardError) else None]
    walks = (walk_model(model, one.inputs, failure, one.because or None) for one in tried)
    return next((walk for walk in walks if walk), None)


def walk_model(model: nn.Module, inputs: Inputs, failure: AuthorError, because: str | None = None) -> Walked | None:
    """What one forward in evaluation mode tells; None where forward does not run. The model is left as it was found.

    Args:
        model: any module that takes tensors.
        inputs: what it takes.
        failure: why there is no capture.
        because: what the inputs were inferred from, where nobody gave them.
    """
    try:
        with left_as_found(model):
            given = example(model, inputs, BATCH, device_of(model))
            model = with_sizes(model, given)
            with values_as_found(tensors(model)):
                set_mode(model, False)
                return _walked(model, given, failure, because)
    except KeyboardInterrupt:
        raise
    except BaseException:  # whatever happens, the failure that is known already is what is told
        return None


def _walked(model: nn.Module, given: Example, failure: AuthorError, because: str | None) -> Walked:
    tables, found = Tables(model), watch_forward(model, given)
    header = _header(model, given, tables, found)
    weights = GraphModel(Capture(header, tables.storages()), copy=False)
    read = tables.lying_in(found.read)
    packed = list(packed_weights(model))
    rows = layers(model, weights, found, BATCH)
    declared = Declared(model, found.called)
    outputs = named_tensors(found.output)
    facts = WalkedFacts(
        input_shape=header.inputs[0].shape,
        inputs=tuple(Input(name=one.name, shape=one.shape, dtype=one.dtype) for one in header.inputs),
        input_inferred=because,
        output_shape=_output_shape(found.output),
        outputs=tuple(name for name, _ in outputs if name)[:MAX_OUTPUTS],
        parameters=_parameters(weights, read, sum(size for _, size in packed)),
        macs=sum(row.macs for row in rows),
        uncounted_operators=tuple(sorted(found.uncounted)),
        batch_norm=declared.batch_norm(),
        dropout=declared.dropout(),
        global_average_pooling=declared.global_average_pooling(),
        fully_connected=declared.fully_connected(),
        unused_modules=unused_modules(header, read),
        unregistered_modules=unregistered(header),
        hidden_weights=tuple(weight for weight, _ in packed),
    )
    return Walked(failure, facts, rows)


def _header(model: nn.Module, given: Example, tables: Tables, found: Watched) -> Header:
    """The head of a capture without operators, from which weights are counted as from any other."""
    nothing = Graph(nodes=(), outputs=(InputRef(0),))
    return Header(
        torch=str(torch.__version__),
        name=class_name(type(model)),
        inputs=tuple(
            InputInfo(shape=tuple(one.shape[1:]), dtype=DTYPE_NAMES[one.dtype], batches=(BATCH, BATCH), name=name)
            for name, one in zip(given.names, given.tensors, strict=True)
        ),
        storages=tables.storage_infos(),
        tensors=tables.tensor_infos(),
        modules=tables.module_infos(found.called),
        unregistered=unregistered_modules(model),
        train=nothing,
        evaluation=nothing,
    )


def _parameters(weights: GraphModel, read: frozenset[int], packed_bytes: int) -> WalkedParameters:
    every = frozenset(range(len(weights.header.storages)))  # what a gradient reaches nobody knows
    counted = parameters(weights, read, every, (), packed_bytes)
    return WalkedParameters(
        total=counted.total,
        trainable=counted.trainable,
        frozen=counted.frozen,
        unused=counted.unused,
        shared=counted.shared,
        bytes=counted.bytes,
    )


def _output_shape(output: object) -> tuple[int, ...] | None:
    """One sample's, where the output has a row for each; a list of what was found in each picture has none."""
    shape = next((tuple(tensor.shape) for _, tensor in named_tensors(output)), ())
    several = list(output) if issubclass(type(output), list | tuple) else []  # type: ignore[call-overload]
    by_sample = len(several) == BATCH and not any(issubclass(type(one), torch.Tensor) for one in several)
    return shape[1:] if shape[:1] == (BATCH,) and not by_sample else None
