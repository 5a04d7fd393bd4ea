"""capture_model: nn.Module → Capture, by torch.export, once in training mode and once in evaluation mode."""

from __future__ import annotations

import io
import sys
from collections.abc import Sequence
from contextlib import redirect_stderr, redirect_stdout
from typing import cast

import torch
from torch import nn

from modelcheck.author_trace import class_name, describe_exception
from modelcheck.capturing import advice
from modelcheck.capturing.author_lines import author_lines_only
from modelcheck.capturing.example import Example, example, values
from modelcheck.capturing.ignores import with_author_lines
from modelcheck.capturing.lazy import with_sizes
from modelcheck.capturing.manners import (
    assigned_buffers_written,
    attributes_as_found,
    fingerprint,
    left_as_found,
    random_states,
    set_mode,
    watched_calls,
)
from modelcheck.capturing.mode_reading import asks_for_mode
from modelcheck.capturing.outputs import named_tensors
from modelcheck.capturing.switching import switched
from modelcheck.capturing.tables import Tables
from modelcheck.capturing.translate import batches, translate
from modelcheck.capturing.tree import (
    declared_kind,
    device_of,
    is_script,
    own_attributes,
    plain_bookkeeping,
    stored,
    walk,
)
from modelcheck.capturing.trial import drawing_line, forward_failure
from modelcheck.capturing.unregistered import unregistered_modules
from modelcheck.errors import AuthorError, ForwardError, NotCapturable, UsageError
from modelcheck.graph.capture import Capture
from modelcheck.graph.check import MAX_OUTPUTS, check_header
from modelcheck.graph.operators import DTYPE_NAMES, KINDS, is_random
from modelcheck.graph.reach import depends_on_input, reach
from modelcheck.graph.wire import Graph, Header, InputInfo
from modelcheck.inputs import Inputs, input_specs

# batch norm over a 1×1 map refuses a batch of one in training mode, and what splits its batch may refuse two
BATCHES = (2, 64)
MOST_VALUES = 2**22


class _Returned:
    """What forward gave when it was exported last: the names of its tensors."""

    names: tuple[str, ...] = ()


class _Holder(nn.Module):
    """A plain module around the author's: export asks the root for its parameters, and this one answers truly.

    It gives export a tuple of tensors, as export knows not every container.
    """

    def __init__(self, model: nn.Module, example: Example) -> None:
        super().__init__()
        self._modules["model"] = model  # an assignment would ask the model for its __class__
        self.example = example
        self.returned = _Returned()  # attributes that forward sets, and lists that it changes, export takes back

    @property
    def author(self) -> nn.Module:
        """The author's module."""
        return cast(nn.Module, self._modules["model"])

    def forward(self, *tensors: torch.Tensor) -> tuple[torch.Tensor, ...]:
        with assigned_buffers_written(self.author):
            found = named_tensors(self.example.given_to(self.author, tensors))
        self.returned.names = tuple(name for name, _ in found)
        return tuple(tensor for _, tensor in found)


def capture_model(
    model: nn.Module, inputs: Inputs | Sequence[int], name: str | None = None, because: str | None = None
) -> Capture:
    """The model's training and evaluation graphs with its weights, which are shared with the model and not copied.

    The model is left as it was found. One with lazy layers that have not run is captured as a copy that has.

    Args:
        model: any module that takes tensors.
        inputs: what it takes, or the shape of one sample of its only input, without the batch: (C, H, W).
        name: what to call the model; by default its class.
        because: what the inputs were inferred from, where nobody gave them.
    Raises:
        UsageError: no input has that shape, or forward has no argument of that name.
        ForwardError: forward fails on an input of that shape.
        NotCapturable: forward runs, and its graph cannot be captured.
    """
    specs = input_specs(inputs)
    assert specs is not None
    try:
        with left_as_found(model):
            return _first_capture(model, specs, name or class_name(type(model)), because)
    except (AuthorError, UsageError, KeyboardInterrupt):
        raise
    except BaseException as error:  # a class may do anything wherever it is touched
        file, line = advice.author_place(model, error)
        text = f"the model cannot be captured: {describe_exception(error)}"
        raise NotCapturable(text, file=file, line=line) from None


def _first_capture(model: nn.Module, specs: Inputs, name: str, because: str | None) -> Capture:
    """The capture with the first batch on which forward runs; of large samples only the smallest is tried."""
    failure: ForwardError | None = None
    for batch in BATCHES:
        if failure and batch * values(specs) > MOST_VALUES:
            break
        try:
            return _capture(model, example(model, specs, batch, device_of(model)), name, because)
        except ForwardError as error:
            failure = failure or error
    assert failure is not None
    raise failure


