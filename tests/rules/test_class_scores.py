from __future__ import annotations

import pytest
import torch.nn.functional as F
from torch import Tensor, nn

from modelcheck.capturing.capture import capture_model
from modelcheck.facts.compute import compute_facts
from modelcheck.rules.base import Subject
from modelcheck.rules.class_scores import ClassScores, class_scores


def scores_of(model: nn.Module, classes: int | None = None) -> ClassScores | None:
    found = compute_facts(capture_model(model, (1, 28, 28)))
    return class_scores(Subject(facts=found.facts, flows=found.flows, classes=classes))


def linear(wide: int, *after: nn.Module) -> nn.Sequential:
    return nn.Sequential(nn.Flatten(), nn.Linear(784, wide), *after)


def convolution(*after: nn.Module) -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(1, 10, 3), *after)


class LogOfSoftmax(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return (x.softmax(1) + 1e-9).log()


class OnlyScored(nn.Module):
    """Softmax is left to evaluation."""

    def forward(self, x: Tensor) -> Tensor:
        return x if self.training else x.softmax(1)


class Residual(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(10, 10, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        return F.adaptive_avg_pool2d((x + self.conv(x)).relu(), 1).flatten(1)


@pytest.mark.parametrize(
    ("model", "layer", "after"),
    [
        (linear(10), "1", []),
        (linear(10, nn.ReLU(), nn.Dropout(0.1), nn.BatchNorm1d(10)), "1", ["2", "3", "4"]),
        (linear(10, nn.ReLU(), nn.LogSoftmax(1)), "1", ["2"]),
        (linear(10, nn.ReLU(), LogOfSoftmax()), "1", ["2"]),
        (linear(10, nn.ReLU(), nn.Softmax(1), nn.LogSoftmax(1)), "1", ["2"]),
        (convolution(nn.BatchNorm2d(10), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten()), "0", ["1", "2"]),
        (convolution(nn.MaxPool2d(2), nn.ReLU(), nn.AvgPool2d(13), nn.Flatten(), nn.LogSoftmax(1)), "0", ["2"]),
        (convolution(nn.ReLU(), nn.Flatten(), nn.Linear(6760, 10)), "3", []),
    ],
)
def test_the_layer_and_what_follows(model: nn.Module, layer: str, after: list[str]) -> None:
    found = scores_of(model)
    assert found is not None
    assert (found.classes, found.layer.path, [one.path for one in found.after]) == (10, layer, after)


@pytest.mark.parametrize(
    "model",
    [
        linear(1, nn.ReLU()),
        linear(20, nn.ReLU(), nn.Unflatten(1, (2, 10))),
        linear(64, nn.ReLU()),
        linear(784, nn.Sigmoid()),
        nn.Sequential(nn.Conv2d(1, 10, 27), nn.ReLU(), nn.Flatten()),  # 10 channels of 2×2
        convolution(Residual()),
        nn.Sequential(nn.AdaptiveAvgPool2d((5, 2)), nn.ReLU(), nn.Flatten()),
        nn.Sequential(nn.Flatten(), nn.Softmax(1)),
    ],
    ids=[
        "one value",
        "two dimensions",
        "features",
        "a picture",
        "a flattened map",
        "a residual",
        "no layer",
        "nothing",
    ],
)
def test_what_is_no_class_scores(model: nn.Module) -> None:
    assert scores_of(model) is None


@pytest.mark.parametrize(
    ("model", "classes", "certain"),
    [
        (linear(10), None, False),
        (linear(10), 10, True),
        (linear(10, nn.LogSoftmax(1)), None, True),
        (linear(10, OnlyScored()), None, True),
        (linear(64, nn.LogSoftmax(1)), None, True),
        (linear(64), 64, True),
        (linear(63), None, False),
        (linear(80), 80, True),
        (linear(72), None, False),
        (linear(48), None, False),
    ],
)
def test_who_says_that_they_are_class_scores(model: nn.Module, classes: int | None, certain: bool) -> None:
    found = scores_of(model, classes)
    assert found is not None
    assert found.certain == certain


def test_an_output_of_another_width_than_the_policy_s_is_none() -> None:
    assert scores_of(linear(10), classes=20) is None
