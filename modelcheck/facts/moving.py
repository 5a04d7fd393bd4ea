"""Operators that move values around: views, slices, joins, pads and shifts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from modelcheck.facts.labels import AXES, Dim, Dims, Factor, along, permutation, places, plain, relabel, unknown
from modelcheck.facts.maps import Link, Made, Source, everything, joined, key, lost, mixing, translation
from modelcheck.facts.spans import Rule, affine, regrouped, same, whole
from modelcheck.facts.spans import after as follow
from modelcheck.facts.trace import Shape, Step, argument

Rules = dict[str, Rule]


def viewed(step: Step, source: Source) -> Made:
    """Permutations and reshapes move dimensions; a place stays a place."""
    shape, dims = step.shape or (), source.map.dims
    order = permutation(step, len(dims))
    if order is not None:
        made: Dims | None = tuple(dims[one] for one in order)
    elif step.name == "view_as_real":
        made = (*dims, plain(2))
    elif step.name == "view_as_complex":
        made = dims[:-1]
    else:
        made = relabel(dims, shape)
    if made is None:  # flattened together with something else, or cut where no row ends
        return Made(source.map.made_of([plain(size) for size in shape]), everything([source]))
    return Made(replace(source.map, dims=made), (_link(source, {}),))


def sliced(step: Step, source: Source) -> Made:
    """A slice or narrow: a run of positions of one dimension, or every n-th of them."""
    dims = source.map.dims
    at = argument(step, "dim") or 0
    size = dims[at % len(dims)].size
    start, every = argument(step, "start") or 0, argument(step, "step") or 1
    start = max(start + size, 0) if start < 0 else min(start, size)
    return part(step.shape or (), source, at % len(dims), start, every)


def selected(step: Step, source: Source) -> Made:
    """One position of a dimension, which goes."""
    at = argument(step, "dim") % len(source.map.dims)
    return _one(source, at, argument(step, "index"))


def piece(split: Step, index: int, shape: Shape, source: Source, ends: Sequence[int]) -> Made:
    """One of the parts that a dimension was split into; where their sizes are given, with what they add up to."""
    dims = source.map.dims
    at = (argument(split, "dim") or 0) % len(dims)
    if split.name == "unbind":
        return _one(source, at, index)
    size, given = dims[at].size, split.args[1]
    if isinstance(given, tuple):
        start = ends[index] - given[index]
    elif split.name == "split":
        start = given * index
    elif split.name == "chunk":
        start = -(-size // given) * index
    else:  # tensor_split: the first ones are one longer where it does not come out even
        start = size // given * index + min(index, size % given)
    return part(shape, source, at, start, 1)


def part(shape: Shape, source: Source, at: int, start: int, every: int) -> Made:
    """A run of positions of one dimension; it may begin before the first and end after the last."""
    dim, length = source.map.dims[at], shape[at]
    taken, rules = run(source.map.dims, at, start, length, every)
    missing = dim.pure and length < dim.size - dim.lead - dim.trail
    made = source.map.made_of([*source.map.dims[:at], taken, *source.map.dims[at + 1 :]], cut=missing)
    return Made(made, (_link(source, rules),))


def run(dims: Dims, at: int, start: int, length: int, every: int = 1) -> tuple[Dim, Rules]:
    """What a run of positions of a dimension is made of, with a rule for each axis whose places change."""
    dim, only = dims[at], dims[at].only
    if (start, length, every) == (0, dim.size, 1):
        return dim, {}
    if not dim.labelled:
        return plain(length), {}
    if only is not None and not _beside(dims, at, only.axis):
        return along(only.axis, length), {only.axis: affine(only.step * every, only.step * start)}
    if only is not None and every == 1:
        return Dim((Factor(only.axis, length, only.step),)), {only.axis: affine(1, only.step * start)}
    inner, end = (dim.lead, dim.size - dim.trail), start + length
    if every == 1 and start <= inner[0] and end >= inner[1]:
        return Dim(dim.factors, inner[0] - start, end - inner[1]), {}
    if dim.pure and every == 1 and (end <= inner[0] or start >= inner[1]):
        return plain(length), dict.fromkeys(AXES, whole)
    if not dim.pure:  # channels that hold places of the map: as if all of them were taken
        return plain(length), {axis: mixing(dims, axis, [at]) for axis in AXES}
    return unknown(length), dict.fromkeys(AXES, whole)


def concatenated(step: Step, sources: list[Source]) -> Made:
    """Values side by side: as channels, or one after the other along the map."""
    shape = step.shape or ()
    at = (argument(step, "dim") or 0) % len(shape)
    along_map = [one for one in sources if len(one.map.dims) == len(shape) and one.map.dims[at].labelled]
    if not any(one.map.dims[at].pure for one in along_map):
        return joined(shape, sources)
    if len(along_map) > 1:
        return lost(shape, sources)
    source = along_map[0]
    keys = [key(one) for one in step.node.args[0]]  # type: ignore[union-attr]
    before = sum(given[at] for given in step.args[0][: keys.index(source.given)])
    made = part(shape, source, at, -before, 1)
    others = [one for one in sources if one is not source]
    links = [Link(one.key, *(translation(made.map.dims, one.map.dims, axis) for axis in AXES)) for one in others]
    return Made(made.map, (*made.links, *links))


def stacked(step: Step, sources: list[Source]) -> Made:
    """Values side by side in a dimension of its own."""
    shape = step.shape or ()
    at = (argument(step, "dim") or 0) % len(shape)
    return joined(shape, [one.of([*one.map.dims[:at], Dim(), *one.map.dims[at:]]) for one in sources])


def padded(step: Step, source: Source) -> Made:
    """Rows and columns set around the map, or cropped where their number is negative; the last dimension is first."""
    shape, given = step.shape or (), argument(step, "pad") or argument(step, "padding")
    made = Made(source.map, (_link(source, {}),))
    for place in range(len(given) // 2):
        at = len(shape) - 1 - place
        target = tuple(shape[k] if k >= at else dim.size for k, dim in enumerate(source.map.dims))
        made = _then(made, part(target, replace(source, map=made.map), at, -given[2 * place], 1))
    return made


def rolled(step: Step, source: Source) -> Made:
    """A map that is pushed along; what goes round its border is a border's affair."""
    shifts, dims = (_numbers(argument(step, name)) for name in ("shifts", "dims"))
    made = Made(source.map, (_link(source, {}),))
    if not dims:
        return lost(step.shape or (), [source])
    for shift, at in zip(shifts, dims, strict=True):
        at %= len(source.map.dims)
        dim, only = source.map.dims[at], source.map.dims[at].only
        if only is None and dim.labelled:
            return lost(step.shape or (), [source])
        if only is not None:
            rule = affine(1, -shift * only.step)
            made = _then(made, Made(made.map, (_link(replace(source, map=made.map), {only.axis: rule}),)))
    return made


