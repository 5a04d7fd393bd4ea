from __future__ import annotations

import pytest
import torch.nn.functional as F
from torch import Tensor, nn

from .firing import firing

CODE = "MC410"
Case = tuple[nn.Module, tuple[int, ...]]


def ended(*layers: nn.Module) -> nn.Sequential:
    """The layers, each by its number, and what makes ten scores of whatever they give."""
    return nn.Sequential(*layers, nn.Flatten(), nn.LazyLinear(10))


class Again(nn.Module):
    """One convolution, called three times on ever smaller maps."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(1, 1, 3, 2, 1)

    def forward(self, x: Tensor) -> Tensor:
        for _ in range(3):
            x = self.conv(x)
        return x.flatten(1)


class Functional(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        x = F.max_pool2d(x, 2)
        return F.max_pool2d(x, 3, 1, 1).flatten(1)


FIRES: dict[str, Case] = {
    "3×3 on one pixel": (ended(nn.Conv2d(1, 4, 3, padding=1)), (1, 1, 1)),
    "3×3 on 2×2": (ended(nn.Conv2d(1, 4, 3, padding=1)), (1, 2, 2)),
    "same": (ended(nn.Conv2d(1, 4, 3, padding="same")), (1, 1, 1)),
    "strided": (ended(nn.Conv2d(1, 4, 3, 2, 1)), (1, 2, 2)),
    "depthwise": (ended(nn.Conv2d(4, 4, 5, padding=2, groups=4)), (4, 2, 2)),
    "dilated beyond the map": (ended(nn.Conv2d(1, 4, 3, padding=6, dilation=6)), (1, 7, 7)),
    "a flat map": (ended(nn.Conv2d(1, 4, (5, 1), padding=(2, 0))), (1, 2, 9)),
    "a sequence": (ended(nn.Conv1d(1, 4, 3, padding=1)), (1, 1)),
    "a video of one picture": (ended(nn.Conv3d(1, 4, (3, 1, 1), padding=(1, 0, 0))), (1, 1, 4, 4)),
    "max-pool": (ended(nn.MaxPool2d(3, 2, 1)), (1, 2, 2)),
    "average, a little larger": (ended(nn.AvgPool2d(8, ceil_mode=True)), (1, 7, 7)),
}
IS_SILENT: dict[str, Case] = {
    "3×3 on 3×3": (ended(nn.Conv2d(1, 4, 3, padding=1)), (1, 3, 3)),
    "larger, but mostly on the map": (ended(nn.Conv2d(1, 4, 5, padding=2)), (1, 4, 4)),
    "larger in one direction": (ended(nn.Conv2d(1, 4, 3, padding=1)), (1, 2, 9)),
    "half of it": (ended(nn.Conv1d(1, 4, 2, padding=16, dilation=16)), (1, 16)),
    "as large as the map": (ended(nn.Conv2d(1, 4, 7)), (1, 7, 7)),
    "1×1 on one pixel": (ended(nn.Conv2d(1, 4, 1)), (1, 1, 1)),
    "pool as large as the map": (ended(nn.MaxPool2d(2)), (1, 2, 2)),
    "pool that fits with its padding": (ended(nn.MaxPool2d(3, 2, 1)), (1, 3, 3)),
    "adaptive": (ended(nn.AdaptiveAvgPool2d(7)), (1, 1, 1)),
    "transposed": (ended(nn.ConvTranspose2d(1, 4, 4)), (1, 1, 1)),
    "padding of its own": (ended(nn.ZeroPad2d(1), nn.Conv2d(1, 4, 3)), (1, 1, 1)),
    "no window": (ended(nn.Flatten(), nn.Linear(1, 4)), (1, 1, 1)),
}


@pytest.mark.parametrize(("model", "shape"), FIRES.values(), ids=list(FIRES))
def test_it_fires(model: nn.Module, shape: tuple[int, ...]) -> None:
    (finding,) = firing(CODE, model, shape)
    assert finding.where == "0"


@pytest.mark.parametrize(("model", "shape"), IS_SILENT.values(), ids=list(IS_SILENT))
def test_it_is_silent(model: nn.Module, shape: tuple[int, ...]) -> None:
    assert firing(CODE, model, shape) == ()


@pytest.mark.parametrize("side", [1, 2])
def test_the_message_says_how_much_is_padding(side: int) -> None:
    (finding,) = firing(CODE, ended(nn.Conv2d(1, 4, 3, padding=1)), (1, side, side))
    assert finding.message == (
        f"0 has a window of 3×3 on a map of {side}×{side}: {9 - side**2} or more of the 9 pixels that it reads are "
        f"padding. Keep the map larger by fewer strides and pools before it, or use a smaller window"
    )


def test_dilation_is_told() -> None:
    (finding,) = firing(CODE, ended(nn.Conv2d(1, 4, 3, padding=12, dilation=12)), (1, 7, 7))
    assert "0 has a window of 3×3 with dilation 12×12 on a map of 7×7: 8 or more of the 9 pixels" in finding.message


@pytest.mark.parametrize(("side", "count"), [(12, 0), (8, 1), (4, 1)])
def test_a_layer_that_is_called_again_is_told_once(side: int, count: int) -> None:
    assert len(firing(CODE, Again(), (1, side, side))) == count


def test_a_function_has_its_line() -> None:
    (finding,) = firing(CODE, Functional(), (1, 4, 4))
    assert finding.message.startswith("max_pool2d has a window of 3×3 on a map of 2×2: 5 or more of the 9 pixels")
    assert finding.line == Functional.forward.__code__.co_firstlineno + 2
