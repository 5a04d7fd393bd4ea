from __future__ import annotations

import pytest
import torch

from modelcheck.training.pixels import mean_and_std


def test_they_are_those_of_each_channel() -> None:
    images = torch.randint(0, 256, (30, 3, 4, 5), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    images[:, 1] //= 4
    images[:, 2] = 255
    mean, std = mean_and_std(images)
    pixels = images.double() / 255
    assert mean == pytest.approx(pixels.mean((0, 2, 3)).tolist())
    assert std[:2] == pytest.approx(pixels.std((0, 2, 3), correction=0)[:2].tolist())
    assert std[2] == 1, "a channel of one value"
