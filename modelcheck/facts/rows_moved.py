"""Where operators that move elements leave the samples of a batch."""

from __future__ import annotations

import math

from modelcheck.facts.labels import permutation
from modelcheck.facts.rows import Given, Keeps, Rows, Samples, values
from modelcheck.graph.wire import NodeRef

_ALL = 2**63 - 1  # where a slice ends that has no end


def _copied(given: Given) -> Rows | None:
    return given.rows()


def _joined(given: Given) -> Rows | None:
    found = {given.of(one) for one in values(given.step.node.args[0])}
    rows = found.pop() if len(found) == 1 else None
    dim = given.named("dim")
    if not isinstance(rows, Rows):
        return None
    if given.step.name == "stack":
        return rows.moved(rows.dim + (dim % given.rank <= rows.dim))
    return rows if dim % given.rank != rows.dim else None


def _sliced(given: Given) -> Rows | None:
    """A part of another dimension, or all of the samples, as the first colon in ``x[:, 0]`` says."""
    rows = given.alone()
    if rows is None or given.named("dim") % len(given.shape(0)) != rows.dim:
        return rows
    whole = not given.named("start") and given.named("end") in (None, _ALL) and given.named("step") == 1
    return rows if whole else None


def _reshaped(given: Given) -> Rows | None:
    """What stands before the samples keeps its size, and their number is given by its name or is what is left."""
    rows, sizes = given.rows(), given.step.node.args[1]
    if rows is None or not isinstance(sizes, list):
        return None
    counts = [given.of(one) if isinstance(one, NodeRef) else one for one in sizes]
    named = [at for at, one in enumerate(counts) if isinstance(one, Samples)] or [
        at for at, one in enumerate(counts) if one == -1
    ]
    found = _laid_out(given, rows, named[0]) if len(named) == 1 and "mixed" not in counts else None
    return found if found and counts[named[0]] in (-1, Samples(found.ahead * found.times)) else None


def _reshaped_as(given: Given) -> Rows | None:
    rows, other = given.rows(), given.rows(1)
    return _laid_out(given, rows, other.dim) if rows and other else None


def _laid_out(given: Given, rows: Rows, at: int) -> Rows | None:
    """The rows after a reshape, if dimension ``at`` holds all of the samples then."""
    before, after = given.shape(0), given.step.shape or ()
    samples = before[rows.dim] // (rows.times * rows.ahead)
    ahead, rest = divmod(math.prod(before[: rows.dim]) * rows.ahead, math.prod(after[:at]))
    if rest or after[at] % (ahead * samples):
        return None
    return Rows(at, after[at] // (ahead * samples), ahead)


def _flattened(given: Given) -> Rows | None:
    rows, shape = given.rows(), given.shape(0)
    start, end = (given.named(name) % len(shape) for name in ("start_dim", "end_dim"))
    if rows is None or rows.dim < start:
        return rows
    if rows.dim > end:
        return rows.moved(rows.dim - (end - start))
    ahead, behind = math.prod(shape[start : rows.dim]), math.prod(shape[rows.dim + 1 : end + 1])
    return Rows(start, rows.times * behind, rows.ahead * ahead)


def _unflattened(given: Given) -> Rows | None:
    rows, dim = given.rows(), given.step.args[1] % len(given.shape(0))
    if rows is None or dim == rows.dim:
        return None
    return rows.moved(rows.dim + (len(given.step.args[2]) - 1 if dim < rows.dim else 0))


def _squeezed(given: Given) -> Rows | None:
    rows, shape = given.rows(), given.shape(0)
    dim = given.step.args[1] if len(given.step.args) > 1 else range(len(shape))
    dims = [one % len(shape) for one in (dim if isinstance(dim, list | tuple | range) else [dim])]
    gone = sum(shape[one] == 1 and one < rows.dim for one in dims) if rows else 0
    return rows.moved(rows.dim - gone) if rows else None


def _unsqueezed(given: Given) -> Rows | None:
    rows = given.rows()
    return rows.moved(rows.dim + (given.step.args[1] % given.rank <= rows.dim)) if rows else None


def _permuted(given: Given) -> Rows | None:
    rows, order = given.rows(), permutation(given.step, len(given.shape(0)))
    return rows.moved(order.index(rows.dim)) if rows and order is not None else None


def _expanded(given: Given) -> Rows | None:
    """Rows that keep their place, or the same for all samples; of ``repeat`` too."""
    sizes, more = given.step.node.args[1], given.rank - len(given.shape(0))
    if not isinstance(sizes, list):
        return None
    counts = [given.of(one) if isinstance(one, NodeRef) else one for one in sizes]
    named = [at for at, one in enumerate(counts) if isinstance(one, Samples)]
    if rows := given.rows():
        place = rows.dim + more
        keeping = (1,) if given.step.name == "repeat" else (-1, Samples(rows.times * rows.ahead))
        return rows.moved(place) if set(named) <= {place} and counts[place] in keeping else None
    if given.state(0) != "fixed" or len(named) != 1 or "mixed" in counts:
        return None
    found, times = named[0], counts[named[0]]
    alike = found < more or given.shape(0)[found - more] == 1
    return Rows(found, times.times) if alike and isinstance(times, Samples) else None


def _padded(given: Given) -> Rows | None:
    rows = given.alone()
    return rows if rows and rows.dim < given.rank - len(given.step.args[1]) // 2 else None


MOVING: dict[str, Keeps] = {
    **dict.fromkeys(
        ("contiguous", "clone", "alias", "detach", "lift_fresh_copy", "to", "_to_copy", "type_as", "positive"), _copied
    ),
    **dict.fromkeys(("cat", "concat", "concatenate", "stack"), _joined),
    **dict.fromkeys(("permute", "transpose", "swapaxes", "swapdims", "movedim", "moveaxis", "mT", "t"), _permuted),
    **dict.fromkeys(("view", "reshape", "_unsafe_view"), _reshaped),
    **dict.fromkeys(("reshape_as", "view_as"), _reshaped_as),
    **dict.fromkeys(("expand", "repeat"), _expanded),
    **dict.fromkeys(("pad", "constant_pad_nd", "reflection_pad2d", "replication_pad2d"), _padded),
    "slice": _sliced,
    "flatten": _flattened,
    "unflatten": _unflattened,
    "squeeze": _squeezed,
    "unsqueeze": _unsqueezed,
}
