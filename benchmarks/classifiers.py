"""torchvision's classifiers as their published weights are."""

from __future__ import annotations

import torch
import torchvision
from torch import nn

# as the published weights were made
_BUILT_AS = {
    "googlenet": {"aux_logits": False, "init_weights": False},
    "inception_v3": {"init_weights": False},
    "vit_h_14": {"image_size": 518},
}


def names() -> list[str]:
    """What torchvision calls its classifiers."""
    return torchvision.models.list_models(module=torchvision.models)


def side(name: str) -> int:
    """The crop size of a classifier's published weights."""
    return torchvision.models.get_model_weights(name).DEFAULT.transforms().crop_size[0]


def build(name: str) -> nn.Module:
    """The classifier without weights, on the meta device where its constructor allows it."""
    options = _BUILT_AS.get(name, {})
    try:
        with torch.device("meta"):
            return torchvision.models.get_model(name, weights=None, **options)
    except NotImplementedError:  # a constructor that computes with values
        return torchvision.models.get_model(name, weights=None, **options).to("meta")
