"""Where height and width lie in each value, how far its units see, and where the map is averaged away.

A walk along the graph notes of what each value's dimensions are made, so that ``x.flatten(2).mean(2)`` is seen for the
average over the map that it is, and links each value to those that it was made of, for ``receptive_field.py``.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import accumulate

import torch

from modelcheck.facts import mixing, moving, sliding
from modelcheck.facts.labels import along, plain
from modelcheck.facts.maps import GlobalAverage, Link, Made, Map, Source, joined, key, lost, sizes
from modelcheck.facts.trace import Step, Trace
from modelcheck.facts.writes import State, Writes
from modelcheck.graph.wire import Argument, InputInfo, NodeRef, scalars

__all__ = ["GlobalAverage", "Spatial", "spatial"]


@dataclass(frozen=True)
class Spatial:
    """What the walk over a graph found.

    Args:
        maps: of each value that is made from a picture, by its node; an input is −1 − its index.
        links: of each value to those that it was made of.
        averages: the global average poolings.
        output: the value that the graph returns; None where no picture is in it.
    """

    maps: dict[int, Map]
    links: dict[int, tuple[Link, ...]]
    averages: tuple[GlobalAverage, ...]
    output: int | None


def spatial(trace: Trace, inputs: Sequence[InputInfo]) -> Spatial:
    """The maps and the global average poolings of a graph; empty where no input is a picture (C, H, W)."""
    walk = _Walk(trace, inputs)
    for step in trace.steps:
        walk.visit(step)
    output = walk.source(trace.graph.outputs[0])
    return Spatial(walk.maps, walk.links, tuple(walk.averages), output.key if output else None)


class _Walk:
    def __init__(self, trace: Trace, inputs: Sequence[InputInfo]) -> None:
        self.trace = trace
        self.maps: dict[int, Map] = {}
        self.links: dict[int, tuple[Link, ...]] = {}
        self.averages: list[GlobalAverage] = []
        self.writes = Writes(trace, [(trace.batch, *one.shape) for one in inputs])
        self.ends: dict[int, list[int]] = {}
        for index, one in enumerate(inputs):
            if len(one.shape) == 3:
                _, height, width = one.shape
                dims = (plain(trace.batch), plain(one.shape[0]), along("h", height), along("w", width))
                self.maps[-1 - index] = Map(dims)
                self.links[-1 - index] = ()

    def visit(self, step: Step) -> None:
        if step.shape is None or step.name in _OF_SHAPES or step.name in _SPLITS:
            return
        sources = self.sources(step)
        made = self._item(step, sources) if step.node.op == "operator.getitem" else self._made(step, sources)
        if made is not None:
            self.enter(step.index, made)
        self.writes.note(step, [one.given for one in sources])

    def enter(self, index: int, made: Made) -> None:
        self.maps[index], self.links[index] = made.map, made.links
        if made.average:
            self.averages.append(made.average)

    def sources(self, step: Step) -> list[Source]:
        arguments = step.node.args[:1] if step.name in _FIRST_ONLY else step.node.args
        given = step.node.args[1:2] if step.name == "copy_" else (*arguments, *step.node.kwargs.values())
        return [found for scalar in scalars(*given) if (found := self.source(scalar)) is not None]

    def source(self, argument: Argument) -> Source | None:
        """A value as it is now: what was written into it since is in it."""
        index = None if isinstance(argument, list) else key(argument)
        if index is None:
            return None
        state = self.writes.into(index)
        if state and state.writers:
            self._write(state, index)
        now = state.number if state else index
        return Source(now, self.maps[now], index) if now in self.maps else None

    def _write(self, state: State, index: int) -> None:
        """Enter what a value became when parts of it were written."""
        shape = self.writes.shape(index)
        base = Source(state.before, self.maps[state.before], index) if state.before in self.maps else None
        writers = [(Source(one, self.maps[one], one), starts) for one, starts in state.writers if one in self.maps]
        if any(starts is None or len(one.map.dims) != len(shape) for one, starts in writers):
            self.enter(state.number, lost(shape, [*(one for one, _ in writers), *([base] if base else [])]))
            return
        for at, (source, starts) in enumerate(writers):
            number = state.number if at == len(writers) - 1 else self.writes.another()
            self.enter(number, moving.written(shape, base, source, starts or {}))
            base = Source(number, self.maps[number], index)
        if base and not writers:
            self.enter(state.number, joined(shape, [base]))

    def _made(self, step: Step, sources: list[Source]) -> Made | None:
        if not sources or step.shape is None:
            return None
        named = None if step.node.op in _ARITHMETIC else _BY_NAME.get(step.name)
        handler = named or _BY_KIND.get(step.kind)
        made = None
        if handler and all(self._as_it_is(step, one) for one in sources):
            made = handler(step, sources)
        return made if made and sizes(made.map.dims) == step.shape else lost(step.shape, sources)

    def _as_it_is(self, step: Step, source: Source) -> bool:
        """Whether a source has the shape that it is known with; ``unsqueeze_`` and its like change it in place."""
        shapes = [
            shape
            for argument, shape in zip(step.node.args, step.args, strict=True)
            if not isinstance(argument, list) and key(argument) == source.given and isinstance(shape, torch.Size)
        ]
        return all(shape == sizes(source.map.dims) for shape in shapes)

    def _item(self, step: Step, sources: list[Source]) -> Made | None:
        """One of an operator's several results."""
        reference, index = step.node.args[0], step.args[1]
        if not isinstance(reference, NodeRef) or step.shape is None:
            return None
        split = self.trace.steps[reference.id]
        if split.name not in _SPLITS:
            return self._made(step, sources)
        source = self.source(split.node.args[0])
        if source is None:
            return None
        made = moving.piece(split, index, step.shape, source, self._ends(split))
        return made if sizes(made.map.dims) == step.shape else lost(step.shape, [source])

    def _ends(self, split: Step) -> list[int]:
        """Where the pieces of a list of sizes end; summed once, since a split may have thousands."""
        if split.index not in self.ends:
            given = split.args[1] if len(split.args) > 1 else None
            self.ends[split.index] = list(accumulate(given)) if isinstance(given, tuple) else []
        return self.ends[split.index]


