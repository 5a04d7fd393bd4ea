"""Weights that are drawn anew, as a training of somebody's model is to begin."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy
    from torch import Tensor

    from modelcheck.graph.model import GraphModel

FEW_ENTRIES = 16  # of which a mean and a spread would say much
FEW_VALUES = 8  # that constant parameters may have beside the ones of a normalisation's scale and its shift's zeros
MANY_CONSTANTS = 256  # of few entries each: as many bits, were they ones and zeros alone
BITS = 4  # of a mean and of a spread: by a sixteenth more or less no training is another one
_UNIFORM_KURTOSIS, _NORMAL_KURTOSIS = 1.8, 3.0


def redraw(parameters: Iterable[Tensor], generator: numpy.random.Generator) -> None:
    """Draw the entries of each parameter anew, in place: as evenly or as normally as they were, with mean and spread.

    To put them in another order would not do: entries that each hold their place and what was learnt, as ``k + w`` with
    w below 1, are sorted back by the model. Nor would a mean to all its digits, which hold what was learnt of many.
    Parameters of few entries are drawn from the distribution that all of these have together, and so are constant
    ones, where they have many values or are very many: what was learnt could be cut up into such. What is constant
    otherwise stays, and so does what is not finite.

    Args:
        parameters: of any shape and any floating-point or complex type.
        generator: that the weights' author cannot know.
    """
    import torch

    with torch.no_grad():
        real = [torch.view_as_real(one) if one.is_complex() else one for one in parameters]
        real = [one for one in real if one.numel() and bool(one.isfinite().all())]
        constant: list[Tensor] = []
        varied: list[Tensor] = []
        for one in real:
            (varied if bool((one != one.flatten()[0]).any()) else constant).append(one)
        others = {float(one.flatten()[0]) for one in constant} - {0.0, 1.0}
        if len(others) > FEW_VALUES or sum(one.numel() <= FEW_ENTRIES for one in constant) > MANY_CONSTANTS:
            _draw(constant, generator)
        _draw([one for one in varied if one.numel() <= FEW_ENTRIES], generator)
        for one in varied:
            if one.numel() > FEW_ENTRIES:
                _draw([one], generator)


def restart(model: GraphModel) -> None:
    """Set the running statistics of all norms to those of a new module, in place: they could hold what was learnt."""
    import torch

    from modelcheck.facts.kept import statistics
    from modelcheck.graph.wire import TensorRef

    with torch.no_grad():
        for graph in (model.header.train, model.header.evaluation):
            for node in graph.nodes:
                for given, start in zip(statistics(node), (0.0, 1.0), strict=False):
                    if isinstance(given, TensorRef):
                        model.tensor(given.id).fill_(start)


def _draw(tensors: Sequence[Tensor], generator: numpy.random.Generator) -> None:
    """Draw the entries of all of them from one distribution."""
    import torch

    if not tensors:
        return
    values = torch.cat([one.double().flatten() for one in tensors])
    mean, spread = float(values.mean()), float(values.std(correction=0))
    kurtosis = float((((values - mean) / spread) ** 4).mean()) if spread else _NORMAL_KURTOSIS
    if kurtosis < (_UNIFORM_KURTOSIS + _NORMAL_KURTOSIS) / 2:
        drawn = generator.uniform(-math.sqrt(3), math.sqrt(3), len(values))
    else:
        drawn = generator.standard_normal(len(values))
    fresh = _rough(mean) + _rough(spread) * torch.from_numpy(drawn)
    parts = torch.split(fresh, [one.numel() for one in tensors])
    for one, part in zip(tensors, parts, strict=True):
        one.copy_(part.reshape(one.shape))


def _rough(value: float) -> float:
    """The value with no more than its first bits."""
    mantissa, exponent = math.frexp(value)
    return math.ldexp(round(mantissa * 2**BITS), exponent - BITS)