def _capture(model: nn.Module, given: Example, name: str, because: str | None) -> Capture:
    model = with_sizes(model, given)
    tables, unregistered, holder = Tables(model), unregistered_modules(model), _Holder(model, given)
    _refuse_scripts(model)
    with watched_calls(model) as called:
        train, sizes = _graph(holder, True, tables)
    evaluation, others = None, sizes
    if not asks_for_mode(model):
        evaluation = switched(train, tables.modules, tables.tensor_infos())
    if evaluation is None:
        with watched_calls(model) as again:
            evaluation, others = _graph(holder, False, tables)
        called |= again
    _refuse_made_weights(evaluation, model)
    header = Header(
        torch=str(torch.__version__),
        name=name,
        inputs=_input_infos(given, _both(sizes, others)),
        inferred=because,
        storages=tables.storage_infos(),
        tensors=tables.tensor_infos(),
        modules=tables.module_infos(called),
        unregistered=unregistered,
        outputs=holder.returned.names[:MAX_OUTPUTS] if holder.returned.names != ("",) else (),
        train=train,
        evaluation=evaluation,
    )
    header = with_author_lines(header, model, tables.files)
    check_header(header)
    return Capture(header, tables.storages())


def _input_infos(given: Example, sizes: tuple[int, int | None]) -> tuple[InputInfo, ...]:
    return tuple(
        InputInfo(shape=tuple(one.shape[1:]), dtype=DTYPE_NAMES[one.dtype], batches=sizes, name=name)
        for name, one in zip(given.names, given.tensors, strict=True)
    )


def _both(one: tuple[int, int | None], other: tuple[int, int | None]) -> tuple[int, int | None]:
    most = [limit for _, limit in (one, other) if limit is not None]
    return max(one[0], other[0]), min(most, default=None)


def _refuse_scripts(model: nn.Module) -> None:
    if is_script(model):
        raise NotCapturable(advice.SCRIPTED)


def _refuse_made_weights(evaluation: Graph, model: nn.Module) -> None:
    """Raise where evaluation draws random numbers that do not depend on the input: weights made in forward."""
    dependent, reachable = depends_on_input(evaluation), reach(evaluation).nodes
    for index in sorted(reachable - dependent):
        node = evaluation.nodes[index]
        if is_random(node.op) and KINDS[node.op] != "dropout":  # which is random where it is on
            file, line = (node.file, node.line) if node.file else advice.author_place(model)
            raise NotCapturable(advice.DRAWS_WEIGHTS, file=file, line=line)


def _graph(holder: _Holder, training: bool, tables: Tables) -> tuple[Graph, tuple[int, int | None]]:
    model, given = holder.author, holder.example
    set_mode(model, training)
    before = fingerprint(random_states())
    with attributes_as_found(model):
        exported = _export(holder, training)
    if fingerprint(random_states()) != before:
        file, line = drawing_line(model, given) or advice.author_place(model)
        raise NotCapturable(advice.DRAWS, file=file, line=line)
    if (_computes_in_other_types(model) or given.looks_up) and (failure := forward_failure(model, given, training)):
        raise failure  # export does not mind what a real run refuses
    try:
        return translate(exported, tables, training), batches(exported)
    except NotCapturable as error:
        if error.file is None:
            error.file, error.line = advice.author_place(model)
        raise


def _export(holder: _Holder, training: bool) -> torch.export.ExportedProgram:
    model, given, printed = holder.author, holder.example, io.StringIO()
    batch = tuple({0: torch.export.Dim.AUTO} for _ in given.tensors)
    try:
        with author_lines_only(), plain_bookkeeping(model), redirect_stdout(printed), redirect_stderr(printed):
            exported = torch.export.export(holder, given.tensors, dynamic_shapes={"tensors": batch}, strict=False)
        sys.stderr.write(printed.getvalue())  # the author's; where export fails it prints the graph, for its makers
        return exported
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        if failure := forward_failure(model, given, training):
            raise failure from None
        file, line = advice.author_place(model, error)
        text = advice.CUMULATIVE if training and _averages_cumulatively(model) else advice.of_export_error(error, model)
        raise NotCapturable(text, file=file, line=line) from None


def _averages_cumulatively(model: nn.Module) -> bool:
    norms = (module for _, module in walk(model) if declared_kind(module) == "batch-norm")
    return any(own_attributes(norm).get("momentum", 0.1) is None for norm in norms)


def _computes_in_other_types(model: nn.Module) -> bool:
    parameters = [p for _, module in walk(model) for p in stored(module, "_parameters").values()]
    with torch._C.DisableTorchFunctionSubclass():
        return any(parameter.dtype != torch.float32 for parameter in parameters)
