"""CIFAR-10: 50,000 training and 10,000 test photographs of ten kinds of things, 32x32 in colour."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor
from torchvision.datasets import CIFAR10
from torchvision.datasets.utils import check_integrity

from modelcheck.errors import UsageError
from modelcheck.training.datasets import Dataset, MissingData, not_packaged
from modelcheck.training.pixels import mean_and_std

CLASSES = 10


def load(data_dir: Path | None) -> Dataset:
    """CIFAR-10 from ``data_dir``/cifar-10-batches-py, as torchvision lays it out.

    The files are pickles, so only the published ones, by their checksums, are read: they are always ``official``.

    Raises:
        MissingData: a file is not there.
        UsageError: there is no ``data_dir``, or a file in it is not the published one.
    """
    if data_dir is None:
        raise not_packaged("cifar10", f"its files lie in DIR/{CIFAR10.base_folder}")
    _check(data_dir / CIFAR10.base_folder)
    train, test = (CIFAR10(data_dir, train=split) for split in (True, False))
    train_images, test_images = _images(train), _images(test)
    mean, std = mean_and_std(train_images)
    return Dataset(
        name="cifar10",
        train_images=train_images,
        train_labels=torch.tensor(train.targets),
        test_images=test_images,
        test_labels=torch.tensor(test.targets),
        mean=mean,
        std=std,
        classes=CLASSES,
        official=True,
    )


def download(root: Path) -> None:
    """Fetch CIFAR-10 into that folder."""
    CIFAR10(root, download=True)


def _check(folder: Path) -> None:
    """Raise unless each file is there, and the published one."""
    meta = (CIFAR10.meta["filename"], CIFAR10.meta["md5"])
    for file, md5 in (*CIFAR10.train_list, *CIFAR10.test_list, meta):
        if not (folder / file).is_file():
            raise MissingData(
                f"{folder}: no CIFAR-10 here: {file} is missing. Expected is what cifar-10-python.tar.gz holds, as "
                f"torchvision keeps it in DIR/{CIFAR10.base_folder}; --download fetches it."
            )
        if not check_integrity(folder / file, md5):
            raise UsageError(
                f"{folder / file}: not CIFAR-10's {file}: its MD5 is another than {md5}. Remove it and give --download."
            )


def _images(split: CIFAR10) -> Tensor:
    return torch.from_numpy(split.data).permute(0, 3, 1, 2).contiguous()
