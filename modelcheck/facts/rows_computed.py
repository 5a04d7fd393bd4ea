"""Where operators that compute leave the samples of a batch."""

from __future__ import annotations

from modelcheck.facts.rows import Given, Keeps, Rows, values

_ALONG = (
    "softmax", "log_softmax", "_softmax", "_log_softmax", "logsumexp", "mean", "sum", "amax", "amin", "var", "std",
    "max", "min", "argmax", "argmin", "prod", "cumsum", "cumprod", "topk", "sort", "argsort", "linalg_vector_norm",
    "select", "narrow", "split", "split_with_sizes", "chunk", "unbind", "tensor_split", "flip", "roll", "glu", "all",
    "any", "median", "kthvalue", "norm",
)  # fmt: skip
_POINTWISE = (
    "where", "masked_fill", "masked_fill_", "eq", "ne", "lt", "le", "gt", "ge", "logical_and", "logical_or",
    "logical_not", "logical_xor", "isnan", "isinf", "isfinite",
)  # fmt: skip
_PICTURES = (
    "pixel_shuffle", "pixel_unshuffle", "channel_shuffle", "upsample_nearest1d", "upsample_nearest2d",
    "upsample_nearest3d", "upsample_linear1d", "upsample_bilinear2d", "upsample_bicubic2d", "upsample_trilinear3d",
    "_upsample_nearest_exact2d", "_upsample_bilinear2d_aa", "_upsample_bicubic2d_aa",
)  # fmt: skip


def _together(given: Given, positions: list[int]) -> Rows | None:
    """Arguments that are broadcast: those that are rows agree, and the others are the same for all samples."""
    states = [(len(given.shape(at)), rows) for at in positions if (rows := given.rows(at)) is not None]
    found = {(rank - rows.dim, rows.moved(0)) for rank, rows in states}
    if len(found) != 1 or any(values(one) for one in given.step.node.kwargs.values()):
        return None
    ((behind, place),) = found
    return place.moved(given.rank - behind) if all(_same_for_all(given, at, behind) for at in positions) else None


def _same_for_all(given: Given, position: int, behind: int) -> bool:
    state, shape = given.state(position), given.shape(position)
    if isinstance(state, Rows):
        return True
    value = given.step.args[position] if position < len(given.step.args) else None
    if isinstance(value, int | float) or value is None or not values(given.step.node.args[position]):
        return state == "fixed"
    return state == "fixed" and (len(shape) < behind or shape[-behind] == 1)


def _pointwise(given: Given) -> Rows | None:
    if given.rank != max(len(given.shape(at)) for at in range(len(given.step.args))):
        return None  # as where complex numbers are seen as pairs
    return _together(given, list(range(len(given.step.node.args))))


def _along(given: Given) -> Rows | None:
    """Works along dimensions that are given, none of which holds the samples."""
    rows, before = given.alone(), len(given.shape(0))
    dims = given.named("dims") if given.named("dim") is None else given.named("dim")
    dims = list(dims) if isinstance(dims, list | tuple) else [dims]
    if rows is None or not dims or not all(isinstance(one, int) and one % before != rows.dim for one in dims):
        return None
    gone = {one % before for one in dims} if given.rank < before else set()
    return rows.moved(rows.dim - sum(one < rows.dim for one in gone))


def _expanded_as(given: Given) -> Rows | None:
    return _together(given, [0, 1])


def _slid(given: Given) -> Rows | None:
    """Convolutions and pools of a batch; without one, they take the samples for channels."""
    found = [int(digit) for digit in "123" if f"{digit}d" in given.step.name]
    return _in_front(given) if found and len(given.shape(0)) == found[0] + 2 else None


def _in_front(given: Given) -> Rows | None:
    rows = given.alone()
    return rows if rows and rows.dim == 0 and len(given.shape(0)) > 2 else None


def _batch_norm(given: Given) -> Rows | None:
    rows = given.alone()
    return rows if rows and given.step.args[5] is False and rows.dim != 1 else None


