from __future__ import annotations

import pytest
import torch.nn.functional as F
from torch import Tensor, nn

from .firing import firing
from .making import decide, facts

CODE = "MC411"


def pooled(*layers: nn.Module) -> nn.Sequential:
    """The layers, an average over all of the map that they give, and ten scores."""
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.LazyLinear(10))


class Pooling(nn.Module):
    """A short field, and the map put away as asked."""

    def __init__(self, how: str) -> None:
        super().__init__()
        self.conv, self.fc, self.how = nn.Conv2d(1, 8, 3), nn.LazyLinear(10), how
        self.beside = nn.Linear(8 * 26 * 26, 8)
        self.lstm = nn.LSTM(8 * 26, 8, batch_first=True)
        self.attention = nn.MultiheadAttention(8, 1, batch_first=True)

    def forward(self, x: Tensor) -> Tensor:
        return self.fc(getattr(self, self.how)(self.conv(x).relu()))

    def mean(self, x: Tensor) -> Tensor:
        return x.flatten(2).mean(2)

    def window(self, x: Tensor) -> Tensor:
        return F.avg_pool2d(x, 26).flatten(1)

    def smaller_window(self, x: Tensor) -> Tensor:
        return F.avg_pool2d(x, 20).flatten(1)

    def maximum(self, x: Tensor) -> Tensor:
        return F.adaptive_max_pool2d(x, 1).flatten(1)

    def flat(self, x: Tensor) -> Tensor:
        return x.flatten(1)

    def flat_later(self, x: Tensor) -> Tensor:
        return F.dropout(F.max_pool2d(x, 2).view(-1, 8 * 13 * 13).relu(), 0.1)

    def both(self, x: Tensor) -> Tensor:
        return x.mean((2, 3)) + self.beside(x.flatten(1))

    def recurrent(self, x: Tensor) -> Tensor:
        return self.lstm(x.permute(0, 2, 1, 3).flatten(2))[0][:, -1]

    def attended(self, x: Tensor) -> Tensor:
        tokens = x.flatten(2).transpose(1, 2)
        return self.attention(tokens, tokens, tokens)[0].mean(1)

    def gated(self, x: Tensor) -> Tensor:
        return (x * x.mean((2, 3), keepdim=True).sigmoid()).mean((2, 3))


# the field of one convolution is its kernel
@pytest.mark.parametrize("side", [28, 29, 32])
@pytest.mark.parametrize("below", [0, 1])
def test_three_quarters_of_the_side_are_enough(side: int, below: int) -> None:
    kernel = -(-3 * side // 4) - below
    assert len(firing(CODE, pooled(nn.Conv2d(1, 4, kernel)), (1, side, side))) == below


@pytest.mark.parametrize(("kernel", "told"), [((21, 30), 0), ((20, 30), 1), ((21, 29), 1), ((28, 5), 1)])
def test_both_sides_count(kernel: tuple[int, int], told: int) -> None:
    found = firing(CODE, pooled(nn.Conv2d(1, 4, kernel)), (1, 28, 40))
    assert len(found) == told


@pytest.mark.parametrize("how", ["mean", "window", "smaller_window", "maximum"])
def test_it_fires_however_the_map_is_pooled_away(how: str) -> None:
    assert len(firing(CODE, Pooling(how))) == 1


@pytest.mark.parametrize("how", ["flat", "flat_later", "both", "recurrent", "attended", "gated"])
def test_it_is_silent_where_something_sees_all_of_the_map(how: str) -> None:
    assert firing(CODE, Pooling(how)) == ()


@pytest.mark.parametrize(
    ("model", "shape"),
    [
        (nn.Sequential(nn.Flatten(), nn.Linear(784, 10)), (1, 28, 28)),
        (nn.Conv2d(1, 10, 3), (1, 28, 28)),
        (nn.Sequential(nn.Conv1d(1, 4, 3), nn.AdaptiveAvgPool1d(1), nn.Flatten(), nn.Linear(4, 10)), (1, 28)),
        (pooled(nn.Conv2d(1, 4, 3, dilation=10)), (1, 28, 28)),
        (pooled(nn.Conv2d(1, 4, 4, 4), nn.ReLU(), nn.Conv2d(4, 4, 6)), (1, 28, 28)),
    ],
    ids=["no map", "a map as output", "a sequence", "dilation", "stride"],
)
def test_it_is_silent(model: nn.Module, shape: tuple[int, ...]) -> None:
    assert firing(CODE, model, shape) == ()


def test_the_message() -> None:
    (finding,) = firing(CODE, pooled(nn.Conv2d(1, 4, 3), nn.ReLU(), nn.Conv2d(4, 4, 5), nn.Conv2d(4, 4, 1)))
    field = 3 + 5 - 1
    assert finding.message == (
        f"a unit of the last map sees {field}×{field} of 28×28 pixels: {100 * field // 28} % of the side, less than "
        f"three quarters. Pool or stride earlier, add convolutions, or dilate them"
    )
    assert finding.where == "2"


def test_nothing_is_known_without_a_graph() -> None:
    outcome, _ = decide(CODE, "advice", facts())
    assert (outcome.outcome, outcome.cause) == ("not run", "no graph was captured")
