"""Muon: steps along the nearest orthogonal matrix to a momentum, for all matrices at once.

Source: Jordan et al. 2024, https://kellerjordan.github.io/posts/muon/, with torch.optim.Muon's constants. Instead of
multiplying each matrix by a polynomial of its Gram matrix five times, the polynomials are multiplied first: they are
small squares that commute, of one size for many matrices, in float32. A step of a network of few thousand parameters
takes a tenth of torch's time, which counts where a whole training step takes 30 ms.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any

import torch
from torch import Tensor

A, B, C = 3.4445, -4.7750, 2.0315
ITERATIONS = 5
EPSILON = 1e-7
SIDE = 16  # Gram matrices are filled up to a multiple, so that more of them are of one size


class Muon:
    """The optimiser of some matrices.

    Args:
        matrices: (rows, columns) each, changed in place.
        weight_decay: the part of a matrix that one step at a learning rate of 1 would take away.
        momentum: the part of the old mean of gradients that stays in the new one.
        nesterov: whether the newest gradient counts once more.
    """

    def __init__(self, matrices: Iterable[Tensor], *, weight_decay: float, momentum: float, nesterov: bool) -> None:
        self._matrices = list(matrices)
        self._means = [torch.zeros_like(one, dtype=torch.float32) for one in self._matrices]
        self._weight_decay, self._momentum, self._nesterov = weight_decay, momentum, nesterov

    def step(self, rate: float, gradients: Sequence[Tensor | None]) -> None:
        """One step at that learning rate; a matrix without a gradient stays as it is."""
        live = [index for index, gradient in enumerate(gradients) if gradient is not None]
        if not live:
            return
        given = [one.float() for one in gradients if one is not None]
        means, matrices = [self._means[index] for index in live], [self._matrices[index] for index in live]
        torch._foreach_lerp_(means, given, 1 - self._momentum)
        wanted = torch._foreach_lerp(given, means, self._momentum) if self._nesterov else means
        directions = orthogonal(wanted)
        if self._weight_decay:
            torch._foreach_mul_(matrices, 1 - rate * self._weight_decay)
        for matrix, direction in zip(matrices, directions, strict=True):
            rows, columns = matrix.shape
            matrix.add_(direction, alpha=-rate * math.sqrt(max(1, rows / columns)))

    def state_dict(self) -> dict[str, Any]:
        """What it remembers, for ``load_state_dict``."""
        return {"means": self._means}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from ``state_dict``."""
        for mean, restored in zip(self._means, state["means"], strict=True):
            mean.copy_(restored)


def orthogonal(matrices: Sequence[Tensor]) -> list[Tensor]:
    """For each U S V^T about U V^T, of the same shape: its singular values lie between 0.7 and 1.2, about.

    Those of a matrix that are less than a few thousandths of its norm stay below; a matrix of zeros stays one.
    """
    wide = [one if one.shape[0] <= one.shape[1] else one.T for one in matrices]
    norms = torch._foreach_norm(wide)
    unit = torch._foreach_div(wide, torch._foreach_clamp_min(norms, EPSILON))
    sizes: dict[int, list[int]] = defaultdict(list)
    for index, one in enumerate(unit):
        sizes[-(-one.shape[0] // SIDE) * SIDE].append(index)
    made: list[Tensor] = [*unit]
    for size, those in sizes.items():
        gram = unit[0].new_zeros(len(those), size, size)
        for place, index in enumerate(those):
            rows = unit[index].shape[0]
            torch.mm(unit[index], unit[index].T, out=gram[place, :rows, :rows])
        for factor, index in zip(_polynomial(gram), those, strict=True):
            rows = unit[index].shape[0]
            found = factor[:rows, :rows] @ unit[index]
            made[index] = found if wide[index] is matrices[index] else found.T
    return made


def _polynomial(gram: Tensor) -> Tensor:
    """What the iterations multiply matrices by whose Gram matrices these are, (N, side, side)."""
    product: Tensor | None = None
    for iteration in range(ITERATIONS):
        factor = torch.baddbmm(gram, gram, gram, beta=B, alpha=C)
        factor.diagonal(dim1=1, dim2=2).add_(A)
        product = factor if product is None else factor @ product
        if iteration < ITERATIONS - 1:
            gram = factor @ gram @ factor
    assert product is not None
    return product
