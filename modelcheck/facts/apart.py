"""Shows from the operators alone that a graph keeps the samples of a batch apart.

A value is *rows* where its first dimension holds the samples and each row is made from that sample alone, and *fixed*
where it does not depend on the input. What an operator makes of them is followed through the graph. Anything that is
not known to keep rows apart is taken to mix them, so that a proof holds and a missing one says nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

import torch

from modelcheck.facts.labels import permutation
from modelcheck.facts.trace import Step, Trace
from modelcheck.graph.operators import schema
from modelcheck.graph.reach import written_keys
from modelcheck.graph.wire import InputRef, NodeRef, TensorRef, Value

State = Literal["rows", "fixed", "samples", "mixed"]  # samples: the number of them; mixed: whatever else

_DIM_KEPT = (
    "softmax", "log_softmax", "_softmax", "_log_softmax", "logsumexp", "mean", "sum", "amax", "amin", "var", "std",
    "max", "min", "argmax", "argmin", "prod", "cumsum", "cumprod", "topk", "sort", "argsort", "linalg_vector_norm",
    "select", "narrow", "split", "split_with_sizes", "chunk", "unbind", "tensor_split", "flip", "glu", "all",
    "any", "median", "kthvalue", "norm",
)  # fmt: skip
_JOINING = ("cat", "concat", "concatenate", "stack")
_POINTWISE = (
    "where", "masked_fill", "masked_fill_", "eq", "ne", "lt", "le", "gt", "ge", "logical_and", "logical_or",
    "logical_not", "logical_xor", "isnan", "isinf", "isfinite",
)  # fmt: skip
_COPYING = ("contiguous", "clone", "alias", "detach", "lift_fresh_copy", "to", "_to_copy", "type_as", "positive")
_ALL = 2**63 - 1  # where a slice ends that has no end
_RESHAPING = ("view", "reshape", "_unsafe_view")
_RESIZING = ("flatten", "squeeze", "unsqueeze", "unflatten")  # their first argument beside the value is a dimension
_PERMUTING = ("permute", "transpose", "swapaxes", "swapdims", "movedim", "moveaxis", "mT")
_CONSTANT = ("zeros", "zeros_like", "ones", "ones_like", "new_zeros", "new_ones", "empty", "empty_like", "new_empty")
_PICTURES = (
    "pixel_shuffle", "pixel_unshuffle", "channel_shuffle", "upsample_nearest1d", "upsample_nearest2d",
    "upsample_nearest3d", "upsample_linear1d", "upsample_bilinear2d", "upsample_bicubic2d", "upsample_trilinear3d",
    "_upsample_nearest_exact2d", "_upsample_bilinear2d_aa", "_upsample_bicubic2d_aa",
)  # fmt: skip


def keeps_apart(trace: Trace) -> bool:
    """Whether each row of the output is shown to be made from one sample alone."""
    walk = _Walk(trace)
    for step in trace.steps:
        if not walk.visit(step):
            return False
    return walk.state(trace.graph.outputs[0]) == "rows"


class _Walk:
    def __init__(self, trace: Trace) -> None:
        self.trace, self.batch = trace, trace.batch
        self.states: dict[int, State] = {}

    def state(self, value: Value) -> State:
        if isinstance(value, InputRef):
            return "rows"
        return self.states[value.id] if isinstance(value, NodeRef) else "fixed"

    def visit(self, step: Step) -> bool:
        """Note what the step makes; False where it may write other samples into a value that is read elsewhere."""
        found = self._found(step)
        self.states[step.index] = found
        if not written_keys(step.node):
            return True
        written = step.node.args[0]
        return isinstance(written, NodeRef | InputRef | TensorRef) and found == self.state(written) != "mixed"

    def _found(self, step: Step) -> State:
        states = [self.state(one) for one in step.node.scalars() if isinstance(one, NodeRef | InputRef | TensorRef)]
        if step.kind == "symbolic" or step.name in ("sym_size", "sym_numel"):
            return self._symbolic(step, states)
        if "mixed" in states:
            return "mixed"
        if step.name in _CONSTANT:
            return "rows" if step.shape and step.shape[0] == self.batch else "fixed"
        if set(states) <= {"fixed"}:
            return "fixed"
        if step.name in _COPYING:
            return states[0]
        handler = _BY_NAME.get(step.name) or _BY_KIND.get(step.kind)
        return "rows" if handler and step.shape is not None and handler(self, step) else "mixed"

    def _symbolic(self, step: Step, states: list[State]) -> State:
        if step.node.op == "operator.getitem":
            return states[0]
        if step.name == "sym_size" and states == ["rows"]:
            return "samples" if step.args[1] == 0 else "fixed"
        return "fixed" if set(states) <= {"fixed"} else "mixed"

    def rows(self, step: Step, position: int = 0) -> bool:
        """Whether an argument is rows, with at least one dimension beside the samples."""
        shape = step.args[position] if position < len(step.args) else None
        value = step.node.args[position] if position < len(step.node.args) else None
        return self.is_(value, "rows") and isinstance(shape, torch.Size) and len(shape) > 1

    def only(self, step: Step) -> bool:
        """Whether the first argument alone depends on the samples."""
        others = [one for argument in step.node.args[1:] for one in _values(argument)]
        return self.rows(step) and all(self.is_(one, "fixed") for one in others)

    def spread(self, value: object, shape: object, rank: int) -> bool:
        """Whether an argument goes with rows of that rank: rows itself, or the same for all samples."""
        if not isinstance(value, NodeRef | InputRef | TensorRef):
            return True
        if not isinstance(shape, torch.Size):
            return False
        if self.is_(value, "rows"):
            return len(shape) == rank
        return self.is_(value, "fixed") and (len(shape) < rank or shape[0] == 1)

    def all_spread(self, step: Step, rank: int) -> bool:
        """Whether all arguments go with rows of that rank."""
        named = [one for argument in step.node.kwargs.values() for one in _values(argument)]
        pairs = zip(step.node.args, step.args, strict=True)
        return not named and all(self.spread(value, shape, rank) for value, shape in pairs)

    def is_(self, value: object, state: State) -> bool:
        return isinstance(value, NodeRef | InputRef | TensorRef) and self.state(value) == state


def _values(argument: object) -> list[Value]:
    inside = argument if isinstance(argument, list) else [argument]
    return [one for one in inside if isinstance(one, NodeRef | InputRef | TensorRef)]


def _named(step: Step, name: str) -> Any:
    """The argument of that name in the operator's schema; None where it is not given."""
    described = schema(step.node.op)
    names = [argument.name for argument in described.arguments] if described else []
    at = names.index(name) if name in names else len(step.args)
    return step.args[at] if at < len(step.args) else step.node.kwargs.get(name)