Handler = Callable[[Step, list[Source]], Made]


def _pointwise(step: Step, sources: list[Source]) -> Made:
    return joined(step.shape or (), sources)


def _alone(handler: Callable[[Step, Source], Made]) -> Handler:
    """For an operator that moves or reads one value: with others that come from the picture, nobody follows it."""
    return lambda step, sources: handler(step, sources[0]) if len(sources) == 1 else lost(step.shape or (), sources)


def _unknown(step: Step, sources: list[Source]) -> Made:
    return lost(step.shape or (), sources)


def _names(handler: Handler, names: str) -> dict[str, Handler]:
    return dict.fromkeys(names.split(), handler)


_ARITHMETIC = ("aten.max.other", "aten.min.other")  # of two values, where max.dim is a reduction of one
_SPLITS = ("split", "split_with_sizes", "chunk", "tensor_split", "unbind")
_FIRST_ONLY = ("view_as", "reshape_as", "expand_as", "type_as", "to")
# made of a value's shape alone
_OF_SHAPES = (
    "zeros_like", "ones_like", "full_like", "empty_like", "rand_like", "randn_like", "randint_like", "new_zeros",
    "new_ones", "new_full", "new_empty", "sym_size", "sym_numel",
)  # fmt: skip

_BY_KIND: dict[str, Handler] = {
    "convolution": sliding.convolved,
    "linear": mixing.multiplied,
    "product": mixing.multiplied,
    "attention": mixing.attended,
    "batch-norm": _pointwise,
    "normalisation": _pointwise,
    "dropout": _pointwise,
    "average-pool": _alone(sliding.pooled),
    "max-pool": _alone(sliding.pooled),
    "activation": _pointwise,
    "softmax": _alone(mixing.spread),
    "mean": _alone(mixing.reduced),
    "sum": _alone(mixing.reduced),
    "view": _alone(moving.viewed),
    "elementwise": mixing.scaled,
    "symbolic": _pointwise,
}

_BY_NAME: dict[str, Handler] = {
    **_names(
        _pointwise,
        """eq ne lt le gt ge logical_and logical_or logical_not logical_xor bitwise_and bitwise_or bitwise_xor
        bitwise_not __and__ __or__ bitwise_left_shift bitwise_right_shift isnan isinf isfinite where masked_fill
        masked_fill_ fill fill_ zero_ copy_ bernoulli bernoulli_ uniform_ normal_ exponential_""",
    ),
    **_names(_unknown, "renorm"),
    **_names(_alone(moving.viewed), "view_as_real view_as_complex"),
    **_names(_alone(moving.sliced), "slice narrow"),
    **_names(_alone(moving.selected), "select"),
    **_names(moving.concatenated, "cat concat concatenate"),
    **_names(moving.stacked, "stack"),
    **_names(
        _alone(moving.padded),
        """pad constant_pad_nd reflection_pad1d reflection_pad2d reflection_pad3d replication_pad1d replication_pad2d
        replication_pad3d""",
    ),
    **_names(_alone(moving.rolled), "roll"),
    **_names(_alone(moving.flipped), "flip"),
    **_names(_alone(moving.repeated), "expand expand_as repeat tile"),
    **_names(_alone(moving.interleaved), "repeat_interleave"),
    **_names(_alone(moving.indexed), "index index_select"),
    **_names(_alone(moving.looked_up), "embedding one_hot"),
    **_names(_alone(moving.halved), "glu"),
    **_names(_alone(sliding.unfolded), "unfold im2col"),
    **_names(_alone(sliding.shuffled), "pixel_shuffle pixel_unshuffle channel_shuffle"),
    **_names(
        _alone(sliding.resized),
        """upsample_nearest1d upsample_nearest2d upsample_nearest3d _upsample_nearest_exact2d upsample_linear1d
        upsample_bilinear2d _upsample_bilinear2d_aa upsample_bicubic2d _upsample_bicubic2d_aa upsample_trilinear3d""",
    ),
    **_names(
        _alone(mixing.reduced),
        """max min amax amin aminmax argmax argmin var std var_mean std_mean prod all any median kthvalue count_nonzero
        linalg_vector_norm norm logsumexp""",
    ),
    **_names(
        _alone(mixing.spread),
        """cumsum cumprod topk sort argsort fft_fft fft_ifft fft_fft2 fft_ifft2 fft_rfft fft_irfft fft_rfft2 fft_irfft2
        fft_fftn fft_ifftn fft_fftshift fft_ifftshift""",
    ),
}
