"""Tries whether operators matter: the plainest substitute in their place must change the output.

Reachable is not enough: ``0 * dropout(batch_norm(x))`` and ``y + bn(y) - bn(y)`` are reachable and do nothing.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Collection, Iterable, Mapping
from functools import cached_property
from typing import Any

import torch

from modelcheck.errors import DamagedCapture
from modelcheck.facts.pictures import as_augmented, random_input
from modelcheck.graph.model import GraphModel
from modelcheck.graph.operators import DTYPES, implementation, is_random
from modelcheck.graph.wire import Graph

DRAWS = 3  # a network that is dead on one random draw may live on another
MEASURABLE = 1e-4  # of the output's own spread
MAX_MACS = 20_000_000_000  # for one sample; beyond it reachability alone decides
MAX_TRIAL_ELEMENTS = 2**30  # of all values of a graph together, for one batch
MAX_MACS_EACH = 4_000_000_000  # for all runs that try operators one by one, as are the next two
MAX_ELEMENTS_EACH = 2**31
MAX_NODES_EACH = 50_000
MAX_TAUGHT_ELEMENTS = 2**28  # of a graph's values, all of which a run holds that gradients are taken of
NEXT_TO_NOTHING = 1e-8  # of the largest gradient: an optimiser does not move what gets less
CROWD = 128  # samples, as many as are often trained with
EARNEST_WORTH = 8  # times what is spent on other questions: few graphs need a crowd
_EARNEST = range(DRAWS, 2 * DRAWS)  # the draws that are as a training's batches

Substitute = Callable[..., Any]


class Trial:
    """Runs a model's graphs on random pictures, with and without some of its operators.

    Trainable weights that a gradient reaches are moved a little, since an honest zero (a residual branch that starts at
    nothing) will not stay zero in training, while a constant zero will, and one behind ``detach`` or ``sign``. A large
    weight moves no further than one of 1 does, since a training's steps do not grow with it. Pictures are of the kind
    that the model is made for, and come as a training shows them too: augmented, in bfloat16, and in a batch as large.
    A branch may be taken on noise alone, on whole pixels, or in small batches.

    Args:
        model: with real weights, on the CPU.
        macs: multiply-adds of one sample, which bound what is tried.
        elements: of all values that a graph makes for the batch, which bound it too.
        samples: the batch.
        logits: whether the output is logits, of which only the differences within a sample matter.
        sized: the graphs (True for the training graph) that may do otherwise for another number of samples.
        seed: of what is drawn; who knew the pictures could work on these alone.
    """

    def __init__(
        self,
        model: GraphModel,
        macs: int,
        elements: int,
        samples: int,
        *,
        logits: bool,
        sized: Collection[bool] = (False, True),
        seed: int = 0,
    ) -> None:
        self.model = model
        self.macs = macs
        self.elements = elements
        self.samples = samples
        self.logits = logits
        self.sized = sized
        self.seed = seed
        self._plain: dict[tuple[bool, int], torch.Tensor] = {}
        self._drawn: dict[int, tuple[list[torch.Tensor], dict[int, torch.Tensor]]] = {}

    @staticmethod
    def affordable(model: GraphModel, macs: int, elements: int) -> bool:
        """Whether there are weights to try, and a run of them is cheap enough.

        Args:
            macs: of one sample.
            elements: of all values that a graph makes for the batch, which a run allocates and fills.
        """
        cheap = macs <= MAX_MACS and elements <= MAX_TRIAL_ELEMENTS
        return cheap and not any(tensor.is_meta for tensor in (*model.parameters(), *model.buffers()))

    def live(
        self,
        candidates: Mapping[int, Substitute],
        *,
        training: bool,
        least: float = MEASURABLE,
        breaking: bool = True,
    ) -> set[int]:
        """Those of the candidates (node → its substitute) that matter to the output.

        All are substituted at once first, which must change the output by more than ``least`` of its spread; then each
        alone, which must change it at all, where that is affordable; then each where all is as in a training.

        Args:
            candidates: what to substitute.
            training: which graph.
            least: what counts as a change.
            breaking: whether one matters without whose results the graph does not run. It does not where that gains
                something: a look-up beyond its table where nothing was dropped is no use of dropout.
        """

        def any_draw(substitutes: Mapping[int, Substitute], least: float) -> bool:
            return any(self._changes(substitutes, training, draw, least, breaking) for draw in range(DRAWS))

        if not candidates or not any_draw(candidates, least):
            return set()
        if len(candidates) == 1 or not self.affords(len(candidates), training=training):
            found = set(candidates)
        else:
            found = {node for node, substitute in candidates.items() if any_draw({node: substitute}, 0.0)}
        return self._in_earnest({node: candidates[node] for node in found}, training, breaking)

    def _in_earnest(self, candidates: Mapping[int, Substitute], training: bool, breaking: bool) -> set[int]:
        """Those that change something where all is as in a training, if that is affordable and the graph runs then."""
        sized = training in self.sized
        runs = (1 + len(candidates)) * (-(-CROWD // self.samples) if sized else 1)  # of as many samples as others have
        if not (training or sized) or not self.affords(runs // EARNEST_WORTH, training=training):
            return set(candidates)
        left = dict(candidates)
        for draw in _EARNEST:
            try:
                self._plain[training, draw] = self._output({}, training, draw)
            except DamagedCapture:
                return set(candidates)
            for node, substitute in list(left.items()):
                if self._changes({node: substitute}, training, draw, 0.0, breaking):
                    del left[node]
            if not left:
                break
        return set(candidates) - set(left)

    def affords(self, runs: int, *, training: bool) -> bool:
        """Whether so many runs of a graph are cheap enough for a single question."""
        graph = self.model.header.train if training else self.model.header.evaluation
        return (
            self.macs * self.samples * runs <= MAX_MACS_EACH
            and self.elements * runs <= MAX_ELEMENTS_EACH
            and len(graph.nodes) * runs <= MAX_NODES_EACH
        )

    def _changes(
        self, substitutes: Mapping[int, Substitute], training: bool, draw: int, least: float, breaking: bool
    ) -> bool:
        if (training, draw) not in self._plain:
            self._plain[training, draw] = self._output({}, training, draw)
        plain = self._plain[training, draw]
        try:
            other = self._output(substitutes, training, draw)
        except DamagedCapture:
            return breaking  # something else cannot do without it
        if plain.shape != other.shape or not torch.equal(plain.isfinite(), other.isfinite()):
            return True
        finite = plain.isfinite()
        difference = (plain - other)[finite].abs().max().item() if finite.any() else 0.0
        spread = plain[finite].std().item() if finite.sum() > 1 else 0.0
        return bool(difference > least * spread)

    def evaluated(self, changed: Callable[[torch.Tensor], torch.Tensor]) -> torch.Tensor:
        """The evaluation graph's output for the first draw's pictures, each input changed, as float32.

        Raises:
            DamagedCapture: it does not run on them.
        """
        return self._run({}, training=False, draw=0, changed=changed)

    def _output(self, substitutes: Mapping[int, Substitute], training: bool, draw: int) -> torch.Tensor:
        output = self._run(substitutes, training=training, draw=draw)
        if self.logits and output.dim() == 2 and output.shape[1] > 1:
            output = output - output.mean(1, keepdim=True)
        return output.reshape(-1)

    def _run(
        self,
        substitutes: Mapping[int, Substitute],
        *,
        training: bool,
        draw: int,
        changed: Callable[[torch.Tensor], torch.Tensor] | None = None,
    ) -> torch.Tensor:
        graph = self.model.header.train if training else self.model.header.evaluation
        low = torch.autocast("cpu", torch.bfloat16, enabled=training and draw in _EARNEST)
        with torch.no_grad(), low, torch.random.fork_rng(devices=[]), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # torch tells of operators that it runs slowly
            try:
                inputs, moved = self._draw(draw)
                outputs = self.model.run(
                    # copies, since forward may change its input in place
                    [(changed(one) if changed else one).clone() for one in inputs],
                    training=training,
                    substitutes={**_seeded(graph, draw), **substitutes},
                    values={**moved, **_untrained(self.model)},
                )
            except Exception as error:  # meta tensors do not mind what some operators refuse, such as an index
                text = str(error).splitlines()[0][:300] if str(error) else type(error).__name__
                raise DamagedCapture(f"the graph does not run on random pictures: {text}") from None
        return outputs[0].detach().to(torch.float32)

    def _draw(self, draw: int) -> tuple[list[torch.Tensor], dict[int, torch.Tensor]]:
        """Pictures and moved weights, the same ones each time."""
        if draw not in self._drawn:
            inputs, generator = self._pictures(draw)
            self._drawn[draw] = inputs, _moved(self.model, self._taught, generator)
        return self._drawn[draw]

    def _pictures(self, draw: int) -> tuple[list[torch.Tensor], torch.Generator]:
        """The pictures of a draw, and the generator for what else is drawn."""
        generator = torch.Generator().manual_seed(self.seed + draw)
        samples = CROWD if draw in _EARNEST and self.sized else self.samples
        shapes = [((samples, *one.shape), DTYPES[one.dtype]) for one in self.model.header.inputs]
        inputs = [random_input(shape, dtype, generator) for shape, dtype in shapes]
        return [as_augmented(one, generator) for one in inputs] if draw in _EARNEST else inputs, generator

    @cached_property
    def _taught(self) -> frozenset[int]:
        """The storages that training will move: a gradient reaches them that is something beside the others'."""
        largest = {index: 0.0 for index in range(len(self.model.header.storages)) if _moves(self.model.storage(index))}
        if self.elements > MAX_TAUGHT_ELEMENTS:
            return frozenset(largest)
        taught: frozenset[int] = frozenset()
        for draw in range(DRAWS):
            for index, size in self._gradients(largest, draw).items():
                largest[index] = max(largest[index], size)
            least = NEXT_TO_NOTHING * max(largest.values(), default=0.0)
            taught = frozenset(index for index, size in largest.items() if size > least)
            if len(taught) == len(largest):
                break
        return taught

    def _gradients(self, storages: Iterable[int], draw: int) -> dict[int, float]:
        """The largest element of each storage's gradient in training; nothing where none can be taken."""
        leaves = {index: self.model.storage(index).detach().clone().requires_grad_() for index in storages}
        inputs, generator = self._pictures(draw)
        with torch.enable_grad(), torch.random.fork_rng(devices=[]), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                outputs = self.model.run(
                    inputs,
                    training=True,
                    substitutes=_seeded(self.model.header.train, draw),
                    # copies, since what gradients are asked of cannot be changed in place
                    values={**{index: leaf.clone() for index, leaf in leaves.items()}, **_untrained(self.model)},
                )
                output = outputs[0]
                weights = torch.randn(output.shape, generator=generator).to(output.dtype)
                found = torch.autograd.grad((output * weights).sum().real, list(leaves.values()), allow_unused=True)
            except Exception:  # what training would fail on too
                return {}
        sizes = zip(leaves, found, strict=True)
        return {
            index: one.abs().nan_to_num(0.0, 0.0).max().item()
            for index, one in sizes
            if one is not None and one.numel()
        }