def flipped(step: Step, source: Source) -> Made:
    """A map that is turned over."""
    rules: Rules = {}
    for at in _numbers(argument(step, "dims")):
        dim, only = source.map.dims[at % len(source.map.dims)], source.map.dims[at % len(source.map.dims)].only
        if dim.labelled and (only is None or _beside(source.map.dims, at % len(source.map.dims), only.axis)):
            return lost(step.shape or (), [source])
        if only is not None:
            rules[only.axis] = affine(-1, (only.size - 1) * only.step)
    return Made(source.map, (_link(source, rules),))


def repeated(step: Step, source: Source) -> Made:
    """Copies beside each other; a map is followed where it is not copied itself."""
    shape = step.shape or ()
    grown = [dim for dim, size in zip(source.map.dims[::-1], shape[::-1], strict=False) if dim.size not in (size, 1)]
    return lost(shape, [source]) if any(dim.labelled for dim in grown) else joined(shape, [source])


def interleaved(step: Step, source: Source) -> Made:
    """Each row (column) several times over."""
    at, times = argument(step, "dim"), argument(step, "repeats")
    dims = source.map.dims
    only = dims[at % len(dims)].only if isinstance(at, int) else None
    if only is None or _beside(dims, at % len(dims), only.axis):
        unlabelled = isinstance(at, int) and not dims[at % len(dims)].labelled
        return joined(step.shape or (), [source]) if unlabelled else lost(step.shape or (), [source])
    made = [*dims[: at % len(dims)], along(only.axis, only.size * times), *dims[at % len(dims) + 1 :]]
    rule = regrouped(times, only.step, 0)
    return Made(source.map.made_of(made), (_link(source, {only.axis: rule}),))


def indexed(step: Step, source: Source) -> Made:
    """An index or index_select: channels in another order; of the map nobody knows which rows were taken."""
    shape, dims = step.shape or (), source.map.dims
    if step.name == "index_select":
        taken = [argument(step, "dim") % len(dims)]
    else:
        taken = [at for at, given in enumerate(step.args[1]) if given is not None]
    if len(shape) != len(dims) or any(dims[at].labelled for at in taken):
        return lost(shape, [source])
    return joined(shape, [source])


def looked_up(step: Step, source: Source) -> Made:
    """A vector for each number: embedding and one_hot."""
    shape = step.shape or ()
    return joined(shape, [source.of([*source.map.dims, Dim()])])


def halved(step: Step, source: Source) -> Made:
    """glu: one half of a dimension scales the other."""
    at = argument(step, "dim")
    at = (-1 if at is None else at) % len(source.map.dims)
    return lost(step.shape or (), [source]) if source.map.dims[at].labelled else joined(step.shape or (), [source])


def written(shape: Shape, base: Source | None, source: Source, starts: dict[int, int]) -> Made:
    """A value into a part of which another was written, from these positions on."""
    made = Made(source.map, (_link(source, {}),))
    for at, start in starts.items():
        target = tuple(shape[k] if k == at else dim.size for k, dim in enumerate(made.map.dims))
        made = _then(made, part(target, replace(source, map=made.map), at, -start, 1))
    if base is None:
        return made
    both = joined(shape, [base, replace(source, map=made.map)])
    return Made(both.map, (both.links[0], _chained(both.links[1], made.links[0])))


def _one(source: Source, at: int, index: int) -> Made:
    dims = source.map.dims
    _, rules = run(dims, at, index % max(dims[at].size, 1), 1)
    made = source.map.made_of([*dims[:at], *dims[at + 1 :]], cut=dims[at].pure and dims[at].size > 1)
    return Made(made, (_link(source, rules),))


def _beside(dims: Dims, at: int, axis: str) -> bool:
    """Whether other dimensions hold some of the axis too."""
    return any(k != at and factor.size > 1 for k, factor in places(dims, axis))


def _link(source: Source, rules: Rules) -> Link:
    return Link(source.key, rules.get("h", same), rules.get("w", same))


def _then(first: Made, second: Made) -> Made:
    """Two moves of one value in a row."""
    return Made(second.map, (_chained(second.links[0], first.links[0]),))


def _chained(outer: Link, inner: Link) -> Link:
    return Link(inner.key, follow(outer.rows, inner.rows), follow(outer.columns, inner.columns))


def _numbers(given: int | Sequence[int] | None) -> list[int]:
    return [] if given is None else [given] if isinstance(given, int) else list(given)
