"""Weights that are drawn anew, as a training of somebody's model is to begin."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy
    from torch import Tensor

FEW_ENTRIES = 16  # of which a mean and a spread would say much
FEW_VALUES = 32  # that constant parameters may have, such as the ones of a normalisation's scale and its shift's zeros
_UNIFORM_KURTOSIS, _NORMAL_KURTOSIS = 1.8, 3.0


def redraw(parameters: Iterable[Tensor], generator: numpy.random.Generator) -> None:
    """Draw the entries of each parameter anew, in place: as evenly or as normally as they were, with mean and spread.

    To put them in another order would not do: entries that each hold their place and what was learnt, as ``k + w`` with
    w below 1, are sorted back by the model. Parameters of few entries are drawn from the distribution that all of
    these have together, and so are constant ones, where they have many values: what was learnt could be cut up into
    such. What is constant otherwise stays, and so does what is not finite.

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
        if len({float(one.flatten()[0]) for one in constant}) > FEW_VALUES:
            _draw(constant, generator)
        _draw([one for one in varied if one.numel() <= FEW_ENTRIES], generator)
        for one in varied:
            if one.numel() > FEW_ENTRIES:
                _draw([one], generator)


def _draw(tensors: Sequence[Tensor], generator: numpy.random.Generator) -> None:
    """Draw the entries of all of them from one distribution."""
    import torch

    if not tensors:
        return
    values = torch.cat([one.double().flatten() for one in tensors])
    least, most, mean, spread = values.min(), values.max(), float(values.mean()), float(values.std(correction=0))
    kurtosis = float((((values - mean) / spread) ** 4).mean()) if spread else _NORMAL_KURTOSIS
    if kurtosis < (_UNIFORM_KURTOSIS + _NORMAL_KURTOSIS) / 2:
        drawn = generator.uniform(-math.sqrt(3), math.sqrt(3), len(values))
    else:
        drawn = generator.standard_normal(len(values))
    fresh = (mean + spread * torch.from_numpy(drawn)).clamp(least, most)
    parts = torch.split(fresh, [one.numel() for one in tensors])
    for one, part in zip(tensors, parts, strict=True):
        one.copy_(part.reshape(one.shape))
