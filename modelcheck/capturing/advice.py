"""What to say of a forward that runs and cannot be captured."""

from __future__ import annotations

from types import FunctionType

from torch import nn

from modelcheck.author_trace import author_frame, definition, describe_exception, is_library, raw_frame
from modelcheck.capturing.rewrites import rewrite_of, torch_for_numpy, written_at
from modelcheck.capturing.tree import is_script, walk, wire_text

DATA_DEPENDENT = (
    "forward runs, but what it does depends on the values of its input (an `if` on a tensor, .item(), a loop "
    "over data): no one graph is the model. Compute with torch.where, masks or fixed bounds instead"
)
DRAWS = (
    "forward draws random numbers from Python or numpy: what it computes differs from call to call, so no one "
    "graph is the model. Draw them with torch (torch.rand(()), nn.Dropout) instead"
)
SCRIPTED = "a scripted or traced module is a graph of its own, which hides the model: give the plain nn.Module"
_PART_SCRIPTED = "{path} is scripted or traced, a graph of its own, which hides the model: give the plain module"
CUMULATIVE = (
    "a batch norm with momentum=None divides by the number of batches it has seen, which no graph holds: "
    "leave momentum at its default of 0.1"
)
_FORMATS = "forward prints or formats the values of a tensor, which a graph does not have: remove that line"
_CHECKS = "forward checks the values of a tensor (an assert, isnan().any()), which no graph holds: remove the check"
NO_TENSOR = "forward returns no tensor: return the logits or the log-probabilities"
MAKES_WEIGHTS = "forward makes parameters or buffers: create them in __init__, so that there is something to train"
DRAWS_WEIGHTS = (
    "forward draws random numbers that do not depend on its input, in evaluation too: layers and weights that are made "
    "there are others at each call. Create them in __init__"
)
_LAZY = "a lazy layer has no weights yet, since forward never calls it: remove it, or give its sizes"
_NUMPY = "forward computes with numpy, which no graph holds: compute with torch instead"
_COPIES = "forward copies a module, which is then another one at each call: make the copy in __init__"
_CHANGES = (
    "forward changes its weights (.data = ...) or computes gradients (backward(), torch.autograd.grad), which no graph "
    "of a model does: leave that to the training loop"
)
_MASKED = (
    "how much {name}() gives depends on the values of a tensor, so that no one graph is the model: keep the shape, "
    "`torch.where(condition, a, b)` with all three arguments, or `x * mask`"
)
_SIZED = (
    "how much {name}() gives depends on the values of a tensor, so that no one graph is the model: write it with "
    "operators whose results have a fixed size"
)
_READS = ("aten.item.", "aten._local_scalar_dense.", "aten.is_nonzero.")
_SELECTS = ("aten.nonzero", "aten.where.default", "aten.masked_select.", "aten.argwhere.", "aten.index.Tensor")
_COUNTS = ("aten._unique", "aten.unique", "aten.bincount.", "aten.repeat_interleave.", "torchvision.nms.")


def of_export_error(error: BaseException, model: nn.Module) -> str:
    """What to change; where that cannot be told, what torch.export said."""
    text = describe_exception(error)
    written = written_at(*(raw_frame(error) or (None, None)))
    if "__format__" in text:
        return _FORMATS
    if "_assert" in text or "AssertionError" in text:
        return _CHECKS
    if any(word in text for word in ("data-dependent", "GuardOnDataDependent", "item()")):
        return rewrite_of(written) or DATA_DEPENDENT
    if "uninitialized parameter" in text:
        return _LAZY
    if any(word in text for word in (".numpy()", "numpy.", "ndarray")):
        return f"{_NUMPY}{torch_for_numpy(written)}"
    if scripts := [path for path, module in walk(model) if is_script(module)]:
        return _PART_SCRIPTED.format(path=wire_text(scripts[0]))
    if "deepcopy(" in written:
        return _COPIES
    if "fake tensor in the exported program constant" in text:
        return _CHANGES
    return f"{_unknown(text, written)}. torch.export says: {text}"


def _unknown(text: str, written: str) -> str:
    copied = "data is not allocated" in text or "data pointer" in text  # of what a kernel cannot look into
    return (copied and rewrite_of(written)) or "forward runs, but its graph cannot be captured"


def of_size(name: str, written: str) -> str:
    """What to change where the values of a tensor say how large an operator's result is.

    Args:
        name: the operator's.
        written: the author's line.
    """
    if name.startswith("aten.index.") and (rewrite := rewrite_of(written)):
        return rewrite
    known = _MASKED if name.startswith(_SELECTS) else _SIZED
    return known.format(name=name[:200].split(".")[1])


def of_operator(name: str, written: str) -> str:
    """What to change where the graph would hold an operator that is not on the allow-list.

    Args:
        name: the operator's.
        written: the author's line.
    """
    if name.startswith(_READS):
        return rewrite_of(written) or f"{DATA_DEPENDENT} (here: {name})"
    if name.startswith((*_SELECTS, *_COUNTS)):
        return of_size(name, written)
    return (
        f"forward uses the operator {name[:200]!r}, which is not on the list of operators that may run: "
        "write it with other operators of torch, or ask for it to be added"
    )


def author_place(model: nn.Module, error: BaseException | None = None) -> tuple[str | None, int | None]:
    """The author's file and line where the error was raised, else where the model's forward is defined."""
    frame = author_frame(error) if error else None
    if frame and not is_library(frame[0]):
        return frame
    forward = getattr(type(model), "forward", None)
    found = definition(forward) if type(forward) is FunctionType else None
    return found or (None, None)
