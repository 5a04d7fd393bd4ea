from __future__ import annotations

from math import exp

import pytest
from torch import nn

from .firing import firing

CODE = "MC406"
RECTIFYING = [nn.ReLU(), nn.ReLU6(), nn.ELU(), nn.SELU(), nn.CELU(), nn.GELU(), nn.SiLU(), nn.Mish(), nn.Hardswish()]
SQUASHING = {nn.Sigmoid(): 1, nn.Tanh(): 2, nn.Hardsigmoid(): 1, nn.Hardtanh(-2, 2): 4}  # and how wide their range is


def scores(*after: nn.Module, classes: int = 10) -> nn.Sequential:
    return nn.Sequential(nn.Flatten(), nn.Linear(784, classes), *after)


def pooled(*after: nn.Module) -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(1, 10, 3), *after, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.LogSoftmax(1))


IS_SILENT: dict[str, nn.Module] = {
    "none": scores(nn.LogSoftmax(1)),
    "before the last layer": nn.Sequential(nn.Flatten(), nn.Linear(784, 32), nn.ReLU(), nn.Linear(32, 10)),
    "leaky relu": scores(nn.LeakyReLU(), nn.LogSoftmax(1)),
    "prelu": scores(nn.PReLU(), nn.LogSoftmax(1)),
    "rrelu": scores(nn.RReLU(), nn.LogSoftmax(1)),
    "log-sigmoid, one class against the rest": scores(nn.LogSigmoid()),
    "several labels": scores(nn.Sigmoid()),
    "actions between −1 and 1": scores(nn.Tanh(), classes=4),
    "one value": scores(nn.ReLU(), classes=1),
    "features": scores(nn.ReLU(), classes=128),
    "features of a map": nn.Sequential(nn.Conv2d(1, 64, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten()),
    "a head after the average": nn.Sequential(
        nn.Conv2d(1, 10, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(10, 10)
    ),
}


@pytest.mark.parametrize("activation", RECTIFYING, ids=lambda one: type(one).__name__)
def test_what_rectifies(activation: nn.Module) -> None:
    (finding,) = firing(CODE, scores(activation))
    assert finding.message == (
        "2 rectifies the 10 class scores of 1: low ones are cut off and get little or no gradient. Leave it out"
    )
    assert finding.where == "2"


@pytest.mark.parametrize("classes", [2, 10])
@pytest.mark.parametrize("activation", SQUASHING, ids=lambda one: type(one).__name__)
def test_what_squashes_before_a_softmax(activation: nn.Module, classes: int) -> None:
    (finding,) = firing(CODE, scores(activation, nn.LogSoftmax(1), classes=classes))
    ratio = exp(SQUASHING[activation])
    assert f"gives no class more than {100 * ratio / (ratio + classes - 1):.3g} %." in finding.message


@pytest.mark.parametrize("activation", SQUASHING, ids=lambda one: type(one).__name__)
def test_what_squashes_the_policy_s_classes(activation: nn.Module) -> None:
    assert len(firing(CODE, scores(activation), classes=10)) == 1


@pytest.mark.parametrize("model", [pooled(nn.ReLU()), pooled(nn.BatchNorm2d(10), nn.ReLU(), nn.Dropout(0.1))])
def test_before_the_global_average(model: nn.Module) -> None:
    assert len(firing(CODE, model)) == 1


@pytest.mark.parametrize("model", IS_SILENT.values(), ids=list(IS_SILENT))
def test_it_is_silent(model: nn.Module) -> None:
    assert firing(CODE, model) == ()