def _pointwise(walk: _Walk, step: Step) -> bool:
    rank = len(step.shape or ())
    return rank > 0 and walk.all_spread(step, rank)


def _along(walk: _Walk, step: Step) -> bool:
    """Works along given dimensions, none of which holds the samples."""
    dims = _named(step, "dim") if _named(step, "dim") is not None else _named(step, "dims")
    if dims is None and step.name in ("split", "split_with_sizes", "chunk", "unbind"):
        return False
    given = list(dims) if isinstance(dims, list | tuple) else [dims]
    rank = len(step.args[0]) if isinstance(step.args[0], torch.Size) else 0
    return walk.only(step) and bool(given) and all(isinstance(one, int) and one % rank != 0 for one in given)


def _sliced(walk: _Walk, step: Step) -> bool:
    """A part of other dimensions, or all of the samples, as the first colon in ``x[:, 0]`` says."""
    if (_named(step, "dim") or 0) % len(step.args[0]) != 0:
        return walk.only(step)
    whole = not _named(step, "start") and _named(step, "end") in (None, _ALL) and _named(step, "step") in (None, 1)
    return walk.only(step) and whole


def _joined(walk: _Walk, step: Step) -> bool:
    dim = step.args[1] if len(step.args) > 1 else 0
    rank = len(step.shape or ())
    parts = step.node.args[0]
    return isinstance(parts, list) and dim % rank != 0 and all(walk.is_(one, "rows") for one in parts)


def _reshaped(walk: _Walk, step: Step) -> bool:
    """To the number of samples by its own name, or to what is left beside plain numbers."""
    sizes = step.node.args[1]
    if not walk.rows(step) or not isinstance(sizes, list) or not sizes or not _first_is_batch(walk, step):
        return False
    first, rest = sizes[0], sizes[1:]
    if any(isinstance(one, NodeRef) and walk.state(one) != "fixed" for one in rest):
        return False
    return first == -1 or (isinstance(first, NodeRef) and walk.state(first) == "samples")


