"""Multiply-adds against closed forms; the zoo has those of whole models."""

from __future__ import annotations

import math
from collections.abc import Callable

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from tests.facts.describe import facts

TOKENS, WIDTH = 5, 6  # of each sample


def model(function: Callable[..., Tensor], *shapes: tuple[int, ...]) -> nn.Module:
    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.weights = nn.ParameterList(torch.randn(shape) for shape in shapes)

        def forward(self, x: Tensor) -> Tensor:
            return function(x, *self.weights)

    return Net()


def rows(value: Tensor) -> Tensor:
    return value.flatten(1)


PRODUCTS = {
    "matmul": (lambda x, w: x @ w, [(WIDTH, 4)], TOKENS * WIDTH * 4),
    "matmul with a vector": (lambda x, w: x @ w, [(WIDTH,)], TOKENS * WIDTH),
    "a vector with matmul": (lambda x, w: w @ x, [(TOKENS,)], TOKENS * WIDTH),
    "matmul of batches": (lambda x, w: rows(x[:, None] @ w), [(3, WIDTH, 4)], 3 * TOKENS * WIDTH * 4),
    "mv": (lambda x, w: torch.mv(x.flatten(0, 1), w).view(-1, TOKENS), [(WIDTH,)], TOKENS * WIDTH),
    "addmv": (lambda x, w: x[:, :, 0] * torch.addmv(w[0], w, w[1]).sum(), [(4, 4)], 16),
    "addmm": (lambda x, w, b: torch.addmm(b, x[:, 0], w), [(WIDTH, 4), (4,)], WIDTH * 4),
    "bmm": (lambda x: rows(torch.bmm(x, x.transpose(1, 2))), [], TOKENS * WIDTH * TOKENS),
    "baddbmm": (lambda x: rows(torch.baddbmm(x[:, :, :1], x, x.transpose(1, 2))), [], TOKENS * WIDTH * TOKENS),
    "inner": (lambda x, w: torch.inner(x, w), [(4, WIDTH)], TOKENS * WIDTH * 4),
    "tensordot": (lambda x, w: torch.tensordot(x, w, dims=([1, 2], [1, 0])), [(WIDTH, TOKENS, 4)], TOKENS * WIDTH * 4),
    "linear with a vector": (lambda x, w: F.linear(x, w), [(WIDTH,)], TOKENS * WIDTH),
    "bilinear": (lambda x, w: F.bilinear(x, x, w), [(3, WIDTH, WIDTH)], TOKENS * 3 * WIDTH * WIDTH),
    "einsum": (lambda x, w: torch.einsum("...i,ij", x, w), [(WIDTH, 4)], TOKENS * WIDTH * 4),
    "einsum to a number": (lambda x, w: torch.einsum("nti,ti->n", x, w)[:, None], [(TOKENS, WIDTH)], TOKENS * WIDTH),
    "einsum by element": (lambda x, w: torch.einsum("nti,i->nti", x, w), [(WIDTH,)], 0),
    "an outer product": (lambda x, w: rows(x[:, 0, :, None] * w), [(4,)], 0),
    "cdist": (lambda x, w: torch.cdist(x, w.expand(x.shape[0], 3, WIDTH)), [(3, WIDTH)], TOKENS * 3 * WIDTH),
    "cosine similarity": (lambda x, w: F.cosine_similarity(x, w, dim=2), [(WIDTH,)], 0),
    "conv1d": (lambda x, w: F.conv1d(x, w, padding=1), [(4, TOKENS, 3)], 4 * TOKENS * 3 * WIDTH),
    "a transform": (lambda x: torch.fft.fft(x.cfloat()).abs(), [], round(2.5 * TOKENS * WIDTH * math.log2(WIDTH))),
    "a transform of more": (
        lambda x: torch.fft.rfft(x, n=16).abs(), [], round(1.25 * TOKENS * 16 * math.log2(16))
    ),
    "a transform in two dimensions": (
        lambda x: torch.fft.irfft2(torch.fft.rfft2(x), s=(4, 8)),
        [],
        round(1.25 * TOKENS * WIDTH * math.log2(TOKENS * WIDTH)) + round(1.25 * 32 * math.log2(32)),
    ),
    "a solution": (
        lambda x, w: torch.linalg.solve(w @ w.T + torch.eye(WIDTH), x.transpose(1, 2)),
        [(WIDTH, WIDTH)],
        WIDTH**3 + round(WIDTH**3 / 3 + WIDTH**2 * TOKENS),
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", PRODUCTS)
def test_a_product_counts_its_multiply_adds(name: str) -> None:
    function, shapes, macs = PRODUCTS[name]
    found = facts(model(function, *shapes), (TOKENS, WIDTH))
    assert (found.macs, found.uncounted_operators) == (macs, ())


@pytest.mark.parametrize(
    ("function", "shape", "operator"),
    [
        (
            lambda x: F.grid_sample(x[:, None], x[..., None].repeat(1, 1, 1, 2))[:, 0],
            (6, 6),
            "aten.grid_sampler.default",
        ),
        (lambda x: torch.matrix_exp(x), (6, 6), "aten.matrix_exp.default"),
    ],
)
@pytest.mark.filterwarnings("ignore:Default grid_sample")
def test_what_has_no_formula_is_named(function, shape: tuple[int, ...], operator: str) -> None:
    assert facts(model(function), shape).uncounted_operators == (operator,)
    thrown_away = facts(model(lambda x: (function(x), x)[1]), shape)
    assert thrown_away.uncounted_operators == ()


def test_what_is_computed_from_weights_alone_is_computed_once() -> None:
    # one sample is refused, so that two are counted
    found = facts(
        model(lambda x, w: (x @ (w @ w)).view(-1, 2, TOKENS, WIDTH).flatten(0, 1), (WIDTH, WIDTH)), (TOKENS, WIDTH)
    )
    assert found.accepted_batches == (2, 64)
    assert found.macs == WIDTH**3 + TOKENS * WIDTH * WIDTH