def _normalised(given: Given) -> Rows | None:
    rows = given.alone()
    if given.step.name in ("layer_norm", "native_layer_norm", "rms_norm"):
        return rows if rows and rows.dim < len(given.shape(0)) - len(given.step.args[1]) else None
    return _in_front(given) if given.step.name in ("group_norm", "instance_norm") else None


def _looked_up(given: Given) -> Rows | None:
    return given.rows(1) if given.state(0) == "fixed" else None


def _linear(given: Given) -> Rows | None:
    rows = given.alone()
    if given.step.name == "addmm":
        return _multiplied(given, 1, 2) if given.state(0) == "fixed" and len(given.shape(0)) < 2 else None
    return rows if given.step.name == "linear" and rows and rows.dim < given.rank - 1 else None


def _product(given: Given) -> Rows | None:
    if given.step.name in ("matmul", "bmm", "mm"):
        return _multiplied(given, 0, 1)
    if given.step.name == "baddbmm":
        rows = _multiplied(given, 1, 2)
        added = given.rows()
        alike = added == rows if added else given.state(0) == "fixed" and given.shape(0)[:1] in ((1,), ())
        return rows if alike else None
    return None


def _multiplied(given: Given, one: int, other: int) -> Rows | None:
    """A product of matrices whose samples are in the batch, or in what is left of one of the two."""
    left, right = given.rows(one), given.rows(other)
    ranks = len(given.shape(one)), len(given.shape(other))
    if min(ranks) < 2:
        return None
    behind = [rank - rows.dim for rank, rows in zip(ranks, (left, right), strict=True) if rows]
    if left and right:
        agree = behind[0] == behind[1] > 2 and left.moved(0) == right.moved(0)
        return left.moved(given.rank - behind[0]) if agree else None
    rows, fixed = (left, other) if left else (right, one)
    inner = 1 if left else 2  # the dimension that is summed over, from behind
    if rows is None or given.state(fixed) != "fixed" or behind[0] == inner:
        return None
    shape = given.shape(fixed)
    alike = behind[0] <= 2 or len(shape) < behind[0] or shape[-behind[0]] == 1
    return rows.moved(given.rank - behind[0]) if alike else None


def _summed(given: Given) -> Rows | None:
    """An einsum: the samples have one letter, in all that depends on them, in what comes out, and nowhere else."""
    written, arrow, result = str(given.step.args[0]).replace(" ", "").partition("->")
    terms, operands = written.split(","), values(given.step.node.args[1])
    if "." in written or not arrow or len(operands) != len(terms):
        return None
    pairs = [(term, given.of(one)) for term, one in zip(terms, operands, strict=True)]
    found = {(term[state.dim], state.moved(0)) for term, state in pairs if isinstance(state, Rows)}
    if len(found) != 1:
        return None
    ((letter, rows),) = found
    once = all(term.count(letter) == isinstance(state, Rows) for term, state in pairs)
    return rows.moved(result.index(letter)) if once and letter in result else None


def _attention(given: Given) -> Rows | None:
    rows = _together(given, list(range(min(4, len(given.step.node.args)))))
    queries = all(given.rows(at) for at in range(3))
    return rows if rows and queries and given.rank - rows.dim > 2 else None


COMPUTING: dict[str, Keeps] = {
    **dict.fromkeys(_POINTWISE, _pointwise),
    **dict.fromkeys(_ALONG, _along),
    **dict.fromkeys(_PICTURES, _in_front),
    "expand_as": _expanded_as,
    "embedding": _looked_up,
    "einsum": _summed,
}
COMPUTING_BY_KIND: dict[str, Keeps] = {
    **dict.fromkeys(("elementwise", "activation", "dropout"), _pointwise),
    **dict.fromkeys(("convolution", "average-pool", "max-pool"), _slid),
    "batch-norm": _batch_norm,
    "normalisation": _normalised,
    "linear": _linear,
    "product": _product,
    "attention": _attention,
}
