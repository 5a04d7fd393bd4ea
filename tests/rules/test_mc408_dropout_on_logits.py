from __future__ import annotations

import pytest
import torch.nn.functional as F
from torch import Tensor, nn

from .firing import firing

CODE = "MC408"


def scores(*after: nn.Module, classes: int = 10) -> nn.Sequential:
    return nn.Sequential(nn.Flatten(), nn.Linear(784, classes), *after)


class Function(nn.Module):
    def __init__(self, rate: float, training: bool | None = None):
        super().__init__()
        self.fc, self.rate, self.on = nn.Linear(784, 10), rate, training

    def forward(self, x: Tensor) -> Tensor:
        x = F.dropout(self.fc(x.flatten(1)), self.rate, self.training if self.on is None else self.on)
        return F.log_softmax(x, 1)


FIRES: dict[str, nn.Module] = {
    "last": scores(nn.Dropout(0.1)),
    "before the softmax": scores(nn.Dropout(0.1), nn.LogSoftmax(1)),
    "after an activation": scores(nn.ReLU(), nn.Dropout(0.1), nn.LogSoftmax(1)),
    "before the global average": nn.Sequential(
        nn.Conv2d(1, 10, 3), nn.Dropout2d(0.1), nn.AdaptiveAvgPool2d(1), nn.Flatten()
    ),
    "after the global average": nn.Sequential(
        nn.Conv2d(1, 10, 3), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Dropout(0.1), nn.LogSoftmax(1)
    ),
    "function": Function(0.1),
    "everything": scores(nn.Dropout(1.0)),
}
IS_SILENT: dict[str, nn.Module] = {
    "none": scores(nn.LogSoftmax(1)),
    "before the last layer": nn.Sequential(nn.Flatten(), nn.Linear(784, 10), nn.Dropout(0.1), nn.Linear(10, 10)),
    "before the last convolution": nn.Sequential(
        nn.Conv2d(1, 10, 3), nn.Dropout(0.1), nn.Conv2d(10, 10, 1), nn.AdaptiveAvgPool2d(1), nn.Flatten()
    ),
    "nothing is dropped": scores(nn.Dropout(0.0)),
    "switched off": Function(0.1, training=False),
    "features": scores(nn.Dropout(0.1), classes=256),
    "probabilities": scores(nn.Softmax(1), nn.Dropout(0.1)),
    "one value": scores(nn.Dropout(0.1), classes=1),
}


@pytest.mark.parametrize("model", FIRES.values(), ids=list(FIRES))
def test_it_fires(model: nn.Module) -> None:
    assert len(firing(CODE, model)) == 1


@pytest.mark.parametrize("model", IS_SILENT.values(), ids=list(IS_SILENT))
def test_it_is_silent(model: nn.Module) -> None:
    assert firing(CODE, model) == ()


def test_the_message_names_the_layer_and_the_rate() -> None:
    (finding,) = firing(CODE, scores(nn.Dropout(0.25)))
    assert finding.message == (
        "2 drops some of the 10 class scores of 1 in training (p = 0.25), the right one too. Put it before 1"
    )
    assert finding.where == "2"
