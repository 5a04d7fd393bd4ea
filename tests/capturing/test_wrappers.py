from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import nn

from modelcheck.capturing.wrappers import unwrapped


class Compiled(nn.Module):
    """Has what a compiled model has, and is none."""

    def __init__(self) -> None:
        super().__init__()
        self._orig_mod = self.module = nn.Linear(8, 4)


@pytest.mark.parametrize(
    "wrap",
    [torch.compile, nn.DataParallel, lambda model: torch.compile(nn.DataParallel(torch.compile(model)))],
    ids=["compiled", "data-parallel", "both"],
)
def test_the_model_inside(wrap: Callable[[nn.Module], nn.Module]) -> None:
    model = nn.Linear(8, 4)
    assert unwrapped(wrap(model)) is model


@pytest.mark.parametrize("model", [nn.Linear(8, 4), Compiled()], ids=lambda model: type(model).__name__)
def test_other_modules_are_what_they_are(model: nn.Module) -> None:
    assert unwrapped(model) is model
