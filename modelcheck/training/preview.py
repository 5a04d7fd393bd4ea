"""What an augmentation does, to be looked at."""

from __future__ import annotations

import torch
from torch import Tensor

from modelcheck.training.augmentation import augment
from modelcheck.training.datasets import Dataset
from modelcheck.training.recipe import Augmentation

SIDE = 10  # of the grid


def augmented_images(dataset: Dataset, options: Augmentation, seed: int) -> tuple[Tensor, Tensor]:
    """Ten training images, and each of them augmented ten times.

    The images are of all classes in turn. They are uint8, (10, C, H, W); of the augmented ones, float32 on the scale of
    0 to 255, (10, 10, C, H, W), ``[i, j]`` is the i-th of image j.
    """
    generator = torch.Generator().manual_seed(seed)
    images = dataset.train_images[_of_all_classes(dataset.train_labels, generator)]
    augmented = augment(images.repeat(SIDE, 1, 1, 1), options, generator)
    return images, augmented.view(SIDE, SIDE, *images.shape[1:])


def _of_all_classes(labels: Tensor, generator: torch.Generator) -> Tensor:
    """Ten images by index, of all classes in turn; an image comes again where a class has no more."""
    shuffled = torch.randperm(len(labels), generator=generator)
    members = [shuffled[labels[shuffled] == label] for label in sorted(set(labels.tolist()))]
    turns = (divmod(place, len(members)) for place in range(SIDE))
    return torch.stack([members[one][turn % len(members[one])] for turn, one in turns])