def _resized(walk: _Walk, step: Step) -> bool:
    dim = step.args[1] if len(step.args) > 1 else (0 if step.name == "flatten" else 1)
    rank = len(step.args[0]) + (step.name == "unsqueeze")
    dims = [one % rank for one in (dim if isinstance(dim, list | tuple) else [dim])]
    return walk.is_(step.node.args[0], "rows") and 0 not in dims and _first_is_batch(walk, step)


def _permuted(walk: _Walk, step: Step) -> bool:
    order = permutation(step, len(step.args[0]))
    return walk.rows(step) and order is not None and order[0] == 0


def _expanded(walk: _Walk, step: Step) -> bool:
    """The same for all samples, or rows that keep their place."""
    rank = len(step.shape or ())
    return _first_is_batch(walk, step) and walk.spread(step.node.args[0], step.args[0], rank)


def _first_is_batch(walk: _Walk, step: Step) -> bool:
    return bool(step.shape) and (step.shape or ())[0] == walk.batch


def _slid(walk: _Walk, step: Step) -> bool:
    """Convolutions and pools of a batch; without one, they take the samples for channels."""
    found = [int(digit) for digit in "123" if f"{digit}d" in step.name]
    return bool(found) and len(step.args[0]) == found[0] + 2 and walk.only(step)


def _batch_norm(walk: _Walk, step: Step) -> bool:
    return step.args[5] is False and walk.only(step)


def _layer_norm(walk: _Walk, step: Step) -> bool:
    if step.name in ("layer_norm", "native_layer_norm", "rms_norm"):
        return walk.only(step) and len(step.args[1]) < len(step.args[0])
    return step.name in ("group_norm", "instance_norm") and walk.only(step) and len(step.args[0]) > 2


def _looked_up(walk: _Walk, step: Step) -> bool:
    return walk.is_(step.node.args[0], "fixed") and walk.is_(step.node.args[1], "rows")


def _linear(walk: _Walk, step: Step) -> bool:
    if step.name == "addmm":
        return (
            walk.rows(step, 1) and all(walk.is_(step.node.args[k], "fixed") for k in (0, 2)) and len(step.args[0]) < 2
        )
    return step.name == "linear" and walk.only(step)


def _product(walk: _Walk, step: Step) -> bool:
    """By a matrix that is the same for all, or of each sample's own two."""
    if step.name not in ("matmul", "bmm", "mm"):
        return False
    left, right = (len(step.args[k]) for k in (0, 1))
    rows = [walk.rows(step, k) for k in (0, 1)]
    if all(rows):
        return left == right > 2
    return rows[0] and right <= 2


def _attention(walk: _Walk, step: Step) -> bool:
    rank = len(step.args[0])
    return rank > 2 and walk.all_spread(step, rank)


def _padded(walk: _Walk, step: Step) -> bool:
    return walk.only(step) and len(step.args[1]) // 2 < len(step.args[0])


def _picture(walk: _Walk, step: Step) -> bool:
    return walk.only(step) and len(step.args[0]) > 2


_Handler = Callable[[_Walk, Step], bool]
_BY_NAME: dict[str, _Handler] = {
    **dict.fromkeys(_POINTWISE, _pointwise),
    **dict.fromkeys(_DIM_KEPT, _along),
    **dict.fromkeys(_JOINING, _joined),
    "slice": _sliced,
    **dict.fromkeys(_RESHAPING, _reshaped),
    **dict.fromkeys(_RESIZING, _resized),
    **dict.fromkeys(_PERMUTING, _permuted),
    **dict.fromkeys(("expand", "expand_as"), _expanded),
    **dict.fromkeys(("pad", "constant_pad_nd", "reflection_pad2d", "replication_pad2d"), _padded),
    **dict.fromkeys(_PICTURES, _picture),
    "embedding": _looked_up,
}
_BY_KIND: dict[str, _Handler] = {
    **dict.fromkeys(("elementwise", "activation", "dropout"), _pointwise),
    **dict.fromkeys(("convolution", "average-pool", "max-pool"), _slid),
    "batch-norm": _batch_norm,
    "normalisation": _layer_norm,
    "linear": _linear,
    "product": _product,
    "attention": _attention,
}
