from __future__ import annotations

import pytest
from torch import nn

from .firing import firing

CODE = "MC407"


def scores(*after: nn.Module, classes: int = 10) -> nn.Sequential:
    return nn.Sequential(nn.Flatten(), nn.Linear(784, classes), *after)


def pooled(*after: nn.Module, head: nn.Module | None = None) -> nn.Sequential:
    """A convolution to ten channels, what follows, and the average; then a head, if there is one."""
    return nn.Sequential(nn.Conv2d(1, 10, 3), *after, nn.AdaptiveAvgPool2d(1), nn.Flatten(), head or nn.LogSoftmax(1))


FIRES: dict[str, nn.Module] = {
    "last": scores(nn.BatchNorm1d(10)),
    "without weights": scores(nn.BatchNorm1d(10, affine=False)),
    "before the softmax": scores(nn.BatchNorm1d(10), nn.LogSoftmax(1)),
    "before an activation": scores(nn.BatchNorm1d(10), nn.ReLU(), nn.LogSoftmax(1)),
    "before the global average": pooled(nn.BatchNorm2d(10)),
    "before all that follows a block's convolution": pooled(nn.BatchNorm2d(10), nn.ReLU(), nn.Dropout(0.1)),
    "features that a softmax takes": scores(nn.BatchNorm1d(128), nn.Softmax(1), classes=128),
}
IS_SILENT: dict[str, nn.Module] = {
    "none": scores(nn.LogSoftmax(1)),
    "before the last layer": nn.Sequential(
        nn.Flatten(), nn.Linear(784, 10), nn.BatchNorm1d(10), nn.ReLU(), nn.Linear(10, 10)
    ),
    "layer norm": scores(nn.LayerNorm(10)),
    "an embedding, as for faces": scores(nn.BatchNorm1d(512), classes=512),
    "one value": scores(nn.BatchNorm1d(1), classes=1),
    "a head after the average": pooled(nn.BatchNorm2d(10), nn.ReLU(), head=nn.Linear(10, 10)),
    "a map": nn.Sequential(nn.Conv2d(1, 10, 3), nn.BatchNorm2d(10)),
}


@pytest.mark.parametrize("model", FIRES.values(), ids=list(FIRES))
def test_it_fires(model: nn.Module) -> None:
    assert len(firing(CODE, model)) == 1


@pytest.mark.parametrize("model", IS_SILENT.values(), ids=list(IS_SILENT))
def test_it_is_silent(model: nn.Module) -> None:
    assert firing(CODE, model) == ()


@pytest.mark.parametrize("classes", [2, 1000])
def test_the_message_names_the_layer_and_its_classes(classes: int) -> None:
    (finding,) = firing(CODE, scores(nn.BatchNorm1d(classes), classes=classes))
    assert finding.message == (
        f"2 normalises the {classes:,} class scores of 1: each gets the same mean and spread in a batch. Leave it out, "
        "or put it before 1"
    )
    assert finding.where == "2"
