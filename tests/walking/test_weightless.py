"""Large models that are built without their weights, and cannot be captured."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

import modelcheck
from modelcheck.capturing import weightless

SIDE = 300  # with more numbers in a weight than are made for real below


class NotAllowed(nn.Module):
    """Runs an operator that no capture may hold, and needs no number."""

    def __init__(self) -> None:
        super().__init__()
        self.fc = nn.Linear(SIDE, SIDE)
        Built.append(self.fc.weight.is_meta)

    def forward(self, x: Tensor) -> Tensor:
        return torch.special.bessel_j0(self.fc(x))


class NeedsNumbers(NotAllowed):
    def forward(self, x: Tensor) -> Tensor:
        x = self.fc(x)
        return -x if x.sum() > 0 else x


Built: list[bool] = []


@pytest.fixture(autouse=True)
def _few_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(weightless, "REAL_BYTES", 1024)
    Built.clear()


@pytest.mark.parametrize(("kind", "built"), [(NotAllowed, [True]), (NeedsNumbers, [True, False])])
def test_the_numbers_are_made_where_forward_needs_them(kind: type[nn.Module], built: list[bool]) -> None:
    report = modelcheck.inspect(kind, input=(SIDE,))
    assert Built == built
    assert (report.facts.capture, report.findings[0].code) == ("walked", "MC004")
    assert report.facts.parameters.total == SIDE * SIDE + SIDE
    assert report.facts.macs == SIDE * SIDE
    assert (report.facts.output_shape, report.layers[0].macs) == ((SIDE,), SIDE * SIDE)
