"""capture_model: nn.Module → Capture, by torch.export, once in training mode and once in evaluation mode."""

from __future__ import annotations

import random
import sys
from collections.abc import Sequence

import torch
from torch import nn

from modelcheck.author_trace import author_frame, describe_exception
from modelcheck.capturing.manners import left_as_found, set_mode, watched_calls
from modelcheck.capturing.tables import Tables
from modelcheck.capturing.translate import translate
from modelcheck.capturing.tree import plain_bookkeeping
from modelcheck.capturing.trial import forward_failure
from modelcheck.errors import NotCapturable
from modelcheck.graph.capture import Capture
from modelcheck.graph.check import check_header
from modelcheck.graph.wire import Graph, Header, InputInfo

BATCH = 2  # batch norm over a 1×1 map refuses a batch of one in training mode


class _Holder(nn.Module):
    """A plain module around the author's: export asks the root for its parameters, and this one answers truly."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model

    def forward(self, x: torch.Tensor) -> object:
        return self.model(x)


def capture_model(model: nn.Module, input_shape: Sequence[int], name: str | None = None) -> Capture:
    """The model's training and evaluation graphs with its weights, which are shared with the model and not copied.

    The model is left as it was found.

    Args:
        model: any module that takes one tensor.
        input_shape: one sample's, without the batch: (C, H, W).
        name: what to call the model; by default its class.
    Raises:
        ForwardError: forward fails on an input of that shape.
        NotCapturable: forward runs, and its graph cannot be captured.
    """
    device = next((tensor.device for tensor in model.state_dict().values()), torch.device("cpu"))
    example = torch.randn((BATCH, *input_shape), generator=torch.Generator().manual_seed(0)).to(device)
    tables = Tables(model)
    with left_as_found(model), watched_calls(model) as called:
        graphs = {training: _graph(model, example, training, tables) for training in (True, False)}
    header = Header(
        torch=str(torch.__version__),
        name=name or type(model).__name__,
        inputs=(InputInfo(shape=tuple(input_shape), dtype="float32"),),
        storages=tables.storage_infos(),
        tensors=tables.tensor_infos(),
        modules=tables.module_infos(called),
        train=graphs[True],
        evaluation=graphs[False],
    )
    check_header(header)
    return Capture(header, tables.storages())


def _graph(model: nn.Module, example: torch.Tensor, training: bool, tables: Tables) -> Graph:
    set_mode(model, training)
    before = _random_states()
    exported = _export(model, example, training)
    if _random_states() != before:
        raise NotCapturable(
            "forward draws random numbers from Python or numpy: what it computes differs from call to call, so no one "
            "graph is the model. Draw them with torch (torch.rand(()), nn.Dropout) instead"
        )
    return translate(exported, tables, training)


def _export(model: nn.Module, example: torch.Tensor, training: bool) -> torch.export.ExportedProgram:
    try:
        with plain_bookkeeping(model):
            return torch.export.export(
                _Holder(model), (example,), dynamic_shapes={"x": {0: torch.export.Dim.AUTO}}, strict=False
            )
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        if failure := forward_failure(model, example, training):
            raise failure from None
        file, line = author_frame(error) or (None, None)
        raise NotCapturable(_advice(error), file=file, line=line) from None


def _advice(error: BaseException) -> str:
    text = describe_exception(error)
    if "data-dependent" in text or "GuardOnDataDependent" in text or "item()" in text:
        return (
            "forward runs, but what it does depends on the values of its input (an `if` on a tensor, .item(), a loop "
            "over data): no one graph is the model. Compute with torch.where, masks or fixed bounds instead. "
            f"torch.export says: {text}"
        )
    return f"forward runs, but its graph cannot be captured. torch.export says: {text}"


def _random_states() -> tuple[object, object]:
    numpy = sys.modules.get("numpy")
    state = numpy.random.get_state(legacy=False) if numpy is not None else None
    return random.getstate(), str(state)
