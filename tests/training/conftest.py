from __future__ import annotations

import dataclasses
from collections.abc import Callable

import pytest
import torch
from torch import nn

from modelcheck.training.datasets import Dataset, load_dataset


@pytest.fixture(scope="session")
def mnist() -> Dataset:
    return load_dataset("mnist")


@pytest.fixture(scope="session")
def tiny(mnist: Dataset) -> Dataset:
    """The first 512 training and 200 test images."""
    return dataclasses.replace(
        mnist,
        train_images=mnist.train_images[:512],
        train_labels=mnist.train_labels[:512],
        test_images=mnist.test_images[:200],
        test_labels=mnist.test_labels[:200],
    )


@pytest.fixture(scope="session")
def make_net() -> Callable[[], nn.Module]:
    """Builds the same small net each time, with batch norm and dropout, giving logits."""

    def build() -> nn.Module:
        with torch.random.fork_rng():
            torch.manual_seed(3)
            return nn.Sequential(
                nn.Conv2d(1, 4, 5, stride=2),
                nn.ReLU(),
                nn.BatchNorm2d(4),
                nn.Dropout(0.1),
                nn.Flatten(),
                nn.Linear(4 * 12 * 12, 10),
            )

    return build


@pytest.fixture(scope="session")
def cpu() -> torch.device:
    return torch.device("cpu")
