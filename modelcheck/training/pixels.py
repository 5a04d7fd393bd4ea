"""What the pixels of a dataset are like."""

from __future__ import annotations

import torch
from torch import Tensor


def mean_and_std(images: Tensor) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Mean and standard deviation of each channel, on the scale of 0 to 1; of a channel of one value it is 1.

    Args:
        images: uint8, (N, C, H, W).
    """
    # by counts of the 256 values: exact, and without a copy of the images in floats
    counts = torch.stack([torch.bincount(channel.reshape(-1), minlength=256) for channel in images.unbind(1)]).double()
    shares = counts / counts.sum(1, keepdim=True)
    values = torch.arange(256).double() / 255
    mean = shares @ values
    std = (shares * (values - mean[:, None]).square()).sum(1).sqrt()
    # an alpha channel is often of one value: normalised it shall be zero, not infinite
    return tuple(mean.tolist()), tuple(one if one > 0 else 1.0 for one in std.tolist())
