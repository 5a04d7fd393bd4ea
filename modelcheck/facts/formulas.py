"""Multiply-adds of the operators for which torch's counter has no formula."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from modelcheck.facts.products import equation
from modelcheck.facts.trace import Shape, Step, argument


def own_formula(step: Step) -> int | None:
    """Multiply-adds of a step for the whole batch; None where there is no formula for it."""
    formula = _FORMULAS.get(step.name) or (_product if step.kind in ("linear", "product") else None)
    return formula(step) if formula else None


def _product(step: Step) -> int | None:
    """One for each combination of positions, where any dimension is summed over; products by element add nothing."""
    written = equation(step)
    if written is None:
        return None
    inside, result = written[0].split("->")
    sizes = {
        letter: size
        for term, shape in zip(inside.split(","), written[1], strict=True)
        for letter, size in zip(term, shape, strict=True)
        if size != 1
    }
    return math.prod(sizes.values()) if set(inside) - {","} - set(result) else 0


def _bilinear(step: Step) -> int:
    """A linear layer over the products of two vectors' elements, by its definition: y = Σ x₁ᵢ x₂ⱼ Wᵢⱼ."""
    rows = math.prod(step.args[0][:-1])
    return rows * math.prod(step.args[2])


def _distances(step: Step) -> int:
    """A difference, a power and a sum for each number of each pair."""
    first, second = step.args[:2]
    return math.prod(step.shape or ()) * first[-1] if len(second) else 0


def _grid(step: Step) -> int:
    """A product of each position, in homogeneous coordinates, with the matrix: N · positions · (d + 1) · d."""
    rank = len(step.args[1]) - 2
    return step.args[1][0] * math.prod(step.args[1][2:]) * (rank + 1) * rank


def _transform(step: Step) -> int:
    """FFTW's nominal count of operations, 5 · n · log₂ n for complex numbers and half of that for real ones, ÷ 2.

    Source: Frigo & Johnson, "The Design and Implementation of FFTW3", Proc. IEEE 93 (2), 2005, p. 228.
    """
    real, inverse = "rfft" in step.name, "irfft" in step.name
    shape = (step.shape or ()) if inverse or not real else _padded(step)
    dims = _transformed(step, len(shape))
    points = math.prod(shape)
    return round(points * sum(math.log2(max(shape[dim], 1)) for dim in dims) * (1.25 if real else 2.5))


def _transformed(step: Step, rank: int) -> list[int]:
    given = argument(step, "dim")
    if given is None:
        sizes = argument(step, "s")
        given = range(rank) if sizes is None else range(-len(sizes), 0)
    return [given] if isinstance(given, int) else list(given)


def _padded(step: Step) -> Shape:
    """The shape of real numbers that a transform takes, cut or filled up as it is told."""
    shape = list(step.args[0])
    sizes = argument(step, "n") if argument(step, "n") is not None else argument(step, "s")
    for dim, size in zip(_transformed(step, len(shape)), _listed(sizes), strict=False):
        shape[dim] = size if size > 0 else shape[dim]
    return tuple(shape)


def _listed(given: int | Sequence[int] | None) -> Sequence[int]:
    return [] if given is None else [given] if isinstance(given, int) else given


def _reflections(step: Step) -> int:
    """Half of LAPACK's count for xORGQR: 4mnk − 2(m + n)k² + 4k³ ÷ 3 operations.

    Source: Blackford & Dongarra, "Installation Guide for LAPACK", LAPACK Working Note 41, 1999, section C.
    """
    (*batch, m, n), k = step.args[0], step.args[1][-1]
    return math.prod(batch) * round(2 * m * n * k - (m + n) * k**2 + 2 * k**3 / 3)


def _solution(step: Step) -> int:
    """An LU decomposition, n³ ÷ 3, and n² for each right-hand side.

    Source: Golub & Van Loan, "Matrix Computations", 4th edition, 2013, sections 3.2 and 3.1.
    """
    *batch, n, _ = step.args[0]
    right = math.prod(step.shape or ()) // max(math.prod(batch) * n, 1)
    return math.prod(batch) * round(n**3 / 3 + n**2 * right)


_FORMULAS: dict[str, Callable[[Step], int]] = {
    "bilinear": _bilinear,
    "cdist": _distances,
    "_cdist_forward": _distances,
    "affine_grid_generator": _grid,
    "linalg_householder_product": _reflections,
    "linalg_solve": _solution,
    **dict.fromkeys(
        ("fft_fft", "fft_ifft", "fft_fft2", "fft_ifft2", "fft_fftn", "fft_ifftn", "fft_rfft", "fft_irfft"), _transform
    ),
    **dict.fromkeys(("fft_rfft2", "fft_irfft2"), _transform),
}
