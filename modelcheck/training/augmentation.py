"""Random affine transformations of whole batches, and the scaling that follows."""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812 (torch's own name for it)

from modelcheck.training.recipe import Augmentation


def moves(options: Augmentation) -> bool:
    """Whether an image may change; all at rest, images are exact."""
    return options != Augmentation(interpolation=options.interpolation, fill=options.fill)


def augment(images: Tensor, options: Augmentation, generator: torch.Generator) -> Tensor:
    """The images, each under an affine of its own, as float32 on the scale of 0 to 255.

    Args:
        images: uint8, (N, C, H, W).
        options: the ranges to draw from.
        generator: on the CPU.
    """
    if not moves(options):
        return images.float()
    matrices = random_affines(len(images), images.shape[-2:], options, generator)
    return warp(images, matrices.to(images.device), options.interpolation, options.fill)


def random_affines(count: int, size: tuple[int, ...], options: Augmentation, generator: torch.Generator) -> Tensor:
    """Matrices (count, 2, 3) for ``warp``, drawn from the options' ranges in one call.

    Args:
        count: of images.
        size: their height and width.
        options: the ranges to draw from.
        generator: on the CPU whatever the images' device, so that a seed means the same everywhere.
    """
    draws = torch.rand(count, 6, generator=generator).mul_(2).sub_(1)
    low, high = options.zoom
    zoom = draws[:, 3:5].mul((high - low) / 2).add((high + low) / 2)
    if options.zoom_alike:
        zoom = zoom[:, :1].expand(-1, 2)
    height, width = size
    return affines(
        degrees=draws[:, 0] * options.degrees,
        shift=draws[:, 1:3] * torch.tensor([width, height]) * options.shift,
        zoom=zoom,
        shear_degrees=draws[:, 5] * options.shear_degrees,
    )


def affines(*, degrees: Tensor, shift: Tensor, zoom: Tensor, shear_degrees: Tensor) -> Tensor:
    """Matrices (N, 2, 3) from a place in the result to one in the source, in pixels around the centre.

    They are rotation @ shift @ shear @ zoom, in the order of Keras' ``ImageDataGenerator``.

    Args:
        degrees: (N,), counter-clockwise as the image is looked at.
        shift: (N, 2), pixels to the right and down that the image moves before it is rotated.
        zoom: (N, 2), factors for width and height; above 1 the image grows.
        shear_degrees: (N,).
    """
    angle, shear = degrees * (math.pi / 180), shear_degrees * (math.pi / 180)
    cos, sin = angle.cos(), angle.sin()
    # y points down, so the way back of a counter-clockwise rotation is this one.
    rotation = torch.stack([cos, -sin, sin, cos], 1).view(-1, 2, 2)
    sheared = torch.stack([shear.cos(), torch.zeros_like(shear), -shear.sin(), torch.ones_like(shear)], 1)
    linear = rotation @ sheared.view(-1, 2, 2) / zoom.unsqueeze(1)
    return torch.cat([linear, -(rotation @ shift.unsqueeze(2))], 2)


def warp(images: Tensor, matrices: Tensor, interpolation: str, fill: float | str) -> Tensor:
    """The images under the matrices of ``affines``, float32 on the images' own scale.

    Args:
        images: (N, C, H, W).
        matrices: (N, 2, 3).
        interpolation: "nearest" or "bilinear".
        fill: the value outside the images, or "nearest": that of the nearest pixel inside.
    """
    source, grid = images.float(), _grid(matrices, images.shape[-2:])
    if fill == "nearest":
        return F.grid_sample(source, grid, interpolation, "border", align_corners=False)
    level = float(fill)
    if not level:
        return F.grid_sample(source, grid, interpolation, "zeros", align_corners=False)
    # grid_sample knows only zero as the outside: make the fill value the zero.
    return F.grid_sample(source - level, grid, interpolation, "zeros", align_corners=False) + level


def _grid(matrices: Tensor, size: tuple[int, ...]) -> Tensor:
    """Where each pixel comes from, (N, H, W, 2), in half sides around the centre, for ``grid_sample``.

    As torch's ``affine_grid`` makes it of a product of matrices for each image, which costs ten times as much: a
    coordinate is the sum of one part for each column and one for each row.
    """
    height, width = size
    half = torch.tensor([width / 2, height / 2], device=matrices.device)
    columns = torch.arange(width, device=matrices.device) + 0.5 - width / 2
    rows = torch.arange(height, device=matrices.device) + 0.5 - height / 2
    in_half_sides = matrices / half.view(2, 1)
    along, down, shift = (part.unsqueeze(2) for part in in_half_sides.unbind(2))
    return ((along * columns + shift).unsqueeze(2) + (down * rows).unsqueeze(3)).permute(0, 2, 3, 1)


def scale(images: Tensor, mean: tuple[float, ...], std: tuple[float, ...], *, normalize: bool) -> Tensor:
    """What the model sees: float32 in [0, 1], or that normalized.

    Args:
        images: (N, C, H, W), any type, on the scale of 0 to 255.
        mean: one a channel, on the scale of 0 to 1; subtracted.
        std: likewise; divided by.
        normalize: whether to do so.
    """
    unit = images.float() / 255
    if not normalize:
        return unit
    shape = (1, -1, 1, 1)
    return (unit - unit.new_tensor(mean).view(shape)) / unit.new_tensor(std).view(shape)
