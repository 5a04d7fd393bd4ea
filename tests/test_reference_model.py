from __future__ import annotations

import re
from pathlib import Path

import pytest
import torch
from torch import nn

import modelcheck
import reference_model
from reference_model import Net

README = Path(__file__).parent.parent / "README.md"
# (input channels, output channels, kernel) of convblock1 ... convblock8
CONVOLUTIONS = [
    (1, 32, 3),
    (32, 32, 3),
    (32, 10, 1),
    (10, 16, 3),
    (16, 16, 3),
    (16, 16, 3),
    (16, 16, 3),
    (16, 10, 1),
]
NORMALISED = [kernel == 3 for _, _, kernel in CONVOLUTIONS]
SIDES = {
    "convblock1": 26,
    "convblock2": 24,
    "convblock3": 24,
    "pool1": 12,
    "convblock4": 10,
    "convblock5": 8,
    "convblock6": 6,
    "convblock7": 6,
    "gap": 1,
    "convblock8": 1,
}


def test_parameters_are_kernels_and_two_numbers_a_normalised_channel() -> None:
    kernels = sum(inputs * outputs * side * side for inputs, outputs, side in CONVOLUTIONS)
    norms = sum(2 * outputs for (_, outputs, _), norm in zip(CONVOLUTIONS, NORMALISED, strict=True) if norm)
    assert sum(p.numel() for p in Net().parameters()) == kernels + norms == 18_592


def test_map_sides_in_the_order_of_the_calls() -> None:
    net = Net().eval()
    sides: dict[str, int] = {}

    def remember(name: str, output: torch.Tensor) -> None:
        assert output.shape[-1] == output.shape[-2]
        sides[name] = output.shape[-1]

    for name, child in net.named_children():
        child.register_forward_hook(lambda _module, _args, output, name=name: remember(name, output))
    net(torch.zeros(2, 1, 28, 28))
    assert list(sides.items()) == list(SIDES.items())


def test_state_dict_has_the_keys_of_the_well_known_class() -> None:
    expected = set()
    for block, norm in enumerate(NORMALISED, start=1):
        expected.add(f"convblock{block}.0.weight")
        if norm:
            kept = ("weight", "bias", "running_mean", "running_var", "num_batches_tracked")
            expected.update(f"convblock{block}.2.{name}" for name in kept)
    assert set(Net().state_dict()) == expected


@pytest.mark.parametrize("block", [1, 2, 4, 5, 6, 7])
def test_blocks_are_convolution_relu_norm_dropout(block: int) -> None:
    layers = list(getattr(Net(), f"convblock{block}"))
    assert [type(layer) for layer in layers] == [nn.Conv2d, nn.ReLU, nn.BatchNorm2d, nn.Dropout]
    assert layers[-1].p == 0.1


@pytest.mark.parametrize("batch", [1, 3])
def test_output_is_log_probabilities(batch: int) -> None:
    output = Net().eval()(torch.randn(batch, 1, 28, 28))
    assert output.shape == (batch, 10)
    torch.testing.assert_close(output.exp().sum(1), torch.ones(batch))


def test_the_weights_beside_it_score_what_the_readme_says() -> None:
    weights = Path(reference_model.__file__).with_name("net.safetensors")
    assert weights.stat().st_size < 80_000
    metrics = modelcheck.evaluate("reference_model:Net", weights=weights).metrics
    assert metrics is not None
    (told,) = re.findall(r"what they reach, ([0-9.]+) %", README.read_text(encoding="utf-8"))
    assert metrics.test_accuracy.last == pytest.approx(float(told) / 100, abs=2e-4)  # the last bits vary
