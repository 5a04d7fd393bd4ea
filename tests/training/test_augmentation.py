from __future__ import annotations

import math

import pytest
import torch
from PIL import Image
from torch import Tensor
from torchvision.transforms import functional as tv
from torchvision.transforms.functional import pil_to_tensor

from modelcheck.training.augmentation import affines, augment, random_affines, scale, warp
from modelcheck.training.datasets import Dataset
from modelcheck.training.recipe import Augmentation, load_recipe

SIZE = (28, 28)


def affine(
    degrees: float = 0, x: float = 0, y: float = 0, zoom: tuple[float, float] = (1, 1), shear: float = 0
) -> Tensor:
    return affines(
        degrees=torch.tensor([float(degrees)]),
        shift=torch.tensor([[float(x), float(y)]]),
        zoom=torch.tensor([zoom]).float(),
        shear_degrees=torch.tensor([float(shear)]),
    )


@pytest.fixture
def digits(tiny: Dataset) -> Tensor:
    return tiny.train_images[:20]


@pytest.mark.parametrize("degrees", [-7.0, 3.3, 7.0, 30.0])
def test_rotation_is_that_of_pil_and_torchvision(digits: Tensor, degrees: float) -> None:
    ours = warp(digits, affine(degrees).expand(len(digits), 2, 3), "nearest", 1.0)
    pil = torch.stack(
        [pil_to_tensor(tv.rotate(Image.fromarray(image[0].numpy()), degrees, fill=1)) for image in digits]
    )
    tensors = tv.rotate(digits, degrees, fill=[1.0])
    # Places halfway between two pixels may round either way.
    assert (ours != pil).float().mean() < 0.01
    assert (ours != tensors).float().mean() < 0.01
    assert (warp(digits, affine(-degrees).expand(len(digits), 2, 3), "nearest", 1.0) != pil).float().mean() > 0.03


def test_what_comes_in_from_outside_has_the_fill_value(digits: Tensor) -> None:
    corner = warp(digits, affine(45).expand(len(digits), 2, 3), "nearest", 1.0)[:, :, 0, 0]
    assert (corner == 1).all()


@pytest.mark.parametrize("fill", [0.0, 1.0, "nearest"])
def test_doing_nothing_is_exact(digits: Tensor, fill: float | str) -> None:
    same = warp(digits, affine().expand(len(digits), 2, 3), "nearest", fill)
    assert torch.equal(same, digits.float())
    bilinear = warp(digits, affine().expand(len(digits), 2, 3), "bilinear", fill)
    torch.testing.assert_close(bilinear, digits.float(), atol=0.01, rtol=0)


def test_options_at_rest_leave_the_bits_alone(digits: Tensor) -> None:
    assert torch.equal(augment(digits, Augmentation(), torch.Generator()), digits.float())


@pytest.mark.parametrize(("x", "y"), [(1, 0), (0, 1), (-3, 2)])
def test_a_shift_by_whole_pixels_is_exact(x: int, y: int) -> None:
    image = torch.zeros(1, 1, 28, 28, dtype=torch.uint8)
    image[0, 0, 10, 12] = 200
    moved = warp(image, affine(x=x, y=y), "nearest", 0.0)
    assert moved.nonzero().tolist() == [[0, 0, 10 + y, 12 + x]]
    assert moved.max() == 200


def test_the_edge_is_repeated_with_nearest_fill() -> None:
    image = torch.arange(28, dtype=torch.uint8).expand(1, 1, 28, 28)
    moved = warp(image, affine(x=5), "nearest", "nearest")
    assert moved[0, 0, 3].tolist() == [0.0] * 5 + [float(value) for value in range(23)]


def test_zoom_is_by_axis_and_grows_above_one() -> None:
    image = torch.zeros(1, 1, 28, 28, dtype=torch.uint8)
    image[0, 0, 12:16, 12:16] = 100
    grown = warp(image, affine(zoom=(2, 1)), "nearest", 0.0)[0, 0] > 0
    assert (int(grown.any(0).sum()), int(grown.any(1).sum())) == (8, 4)


def test_shear_moves_rows_against_each_other() -> None:
    matrix = affine(shear=10)[0]
    angle = math.radians(10)
    # Keras' matrix, for places (y, x): [[1, -sin], [0, cos]].
    expected = torch.tensor([[math.cos(angle), 0, 0], [-math.sin(angle), 1, 0]])
    torch.testing.assert_close(matrix, expected)


def test_a_picture_that_is_not_square_is_rotated_without_distortion() -> None:
    image = torch.zeros(1, 1, 21, 41, dtype=torch.uint8)
    image[0, 0, 10, 15:26] = 100  # a bar of eleven pixels, lying
    standing = warp(image, affine(90), "nearest", 0.0)[0, 0] > 0
    assert (int(standing.any(0).sum()), int(standing.any(1).sum())) == (1, 11)


def test_draws_fill_their_ranges_and_no_more() -> None:
    options = Augmentation(degrees=10, shift=0.1, zoom=(0.9, 1.1))
    matrices = random_affines(4000, SIZE, options, torch.Generator().manual_seed(1))
    angles = torch.atan2(matrices[:, 1, 0] * 1.0, matrices[:, 0, 0]).rad2deg()
    assert 9.8 < angles.abs().max() <= 10.0001
    zoom_x = 1 / matrices[:, :, 0].norm(dim=1)
    zoom_y = 1 / matrices[:, :, 1].norm(dim=1)
    for zoom in (zoom_x, zoom_y):
        assert 0.9 <= zoom.min() + 1e-5 < 0.902
        assert 1.098 < zoom.max() <= 1.1 + 1e-5
    assert abs(float(torch.corrcoef(torch.stack([zoom_x, zoom_y]))[0, 1])) < 0.1
    shift = matrices[:, :, 2].norm(dim=1)
    assert 3.5 < shift.max() <= 2.8 * math.sqrt(2) + 1e-4


def test_zoom_alike_keeps_the_proportions() -> None:
    options = Augmentation(zoom=(0.5, 2.0), zoom_alike=True)
    matrices = random_affines(100, SIZE, options, torch.Generator().manual_seed(1))
    torch.testing.assert_close(matrices[:, 0, 0], matrices[:, 1, 1])
    assert matrices[:, 0, 0].std() > 0.1


def test_each_image_has_an_affine_of_its_own_and_a_seed_repeats_them(tiny: Dataset) -> None:
    same = tiny.train_images[:1].expand(8, -1, -1, -1)
    options = load_recipe("fast").augmentation
    first = augment(same, options, torch.Generator().manual_seed(1))
    assert first.dtype == torch.float32
    assert len({image.numpy().tobytes() for image in first}) == 8
    assert torch.equal(first, augment(same, options, torch.Generator().manual_seed(1)))
    assert not torch.equal(first, augment(same, options, torch.Generator().manual_seed(2)))


def test_the_callers_random_state_is_not_used(digits: Tensor) -> None:
    before = torch.get_rng_state()
    augment(digits, load_recipe("seed-aug").augmentation, torch.Generator().manual_seed(1))
    assert torch.equal(before, torch.get_rng_state())


def test_scale_normalizes_by_channel() -> None:
    images = torch.tensor([0.0, 255.0]).view(1, 2, 1, 1)
    assert scale(images, (0.5, 0.2), (0.5, 0.4), normalize=True).flatten().tolist() == [-1.0, 2.0]
    assert scale(images, (0.5, 0.2), (0.5, 0.4), normalize=False).flatten().tolist() == [0.0, 1.0]
