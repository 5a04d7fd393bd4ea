from __future__ import annotations

import pytest
import torch
from torch import Tensor

from modelcheck.training.muon import EPSILON, ITERATIONS, A, B, C, Muon, orthogonal


def iterated(matrix: Tensor) -> Tensor:
    """The definition, in float64: each iteration multiplies the matrix itself."""
    wide = (matrix if matrix.shape[0] <= matrix.shape[1] else matrix.T).double()
    wide = wide / wide.norm().clamp(min=EPSILON)
    for _ in range(ITERATIONS):
        gram = wide @ wide.T
        wide = A * wide + (B * gram + C * gram @ gram) @ wide
    return wide if matrix.shape[0] <= matrix.shape[1] else wide.T


SHAPES = [(32, 9), (32, 288), (10, 32), (16, 90), (16, 144), (2, 3), (100, 7), (50, 50)]


def test_all_matrices_at_once_get_what_the_definition_gives_each() -> None:
    torch.manual_seed(0)
    matrices = [torch.randn(shape) for shape in SHAPES]
    for matrix, found in zip(matrices, orthogonal(matrices), strict=True):
        torch.testing.assert_close(found.double(), iterated(matrix), atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("scale", [1e-6, 1.0, 1e12])
def test_singular_values_are_near_one_whatever_the_gradients_size(scale: float) -> None:
    torch.manual_seed(1)
    (found,) = orthogonal([torch.randn(24, 60) * scale])
    values = torch.linalg.svdvals(found)
    assert 0.6 < float(values.min()) <= float(values.max()) < 1.25


def test_a_matrix_of_rank_one_moves_along_itself() -> None:
    left, right = torch.randn(12, 1), torch.randn(1, 30)
    (found,) = orthogonal([left @ right])
    expected = (left / left.norm()) @ (right / right.norm())
    cosine = (found * expected).sum() / found.norm()
    assert cosine > 0.9999
    assert 0.6 < found.norm() < 1.25


def test_without_a_gradient_nothing_moves_and_zeros_move_nothing() -> None:
    matrices = [torch.ones(4, 3), torch.ones(3, 4), torch.ones(2, 2)]
    muon = Muon(matrices, weight_decay=0.5, momentum=0.9, nesterov=True)
    muon.step(0.1, [None, torch.zeros(3, 4), torch.eye(2)])
    assert torch.equal(matrices[0], torch.ones(4, 3))
    assert torch.allclose(matrices[1], torch.full((3, 4), 0.95))  # weight decay alone
    assert not torch.allclose(matrices[2], torch.full((2, 2), 0.95))


def test_steps_agree_with_torchs_own() -> None:
    torch.manual_seed(2)
    ours = [torch.randn(shape) for shape in SHAPES]
    theirs = [torch.nn.Parameter(one.clone()) for one in ours]
    muon = Muon(ours, weight_decay=0.01, momentum=0.95, nesterov=True)
    reference = torch.optim.Muon(theirs, lr=0.02, weight_decay=0.01, momentum=0.95, nesterov=True)
    for _ in range(3):
        gradients = [torch.randn_like(one) for one in ours]
        muon.step(0.02, gradients)
        for one, gradient in zip(theirs, gradients, strict=True):
            one.grad = gradient.clone()
        reference.step()
    for mine, other in zip(ours, theirs, strict=True):
        torch.testing.assert_close(mine, other.detach(), atol=3e-3, rtol=0)  # torch iterates in bfloat16
