from __future__ import annotations

import msgspec
import pytest
import torch
from torch import Tensor, nn

from modelcheck.errors import UsageError
from tests.facts.describe import facts as measured

from .making import PLAIN, decide, facts, layer


def sized(size: int, hidden: int = 0) -> object:
    return facts(parameters=msgspec.structs.replace(PLAIN.parameters, bytes=size, hidden=hidden))


@pytest.mark.parametrize(
    ("size", "setting", "outcome"),
    [
        (1_024, {"max": 1_024}, "pass"),
        (1_025, {"max": 1_024}, "fail"),
        (1_023, {"min": 1_024}, "fail"),
        (1_024, {"min": 1_024, "max": 1_024}, "pass"),
        (0, {"max": 0}, "pass"),
    ],
)
def test_the_bounds_are_inclusive(size: int, setting: dict[str, int], outcome: str) -> None:
    assert decide("MC105", setting, sized(size))[0].outcome == outcome  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("size", "shown"),
    [
        (1_023, "1,023 bytes of weights, at most 10 allowed"),
        (1_024, "1,024 bytes of weights (1 KiB), at most 10 allowed"),
        (74_368, "74,368 bytes of weights (72.62 KiB), at most 10 allowed"),
        (3 * 2**20, "3,145,728 bytes of weights (3 MiB), at most 10 allowed"),
        (2**31, "2,147,483,648 bytes of weights (2 GiB), at most 10 allowed"),
    ],
)
def test_people_read_other_units(size: int, shown: str) -> None:
    assert decide("MC105", {"max": 10}, sized(size))[0].evidence == shown  # type: ignore[arg-type]


def test_the_largest_layers_and_hidden_weights_are_named() -> None:
    rows = (layer("a", 10), layer("b", 30), layer("c", 0))
    _, (finding,) = decide("MC105", {"max": 10}, sized(160, hidden=5), layers=rows)  # type: ignore[arg-type]
    assert finding.message.endswith("Most parameters: b 30, a 10, hidden weights 5")


class Stored(nn.Module):
    """A matrix of 16 × 16 in some type, as a parameter or hidden in a constant; and a batch norm without weights."""

    def __init__(self, dtype: torch.dtype, *, hidden: bool) -> None:
        super().__init__()
        values = torch.arange(256).reshape(16, 16).flip(0).mul(7).remainder(11).to(dtype)
        self.matrix = [values] if hidden else nn.ParameterList([nn.Parameter(values, requires_grad=False)])
        self.bn = nn.BatchNorm1d(16, affine=False)

    def forward(self, x: Tensor) -> Tensor:
        return self.bn(x.flatten(1) @ self.matrix[0].to(torch.float32))


@pytest.mark.parametrize("hidden", [False, True])
@pytest.mark.parametrize(
    ("dtype", "size"), [(torch.float32, 4), (torch.float64, 8), (torch.bfloat16, 2), (torch.int8, 1)]
)
def test_bytes_are_those_of_the_type(dtype: torch.dtype, size: int, hidden: bool) -> None:
    found = measured(Stored(dtype, hidden=hidden), (1, 4, 4))
    assert decide("MC105", {"min": 256 * size, "max": 256 * size}, found)[0].outcome == "pass"


@pytest.mark.parametrize("setting", ["error", {"max": 1.5}, {"min": 2, "max": 1}, {"max-mib": 3}])
def test_senseless_options_are_refused(setting: object) -> None:
    with pytest.raises(UsageError, match="size-budget"):
        decide("MC105", setting)
