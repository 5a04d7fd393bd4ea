"""Against the numbers that torchvision publishes with its weights; benchmarks/torchvision_models.py has all of them."""

from __future__ import annotations

import pytest
import torch
import torchvision

from tests.facts.describe import facts

# what is known of their layers, by their papers; None: the whole picture
KNOWN = {
    "alexnet": {"batch_norm": 0, "dropout": 2, "global_average_pooling": 0, "fully_connected": 3, "field": 195},
    "vgg16": {"batch_norm": 0, "dropout": 2, "global_average_pooling": 0, "fully_connected": 3, "field": 212},
    "resnet18": {"batch_norm": 20, "dropout": 0, "global_average_pooling": 1, "fully_connected": 1, "field": 435},
    "resnet50": {"batch_norm": 53, "dropout": 0, "global_average_pooling": 1, "fully_connected": 1, "field": 427},
    "mobilenet_v2": {"batch_norm": 52, "dropout": 1, "global_average_pooling": 1, "fully_connected": 1, "field": 491},
    "squeezenet1_1": {"batch_norm": 0, "dropout": 1, "global_average_pooling": 1, "fully_connected": 0, "field": 207},
    "vit_b_32": {"batch_norm": 0, "dropout": 0, "global_average_pooling": 0, "fully_connected": 49, "field": None},
}

MODELS = [*KNOWN, "convnext_tiny", "efficientnet_b0", "shufflenet_v2_x0_5", "swin_t"]


@pytest.mark.parametrize("name", MODELS)
def test_parameters_are_exact_and_macs_within_one_percent(name: str) -> None:
    weights = torchvision.models.get_model_weights(name).DEFAULT
    side = weights.transforms().crop_size[0]
    try:
        with torch.device("meta"):
            model = torchvision.models.get_model(name, weights=None)
    except NotImplementedError:  # its constructor computes with values
        model = torchvision.models.get_model(name, weights=None).to("meta")
    found = facts(model, (3, side, side))
    assert found.parameters.total == weights.meta["num_params"]
    assert found.macs / 1e9 == pytest.approx(weights.meta["_ops"], rel=0.01, abs=0.0005)  # published with 3 decimals
    assert found.uncounted_operators == ()
    assert found.output_shape == (1000,)
    assert found.liveness == "reachable"
    if known := KNOWN.get(name):
        for kind in ("batch_norm", "dropout", "global_average_pooling", "fully_connected"):
            assert getattr(found, kind).count == known[kind], kind
        assert found.receptive_field == (known["field"] and (known["field"], known["field"]))
