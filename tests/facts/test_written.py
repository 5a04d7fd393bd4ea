"""Loops that are written out may hold any number of numbers, and a code in numbers may not."""

from __future__ import annotations

import random

import pytest
import torch
from torch import nn

from modelcheck.facts.written import length
from tests.facts.describe import facts

RANDOM = random.Random(0)
BOOK = [k / 100 for k in range(-100, 100)]


class Steps(nn.Module):
    """A recurrent network that is written out for each pixel."""

    def __init__(self) -> None:
        super().__init__()
        self.cell, self.head = nn.Linear(8 + 1, 8), nn.Linear(8, 10)

    def forward(self, x):
        x = x.flatten(1)
        state = x.new_zeros(x.shape[0], 8)
        for step in range(200):
            state = self.cell(torch.cat([x[:, step : step + 1], state], 1)).tanh()
        return self.head(state)


class Integrated(nn.Module):
    """Steps along a time, which is written into each."""

    def __init__(self) -> None:
        super().__init__()
        self.body, self.flow, self.head = nn.Linear(784, 8), nn.Linear(8, 8), nn.Linear(8, 10)

    def forward(self, x):
        x = self.body(x.flatten(1))
        for step in range(100):
            x = x + 0.01 * (self.flow(x) * (step / 100) + 0.5).tanh()
        return self.head(x)


class Windows(nn.Module):
    """A layer for all windows of a picture, each cut out by itself."""

    def __init__(self) -> None:
        super().__init__()
        self.body, self.head = nn.Linear(16, 8), nn.Linear(8, 10)

    def forward(self, x):
        corners = [(row, column) for row in range(0, 25, 4) for column in range(0, 25, 4)]
        seen = [self.body(x[:, 0, row : row + 4, column : column + 4].flatten(1)) for row, column in corners]
        return self.head(torch.stack(seen).amax(0))


@pytest.mark.parametrize("kind", [Steps, Integrated, Windows])
def test_loops_that_are_written_out_hide_nothing(kind: type[nn.Module]) -> None:
    assert facts(kind()).parameters.hidden == 0


class Coded(nn.Module):
    """Weights that are made of nothing of the picture and of numbers."""

    def __init__(self, make) -> None:
        super().__init__()
        self.head = nn.Linear(28, 10)
        self.make = make

    def forward(self, x):
        nothing = torch.ones_like(x[:1, 0, 0, :1])
        weights = torch.cat([self.make(nothing) for _ in range(800)], 1).view(10, 80)
        return self.head(x.mean((1, 2))) @ weights @ weights.t()


@pytest.mark.parametrize(
    "make",
    [
        lambda one: one * RANDOM.random(),
        lambda one: one + RANDOM.choice(BOOK),
        lambda one: one * RANDOM.getrandbits(16),
        lambda one: (one + torch.arange(1000.0))[:, (start := RANDOM.randrange(1000)) : start + 1],
    ],
    ids=["numbers", "a code book", "integers", "places on a ramp"],
)
def test_codes_are_counted(make) -> None:
    RANDOM.seed(0)
    assert facts(Coded(make)).parameters.hidden > 100


class Joined(nn.Module):
    """As many sums as a matrix has bits, each of two earlier results; ``choose`` says of which."""

    def __init__(self, choose) -> None:
        super().__init__()
        self.head, self.choose = nn.Linear(28, 10), choose

    def forward(self, x):
        made = list(self.head(x.mean((1, 2))).tanh().split(1, 1))
        for step in range(1000):
            made.append(made[self.choose(step)] - made[-1])
        return torch.cat(made[-10:], 1)


def test_what_is_joined_by_choice_is_counted_and_by_rule_is_not() -> None:
    RANDOM.seed(0)
    assert facts(Joined(lambda step: RANDOM.randrange(step + 10))).parameters.hidden > 500
    assert facts(Joined(lambda step: step)).parameters.hidden == 0


@pytest.mark.parametrize(
    ("number", "numbers"),
    [(0, 1), (65535, 1), (-0.1307, 1), (1e-05, 1), (float("inf"), 1), (0.17677669529663687, 4), (2**62, 4)],
)
def test_a_number_of_many_digits_is_several(number: float, numbers: int) -> None:
    assert length(str(number)) == numbers
