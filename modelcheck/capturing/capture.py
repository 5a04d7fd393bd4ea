"""capture_model: nn.Module → Capture, by torch.export, once in training mode and once in evaluation mode."""

from __future__ import annotations

import copy
import io
import math
import sys
from collections.abc import Sequence
from contextlib import redirect_stderr, redirect_stdout

import torch
from torch import nn
from torch.nn.parameter import UninitializedBuffer

from modelcheck.author_trace import author_code, class_name, describe_exception
from modelcheck.capturing import advice
from modelcheck.capturing.manners import (
    attributes_as_found,
    fingerprint,
    is_uninitialized,
    left_as_found,
    random_states,
    set_mode,
    watched_calls,
)
from modelcheck.capturing.tables import Tables
from modelcheck.capturing.translate import batches, translate
from modelcheck.capturing.tree import (
    declared_kind,
    device_of,
    own_attributes,
    plain_bookkeeping,
    stored,
    tensors,
    walk,
)
from modelcheck.capturing.trial import drawing_line, forward_failure
from modelcheck.capturing.unregistered import unregistered_modules
from modelcheck.errors import AuthorError, ForwardError, NotCapturable, UsageError
from modelcheck.graph.capture import Capture
from modelcheck.graph.check import check_header
from modelcheck.graph.operators import KINDS, is_random
from modelcheck.graph.reach import depends_on_input, reach
from modelcheck.graph.wire import Graph, Header, InputInfo

# batch norm over a 1×1 map refuses a batch of one in training mode, and what splits its batch may refuse two
BATCHES = (2, 64)
MOST_VALUES = 2**22


