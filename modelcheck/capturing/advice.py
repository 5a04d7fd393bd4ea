"""What to say of a forward that runs and cannot be captured."""

from __future__ import annotations

from types import FunctionType

from torch import nn

from modelcheck.author_trace import author_frame, definition, describe_exception, is_library

DATA_DEPENDENT = (
    "forward runs, but what it does depends on the values of its input (an `if` on a tensor, .item(), a loop "
    "over data): no one graph is the model. Compute with torch.where, masks or fixed bounds instead"
)
DRAWS = (
    "forward draws random numbers from Python or numpy: what it computes differs from call to call, so no one "
    "graph is the model. Draw them with torch (torch.rand(()), nn.Dropout) instead"
)
SCRIPTED = "a scripted or traced module is a graph of its own, which hides the model: give the plain nn.Module"
CUMULATIVE = (
    "a batch norm with momentum=None divides by the number of batches it has seen, which no graph holds: "
    "leave momentum at its default of 0.1"
)
_FORMATS = "forward prints or formats the values of a tensor, which a graph does not have: remove that line"
_CHECKS = "forward checks the values of a tensor (an assert, isnan().any()), which no graph holds: remove the check"
NO_TENSOR = "forward returns no tensor: return the logits or the log-probabilities"
MAKES_WEIGHTS = "forward makes parameters or buffers: create them in __init__, so that there is something to train"
DRAWS_WEIGHTS = (
    "forward draws random numbers that do not depend on its input, in evaluation too: weights that are made there are "
    "others at each call. Create them in __init__"
)
_LAZY = "a lazy layer has no weights yet, since forward never calls it: remove it, or give its sizes"
_NUMPY = "forward computes with numpy, which no graph holds: compute with torch instead"
_READS_VALUES = ("aten.item.", "aten._local_scalar_dense.", "aten.nonzero.", "aten.masked_select.", "aten.is_nonzero.")


def of_export_error(error: BaseException) -> str:
    """What to change, and what torch.export said."""
    text = describe_exception(error)
    if "__format__" in text:
        advice = _FORMATS
    elif "_assert" in text or "AssertionError" in text:
        advice = _CHECKS
    elif any(word in text for word in ("data-dependent", "GuardOnDataDependent", "item()")):
        advice = DATA_DEPENDENT
    elif "uninitialized parameter" in text:
        advice = _LAZY
    elif any(word in text for word in (".numpy()", "numpy.", "ndarray")):
        advice = _NUMPY
    else:
        advice = "forward runs, but its graph cannot be captured"
    return f"{advice}. torch.export says: {text}"


def of_operator(name: str) -> str:
    """What to change where the graph would hold an operator that is not on the allow-list."""
    if name.startswith(_READS_VALUES):
        return f"{DATA_DEPENDENT} (here: {name})"
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
