from __future__ import annotations

import dataclasses

import pytest
import torch

from modelcheck.training.datasets import Dataset
from modelcheck.training.preview import augmented_images
from modelcheck.training.recipe import Augmentation

MOVING = Augmentation(degrees=20.0)


def test_of_each_class_one_image_and_ten_of_its_own(tiny: Dataset) -> None:
    images, augmented = augmented_images(tiny, Augmentation(), 0)
    assert images.shape == (10, 1, 28, 28)
    assert augmented.shape == (10, 10, 1, 28, 28)
    found = [int((tiny.train_images == image).flatten(1).all(1).nonzero()[0]) for image in images]
    assert tiny.train_labels[found].tolist() == list(range(10))
    assert all(torch.equal(row, images.float()) for row in augmented)


def test_no_two_are_augmented_alike_and_none_leaves_the_scale(tiny: Dataset) -> None:
    images, augmented = augmented_images(tiny, MOVING, 0)
    assert len({image.numpy().tobytes() for image in augmented.flatten(0, 1)}) == 100
    assert augmented.min() >= 0
    assert augmented.max() <= 255.001
    differences = (augmented - images).abs().mean((0, 2, 3, 4))
    others = (augmented - images.roll(1, 0)).abs().mean((0, 2, 3, 4))
    assert (differences < others).all()


def test_the_seed_decides_alone(tiny: Dataset) -> None:
    one, two, other = (augmented_images(tiny, MOVING, seed) for seed in (1, 1, 2))
    assert all(torch.equal(a, b) for a, b in zip(one, two, strict=True))
    assert not torch.equal(one[0], other[0])


@pytest.mark.parametrize(
    ("labels", "expected"),
    [([3] * 5, [3] * 10), ([0, 1], [0, 1] * 5), ([0, 0, 7, 9], [0, 7, 9] * 3 + [0]), ([*range(30)], [*range(10)])],
)
def test_few_classes_come_in_turn(tiny: Dataset, labels: list[int], expected: list[int]) -> None:
    images = torch.tensor(labels, dtype=torch.uint8).view(-1, 1, 1, 1).expand(-1, 1, 28, 28)
    some = dataclasses.replace(tiny, train_images=images, train_labels=torch.tensor(labels))
    shown, _ = augmented_images(some, MOVING, 0)
    assert shown[:, 0, 0, 0].tolist() == expected


def test_another_image_of_a_class_before_the_same_again(tiny: Dataset) -> None:
    images = torch.arange(10, dtype=torch.uint8).view(-1, 1, 1, 1).expand(-1, 1, 28, 28)
    some = dataclasses.replace(tiny, train_images=images, train_labels=torch.zeros(10, dtype=torch.int64))
    shown, _ = augmented_images(some, MOVING, 0)
    assert sorted(shown[:, 0, 0, 0].tolist()) == list(range(10))