class _Holder(nn.Module):
    """A plain module around the author's: export asks the root for its parameters, and this one answers truly."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self._modules["model"] = model  # an assignment would ask the model for its __class__

    def forward(self, x: torch.Tensor) -> object:
        return self._modules["model"](x)  # type: ignore[misc]


def capture_model(model: nn.Module, input_shape: Sequence[int], name: str | None = None) -> Capture:
    """The model's training and evaluation graphs with its weights, which are shared with the model and not copied.

    The model is left as it was found. One with lazy layers that have not run is captured as a copy that has.

    Args:
        model: any module that takes one tensor.
        input_shape: one sample's, without the batch: (C, H, W).
        name: what to call the model; by default its class.
    Raises:
        UsageError: no input has that shape.
        ForwardError: forward fails on an input of that shape.
        NotCapturable: forward runs, and its graph cannot be captured.
    """
    shape = tuple(input_shape)
    try:
        with left_as_found(model):
            return _first_capture(model, shape, name)
    except (AuthorError, KeyboardInterrupt):
        raise
    except BaseException as error:  # a class may do anything wherever it is touched
        file, line = advice.author_place(model, error)
        text = f"the model cannot be captured: {describe_exception(error)}"
        raise NotCapturable(text, file=file, line=line) from None


def _first_capture(model: nn.Module, shape: tuple[int, ...], name: str | None) -> Capture:
    """The capture with the first batch on which forward runs; of large samples only the smallest is tried."""
    failure: ForwardError | None = None
    for batch in BATCHES:
        if failure and batch * math.prod(shape) > MOST_VALUES:
            break
        try:
            return _capture(model, _example(batch, shape), name)
        except ForwardError as error:
            failure = failure or error
    assert failure is not None
    raise failure


def _example(batch: int, shape: tuple[int, ...]) -> torch.Tensor:
    try:
        with torch.inference_mode(False):
            return torch.randn((batch, *shape), generator=torch.Generator().manual_seed(0), dtype=torch.float32)
    except (RuntimeError, MemoryError, TypeError):
        raise UsageError(f"there is no input of the shape {'x'.join(map(str, shape))}") from None


def _capture(model: nn.Module, example: torch.Tensor, name: str | None) -> Capture:
    example = example.to(device_of(model))
    if any(is_uninitialized(tensor) for tensor in tensors(model)):
        model = _run_once(model, example)
    tables, unregistered = Tables(model), unregistered_modules(model)
    _refuse_scripts(model)
    with watched_calls(model) as called:
        train, sizes = _graph(model, example, True, tables)
        evaluation, others = _graph(model, example, False, tables)
    _refuse_made_weights(evaluation, model)
    header = Header(
        torch=str(torch.__version__),
        name=name or class_name(type(model)),
        inputs=(InputInfo(shape=tuple(example.shape[1:]), dtype="float32", batches=_both(sizes, others)),),
        storages=tables.storage_infos(),
        tensors=tables.tensor_infos(),
        modules=tables.module_infos(called),
        unregistered=unregistered,
        train=train,
        evaluation=evaluation,
    )
    check_header(header)
    return Capture(header, tables.storages())


def _run_once(model: nn.Module, example: torch.Tensor) -> nn.Module:
    """A copy of a model with lazy layers in which they have found their sizes."""
    # torch copies uninitialised parameters and not buffers
    lazy = [tensor for tensor in tensors(model) if is_uninitialized(tensor)]
    buffers = [id(one) for one in lazy if issubclass(type(one), UninitializedBuffer)]
    with author_code(NotCapturable, "a model with lazy layers is captured as a copy, and it cannot be copied"):
        trial, model = (copy.deepcopy(model, {one: UninitializedBuffer() for one in buffers}) for _ in range(2))
    for one in (trial, model):
        set_mode(one, False)
    if failure := forward_failure(trial, example, training=False):
        raise failure
    with author_code(NotCapturable, "forward runs once and not again"), torch.no_grad():
        model(example.clone())
    return model


def _both(one: tuple[int, int | None], other: tuple[int, int | None]) -> tuple[int, int | None]:
    most = [limit for _, limit in (one, other) if limit is not None]
    return max(one[0], other[0]), min(most, default=None)


def _refuse_scripts(model: nn.Module) -> None:
    if issubclass(type(model), torch.jit.ScriptModule):
        raise NotCapturable(advice.SCRIPTED)


def _refuse_made_weights(evaluation: Graph, model: nn.Module) -> None:
    """Raise where evaluation draws random numbers that do not depend on the input: weights made in forward."""
    dependent, reachable = depends_on_input(evaluation), reach(evaluation).nodes
    for index in sorted(reachable - dependent):
        node = evaluation.nodes[index]
        if is_random(node.op) and KINDS[node.op] != "dropout":  # which is random where it is on
            file, line = (node.file, node.line) if node.file else advice.author_place(model)
            raise NotCapturable(advice.DRAWS_WEIGHTS, file=file, line=line)


def _graph(
    model: nn.Module, example: torch.Tensor, training: bool, tables: Tables
) -> tuple[Graph, tuple[int, int | None]]:
    set_mode(model, training)
    before = fingerprint(random_states())
    with attributes_as_found(model):
        exported = _export(model, example, training)
    if fingerprint(random_states()) != before:
        file, line = drawing_line(model, example) or advice.author_place(model)
        raise NotCapturable(advice.DRAWS, file=file, line=line)
    if _computes_in_other_types(model) and (failure := forward_failure(model, example, training)):
        raise failure  # export does not mind what a real run refuses
    try:
        return translate(exported, tables, training), batches(exported)
    except NotCapturable as error:
        if error.file is None:
            error.file, error.line = advice.author_place(model)
        raise


def _export(model: nn.Module, example: torch.Tensor, training: bool) -> torch.export.ExportedProgram:
    printed = io.StringIO()
    try:
        with plain_bookkeeping(model), redirect_stdout(printed), redirect_stderr(printed):
            exported = torch.export.export(
                _Holder(model), (example,), dynamic_shapes={"x": {0: torch.export.Dim.AUTO}}, strict=False
            )
        sys.stderr.write(printed.getvalue())  # the author's; where export fails it prints the graph, for its makers
        return exported
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        if failure := forward_failure(model, example, training):
            raise failure from None
        file, line = advice.author_place(model, error)
        text = advice.CUMULATIVE if training and _averages_cumulatively(model) else advice.of_export_error(error)
        raise NotCapturable(text, file=file, line=line) from None


def _averages_cumulatively(model: nn.Module) -> bool:
    norms = (module for _, module in walk(model) if declared_kind(module) == "batch-norm")
    return any(own_attributes(norm).get("momentum", 0.1) is None for norm in norms)


def _computes_in_other_types(model: nn.Module) -> bool:
    parameters = [p for _, module in walk(model) for p in stored(module, "_parameters").values()]
    with torch._C.DisableTorchFunctionSubclass():
        return any(parameter.dtype != torch.float32 for parameter in parameters)
