"""What is known of a value that is made from the picture, and how far its units see into what it was made of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

from modelcheck.facts.labels import AXES, UNKNOWN, Dim, Dims, Factor, is_map, places, plain, unknown
from modelcheck.facts.spans import Rule, block, regrouped, same, single, whole
from modelcheck.facts.spans import after as follow
from modelcheck.facts.trace import Shape
from modelcheck.graph.wire import Argument, InputRef, NodeRef


@dataclass(frozen=True)
class Map:
    """How a value holds the picture's height and width.

    A place on an axis is the sum of position times step over the factors of that axis.

    Args:
        dims: of what each dimension is made.
        slid: True once a window slid over the map: a convolution, a pool, or a layer over patches.
        cut: True where a part of the map was left out since.
        by: the nodes that averaged (or summed) some of the map, each with the dimensions it took.
        summed: by what a sum has yet to be divided to be an average; 1 where nothing is pending.
        area: how many pixels were averaged into one.
    """

    dims: Dims
    slid: bool = False
    cut: bool = False
    by: tuple[tuple[int, tuple[int, ...]], ...] = ()
    summed: Fraction = Fraction(1)
    area: int = 1

    def made_of(self, dims: Sequence[Dim], *, slid: bool = False, cut: bool = False) -> Map:
        """A map of these dimensions that was made from this one; no average is pending any more."""
        return Map(tuple(dims), self.slid or slid, self.cut or cut)


@dataclass(frozen=True)
class Source:
    """A value that a node takes.

    Args:
        key: the node that made it as it is now; an input is −1 − its index.
        map: what is known of it.
        given: the node by which it is given, which is another one where it was written in place since.
    """

    key: int
    map: Map
    given: int

    def of(self, dims: Sequence[Dim]) -> Source:
        """The same value with other dimensions in the same places."""
        return replace(self, map=replace(self.map, dims=tuple(dims)))


@dataclass(frozen=True)
class Link:
    """How spans of a value's rows and columns become spans of one of its sources."""

    key: int
    rows: Rule
    columns: Rule


@dataclass(frozen=True)
class GlobalAverage:
    """A global average pooling: the node that completes it, and each node that reduces, with its dimensions."""

    node: int
    reductions: tuple[tuple[int, tuple[int, ...]], ...]


@dataclass(frozen=True)
class Made:
    """What a node makes: its map, its links to its sources, and the global average that it completes."""

    map: Map
    links: tuple[Link, ...]
    average: GlobalAverage | None = None

    def also(self, size: int) -> Made:
        """The same with one more dimension at the end, which is none of the map's."""
        return replace(self, map=replace(self.map, dims=(*self.map.dims, plain(size))))


def joined(shape: Shape, sources: Sequence[Source]) -> Made:
    """Values of which each element takes those in its place: a sum, an activation, several channels side by side."""
    dims = _common(shape, sources)
    maps = [one.map for one in sources if is_map(one.map.dims)]
    links = tuple(Link(one.key, *(translation(dims, one.map.dims, axis) for axis in AXES)) for one in sources)
    cut = bool(maps) and all(one.cut for one in maps)
    return Made(Map(dims, slid=any(one.map.slid for one in sources), cut=cut), links)


def lost(shape: Shape, sources: Sequence[Source]) -> Made:
    """What nobody follows: still a map, of which each unit may see all of each source."""
    kept = next((one.map.dims for one in sources if is_map(one.map.dims) and sizes(one.map.dims) == shape), None)
    dims = kept or tuple(unknown(size) if at and size > 1 else plain(size) for at, size in enumerate(shape))
    return Made(Map(dims, slid=any(one.map.slid for one in sources)), everything(sources))


def everything(sources: Sequence[Source]) -> tuple[Link, ...]:
    """Links by which each unit may see all of each source."""
    return tuple(
        Link(one.key, *(whole if _large(one.map.dims, axis) or hazy(one.map.dims) else single for axis in AXES))
        for one in sources
    )


def sizes(dims: Dims) -> Shape:
    """The shape that the dimensions make."""
    return tuple(dim.size for dim in dims)


def key(argument: Argument) -> int | None:
    """A value's number: its node's, and for an input −1 − its index; None for what neither makes."""
    if isinstance(argument, InputRef):
        return -1 - argument.id
    return argument.id if isinstance(argument, NodeRef) else None


def _common(shape: Shape, sources: Sequence[Source]) -> Dims:
    """Each dimension as the first source has it in which it lies on the map; maps first."""
    ordered = sorted((one.map.dims for one in sources), key=lambda dims: not is_map(dims))
    aligned = [_aligned(dims, len(shape)) for dims in ordered]
    return tuple(
        next((dims[k] for dims in aligned if dims[k].labelled and dims[k].size == size), plain(size))
        for k, size in enumerate(shape)
    )


def _aligned(dims: Dims, rank: int) -> Dims:
    return (Dim(),) * (rank - len(dims)) + dims if len(dims) <= rank else dims[len(dims) - rank :]


def translation(dims: Dims, source: Dims, axis: str) -> Rule:
    """From places on an axis of a value to those of a source whose elements lie in the same positions."""
    source = _aligned(source, len(dims))
    if any(dim != dims[k] for k, dim in enumerate(source) if hazy([dim])):
        return whole
    ours, theirs = _large(dims, axis), _large(source, axis)
    if not theirs:
        return single
    if ours == theirs:
        return same
    mine, other = ([(k, f) for k, f in found if of[k].pure] for found, of in ((ours, dims), (theirs, source)))
    if len(mine) == len(other) == 1 and (mine[0][0], mine[0][1].size) == (other[0][0], other[0][1].size):
        beside = sum((f.size - 1) * f.step for _, f in theirs) - (other[0][1].size - 1) * other[0][1].step
        return regrouped(mine[0][1].step, other[0][1].step, beside)
    return whole


def mixing(dims: Dims, axis: str, taken: Sequence[int]) -> Rule:
    """From places on an axis of a value to those of a source of which the dimensions ``taken`` were mixed into one."""
    if hazy([dims[k] for k in taken]):
        return whole
    found = _large(dims, axis)
    outermost = max((f.step for _, f in found), default=0)
    rule: Rule = same
    for k, factor in found:
        if k in taken:
            if factor.step == outermost:
                return whole
            rule = follow(rule, block(factor.size * factor.step))
    return rule


def _large(dims: Sequence[Dim], axis: str) -> list[tuple[int, Factor]]:
    return [(k, factor) for k, factor in places(dims, axis) if factor.size > 1]


def hazy(dims: Sequence[Dim]) -> bool:
    """Whether some of the map's places are in an order that is not followed."""
    return any(factor.axis == UNKNOWN and factor.size > 1 for dim in dims for factor in dim.factors)
