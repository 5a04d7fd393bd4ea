from __future__ import annotations

from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from tests.facts.describe import facts

WIDTH = 4
SQUARE = WIDTH * WIDTH


class Net(nn.Module):
    def __init__(self, how: str) -> None:
        super().__init__()
        self.how = how
        self.a, self.b = nn.Linear(WIDTH, WIDTH), nn.Linear(WIDTH, WIDTH)
        self.bn, self.ln, self.act = nn.BatchNorm1d(WIDTH), nn.LayerNorm(WIDTH), nn.PReLU(WIDTH)
        self.cell, self.scale = nn.GRUCell(WIDTH, WIDTH), nn.Parameter(torch.ones(WIDTH, 1))
        if how == "tied":
            self.b.weight = self.a.weight
        if how == "registered twice":
            self.b = self.a
        if how == "tied and called once":
            self.c = nn.Linear(WIDTH, WIDTH)
            self.c.weight = self.a.weight

    def forward(self, x: Tensor) -> Tensor:
        x = x.flatten(1)[:, :WIDTH]
        match self.how:
            case "twice":
                return self.b(self.a(self.a(x)))
            case "branches":
                return self.b(self.a(x) + self.a(x.exp()))
            case "transposed":
                return F.linear(self.a(x), self.a.weight.t(), self.b.bias)
            case "sliced":
                return F.linear(x, self.a.weight[:2]) @ self.a.weight[2:, :2].t()
            case "computed":
                return F.linear(F.linear(x, self.a.weight * self.scale), self.b.weight * self.scale)
            case "normalised":
                return self.ln(self.bn(self.ln(self.bn(self.a(x)))))
            case "activated":
                return self.act(self.b(self.act(self.a(x))))
            case "recurrent":
                return self.cell(x, self.cell(x))
            case "dropped":
                self.a(x)
                return self.b(self.a(x))
            case "training only":
                x = self.a(x) if self.training else x
                return self.b(self.a(x))
        return self.b(self.a(x))


def shared(how: str) -> dict[tuple[str, ...], tuple[int, tuple[str, ...]]]:
    found = facts(Net(how), (1, WIDTH, WIDTH)).shared_weights
    return {one.paths: (one.parameters, one.layers) for one in found}


@pytest.mark.parametrize(
    ("how", "expected"),
    [
        ("plain", {}),
        ("twice", {("a.weight",): (SQUARE, ("a", "a")), ("a.bias",): (WIDTH, ("a", "a"))}),
        ("branches", {("a.weight",): (SQUARE, ("a", "a")), ("a.bias",): (WIDTH, ("a", "a"))}),
        ("tied", {("a.weight", "b.weight"): (SQUARE, ("a", "b"))}),
        ("tied and called once", {}),
        (
            "registered twice",
            {("a.weight", "b.weight"): (SQUARE, ("a", "a")), ("a.bias", "b.bias"): (WIDTH, ("a", "a"))},
        ),
        ("transposed", {("a.weight",): (SQUARE, ("a", ""))}),
        ("sliced", {}),
        ("computed", {}),
        ("normalised", {}),
        ("activated", {}),
        ("recurrent", {}),
        ("dropped", {}),
        ("training only", {("a.weight",): (SQUARE, ("a", "a")), ("a.bias",): (WIDTH, ("a", "a"))}),
    ],
)
def test_weights_of_several_layers(how: str, expected: dict[tuple[str, ...], tuple[int, tuple[str, ...]]]) -> None:
    assert shared(how) == expected


def test_tied_embeddings_and_the_second_line() -> None:
    class Language(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.embedding, self.decoder = nn.Embedding(7, WIDTH), nn.Linear(WIDTH, 7, bias=False)
            self.decoder.weight = self.embedding.weight

        def forward(self, x: Tensor) -> Tensor:
            first = self.embedding((x.flatten(1)[:, :2] > 0).long()).mean(1)
            return self.decoder(first)

    (one,) = facts(Language(), (1, 2, 2)).shared_weights
    assert (one.paths, one.parameters) == (("embedding.weight", "decoder.weight"), 7 * WIDTH)
    assert one.layers == ("embedding", "decoder")
    assert one.line is not None
    assert "self.decoder(first)" in Path(__file__).read_text(encoding="utf-8").splitlines()[one.line - 1]


def test_complex_weights_count_twice() -> None:
    class Complex(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.weight = nn.Parameter(torch.ones(WIDTH, WIDTH, dtype=torch.complex64))

        def forward(self, x: Tensor) -> Tensor:
            x = x.flatten(1)[:, :WIDTH].to(torch.complex64)
            return torch.view_as_real(x @ self.weight @ self.weight).flatten(1)

    (one,) = facts(Complex(), (1, WIDTH, WIDTH)).shared_weights
    assert one.parameters == 2 * SQUARE
