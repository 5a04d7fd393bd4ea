"""The assignment's own training loop, as its script has it."""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import Any

import torch
import torchvision
from torch import Tensor, nn
from torch.nn import functional
from torch.utils.data import DataLoader

from modelcheck.training.datasets.mnist import FILES


def unpacked(folder: Path) -> Path:
    """MNIST as torchvision lays it out, out of the package."""
    raw = folder / "MNIST" / "raw"
    raw.mkdir(parents=True)
    for file in FILES.glob("*-ubyte.gz"):
        (raw / file.stem).write_bytes(gzip.decompress(file.read_bytes()))
    return folder


def loaders(root: Path) -> tuple[DataLoader[Any], DataLoader[Any]]:
    """Of the training set, rotated, and of the test set: images (64, 1, 28, 28) through PIL, and labels."""
    transforms = torchvision.transforms
    scaled = [transforms.ToTensor(), transforms.Normalize((0.1307,), (0.3081,))]
    turned = [transforms.RandomRotation((-7.0, 7.0), fill=(1,)), *scaled]
    made = [
        DataLoader(
            torchvision.datasets.MNIST(str(root), train=training, transform=transforms.Compose(steps)),
            batch_size=64,
            shuffle=True,
        )
        for training, steps in ((True, turned), (False, scaled))
    ]
    return made[0], made[1]


def train_once(model: nn.Module, optimizer: torch.optim.Optimizer, images: Tensor, labels: Tensor) -> None:
    """One step; cross entropy is right for log-probabilities as for logits."""
    optimizer.zero_grad()
    functional.cross_entropy(model(images), labels).backward()
    optimizer.step()
