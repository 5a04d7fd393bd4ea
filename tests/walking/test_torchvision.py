"""Models of torchvision that detect and segment, against what is published of them."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import nn
from torchvision.models import detection, resnet18, segmentation, video

import modelcheck

pytestmark = pytest.mark.filterwarnings("ignore:.*torch.jit.*is deprecated:FutureWarning")


def _plain(build: Callable[..., nn.Module]) -> nn.Module:
    return build(weights=None, weights_backbone=None)


def test_a_detector_is_walked() -> None:
    weights = detection.SSDLite320_MobileNet_V3_Large_Weights.DEFAULT.meta
    report = modelcheck.inspect(_plain(detection.ssdlite320_mobilenet_v3_large), input=(3, 320, 320))
    facts = report.facts
    assert (facts.capture, facts.output_shape) == ("walked", None)
    assert facts.parameters.total == weights["num_params"]
    assert facts.macs == pytest.approx(weights["_ops"] * 1e9, rel=0.01)
    assert "torchvision.nms.default" in facts.uncounted_operators
    assert report.findings[0].code == "MC003"
    assert "targets should not be none" in report.findings[0].message


def test_a_detector_in_two_stages_is_walked() -> None:
    model = _plain(detection.fasterrcnn_mobilenet_v3_large_320_fpn)
    facts = modelcheck.inspect(model, input=(3, 128, 128)).facts
    assert facts.capture == "walked"
    assert facts.parameters.total == sum(parameter.numel() for parameter in model.parameters())
    assert facts.fully_connected.called == 4
    assert facts.outputs[:3] == ("[0].boxes", "[0].labels", "[0].scores")


@pytest.mark.parametrize(
    ("build", "shape", "output", "outputs"),
    [
        (segmentation.lraspp_mobilenet_v3_large, (3, 64, 64), (21, 64, 64), ("out",)),
        (lambda **_: video.r3d_18(), (3, 8, 64, 64), (400,), ()),
    ],
    ids=["lraspp", "r3d"],
)
def test_models_of_pixels_and_of_films_are_captured(
    build: Callable[..., nn.Module], shape: tuple[int, ...], output: tuple[int, ...], outputs: tuple[str, ...]
) -> None:
    model = _plain(build)
    facts = modelcheck.inspect(model, input=shape).facts
    assert (facts.capture, facts.output_shape, facts.outputs) == ("exported", output, outputs)
    assert facts.parameters.total == sum(parameter.numel() for parameter in model.parameters())


def test_a_scripted_model_has_the_published_numbers() -> None:
    facts = modelcheck.inspect(torch.jit.script(resnet18()), input=(3, 224, 224)).facts
    assert (facts.capture, facts.parameters.total) == ("walked", 11_689_512)
    assert facts.macs == pytest.approx(1.814e9, rel=0.001)