def identity(value: torch.Tensor, *_: Any, **__: Any) -> torch.Tensor:
    """The plainest substitute of a normalisation or a dropout."""
    return value


def jittered(op: str, seed: int) -> Substitute:
    """A weighted operator whose result is disturbed: what follows must notice."""
    function = implementation(op)

    def disturb(*args: Any, **kwargs: Any) -> Any:
        generator = torch.Generator().manual_seed(seed)
        result = function(*args, **kwargs)
        values = result if isinstance(result, tuple | list) else (result,)
        disturbed = [value + torch.randn(value.shape, generator=generator).to(value.dtype) for value in values]
        return disturbed[0] if isinstance(result, torch.Tensor) else tuple(disturbed)

    return disturb


def middle_pixel(dims: tuple[int, ...], shape: tuple[int, ...], scale: int = 1) -> Substitute:
    """The plainest substitute of an average: the value in the middle of the dimensions it reduces.

    Args:
        dims: the dimensions that are reduced.
        shape: of the result for the batch, which tells whether they are kept.
        scale: what to multiply with, for a sum that is divided later.
    """

    def pick(value: torch.Tensor, *_: Any, **__: Any) -> torch.Tensor:
        for dim in dims:
            value = value.narrow(dim, value.shape[dim] // 2, 1)
        kept = value.dim() == len(shape)
        value = value if kept else value.reshape([n for k, n in enumerate(value.shape) if k not in dims])
        return value * scale

    return pick


def _moved(model: GraphModel, taught: Collection[int], generator: torch.Generator) -> dict[int, torch.Tensor]:
    """Trainable storages, those of them that are taught a little off their values."""
    values: dict[int, torch.Tensor] = {}
    for index in range(len(model.header.storages)):
        stored = model.storage(index)
        if _moves(stored):
            scale = min(stored.detach().abs().mean().item() or 1.0, 1.0)
            noise = torch.randn(stored.shape, generator=generator, dtype=torch.float32)
            values[index] = stored.detach() + (0.1 * scale if index in taught else 0.0) * noise.to(stored.dtype)
    return values


def _untrained(model: GraphModel) -> dict[int, torch.Tensor]:
    """The other storages as copies, since running a graph changes buffers."""
    stored = {index: model.storage(index) for index in range(len(model.header.storages))}
    return {index: one.detach().clone() for index, one in stored.items() if not _moves(one)}


def _moves(stored: torch.Tensor) -> bool:
    return stored.requires_grad and stored.is_floating_point()


def _seeded(graph: Graph, draw: int) -> dict[int, Substitute]:
    """Every random operator with a seed of its own, so that taking one away leaves the others' numbers as they were."""

    def seeded(index: int, function: Substitute) -> Substitute:
        def run(*args: Any, **kwargs: Any) -> Any:
            # torch.manual_seed asks every kind of device as well, which takes longer than most operators
            torch.default_generator.manual_seed(draw * 1_000_003 + index)
            return function(*args, **kwargs)

        return run

    return {
        index: seeded(index, implementation(node.op)) for index, node in enumerate(graph.nodes) if is_random(node.op)
    }
