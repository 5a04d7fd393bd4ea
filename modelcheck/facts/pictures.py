"""Pictures to try a model on: digits where it takes such, and else what looks a little like any picture."""

from __future__ import annotations

import functools
import gzip
import math
from pathlib import Path

import torch

PICTURE_SIDE = 16  # pixels; smaller maps are noise
DIGIT = (1, 28, 28)
_STROKE = 4  # pixels
_MEAN, _STD = 0.1307, 0.3081  # of digits, by which they are normalised
_DIGITS = Path(__file__).parent.parent / "training" / "datasets" / "files" / "train-images-idx3-ubyte.gz"
_HEADER_BYTES = 16
_MOST_DIGITS = 1024


def random_input(shape: tuple[int, ...], dtype: torch.dtype, generator: torch.Generator) -> torch.Tensor:
    """A batch of that shape: pictures where that can be, and noise or zeros and ones else."""
    if not dtype.is_floating_point:
        return torch.randint(0, 2, shape, generator=generator).to(dtype)
    if shape[1:] == DIGIT and len(known := digits()):
        return known[torch.randint(0, len(known), shape[:1], generator=generator)].to(dtype)
    if len(shape) == 4 and min(shape[2:]) >= PICTURE_SIDE:
        return _strokes(shape, generator).to(dtype)
    return torch.randn(shape, generator=generator).to(dtype)


def as_augmented(images: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    """Digits a little turned, resized and moved, as trainings show them: pixels are mixed then. Others as they are."""
    if images.shape[1:] != DIGIT or not images.is_floating_point():
        return images
    turned, zoom, right, down = torch.rand((4, len(images), 1), generator=generator).unbind()
    angle, size = math.radians(14) * (turned - 0.5), 0.95 + 0.1 * zoom
    cosine, sine = angle.cos() / size, angle.sin() / size
    affines = torch.stack([cosine, -sine, (right - 0.5) / 7, sine, cosine, (down - 0.5) / 7], 2).reshape(-1, 2, 3)
    grid = torch.nn.functional.affine_grid(affines, list(images.shape), align_corners=False)
    ground = -_MEAN / _STD
    moved = torch.nn.functional.grid_sample(images.float() - ground, grid, align_corners=False) + ground
    return moved.to(images.dtype)


@functools.cache
def digits() -> torch.Tensor:
    """The first training images of MNIST, normalised; (0, 1, 28, 28) where they do not lie beside this package.

    What is drawn at random can be told from digits, by the ink on its border for one: a layer that works on such
    pictures alone would pass for one that works.
    """
    _, height, width = DIGIT
    try:
        with gzip.open(_DIGITS) as file:
            data = file.read(_HEADER_BYTES + _MOST_DIGITS * height * width)[_HEADER_BYTES:]
    except OSError:
        data = b""
    pixels = torch.frombuffer(bytearray(data), dtype=torch.uint8) if data else torch.empty(0, dtype=torch.uint8)
    return (pixels.reshape(-1, *DIGIT).to(torch.float32) / 255 - _MEAN) / _STD


def _strokes(shape: tuple[int, ...], generator: torch.Generator) -> torch.Tensor:
    """Smooth strokes on an even ground, with the values that normalised pictures of digits have."""
    coarse = torch.rand((*shape[:2], *(side // _STROKE for side in shape[2:])), generator=generator)
    smooth = torch.nn.functional.interpolate(coarse, size=shape[2:], mode="bilinear")
    return ((6 * (smooth - 0.5)).clamp(0, 1) - _MEAN) / _STD
