"""MNIST: 60,000 training and 10,000 test images of handwritten digits, 28x28. See files/LICENSE-MNIST.md."""

from __future__ import annotations

import dataclasses
import gzip
import zlib
from pathlib import Path

import torch
from torch import Tensor

from modelcheck.errors import ModelcheckError
from modelcheck.training.datasets import Dataset
from modelcheck.training.idx import CLASSES, IdxFiles, load_idx, sha256

FILES = Path(__file__).parent / "files"
MEAN, STD = (0.1307,), (0.3081,)  # what everybody takes; the training images' to four digits
SHA256 = {
    "train-images-idx3-ubyte": "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
    "train-labels-idx1-ubyte": "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
    "t10k-images-idx3-ubyte": "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
    "t10k-labels-idx1-ubyte": "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
}
LAYOUT = IdxFiles(
    name="mnist",
    title="MNIST",
    folder="MNIST/raw",
    published=lambda _, contents: all(sha256(contents[file]) == SHA256[file] for file in SHA256),
)


def load(data_dir: Path | None = None) -> Dataset:
    """MNIST from the package, or from ``data_dir``.

    Other data in MNIST's form (Fashion-MNIST in MNIST's folder) loads too, and is not ``official``.

    Args:
        data_dir: torchvision's ``root``, or the folder of the files themselves.

    Raises:
        UsageError: a file of the user's is missing, truncated, or not in MNIST's form.
        ModelcheckError: a packaged file is missing or damaged.
    """
    if data_dir is not None:
        return dataclasses.replace(load_idx(LAYOUT, data_dir), mean=MEAN, std=STD)
    train_images, train_labels, test_images, test_labels = _packaged()
    return Dataset(
        name="mnist",
        train_images=train_images.unsqueeze(1),
        train_labels=train_labels.long(),
        test_images=test_images.unsqueeze(1),
        test_labels=test_labels.long(),
        mean=MEAN,
        std=STD,
        classes=CLASSES,
        official=True,
    )


def download(root: Path) -> None:
    """Fetch MNIST into that folder."""
    from torchvision.datasets import MNIST

    MNIST(root, download=True)


def _packaged() -> list[Tensor]:
    """The four packaged files, decompressed and checked."""
    tensors = []
    for file, expected in SHA256.items():
        path = FILES / f"{file}.gz"
        again = "The installation is damaged: install modelcheck again, or give --data-dir."
        try:
            data = gzip.decompress(path.read_bytes())
        except (OSError, EOFError, zlib.error) as error:
            raise ModelcheckError(f"{path}: the packaged MNIST cannot be read ({error}). {again}") from error
        if sha256(data) != expected:
            raise ModelcheckError(f"{path}: this is not MNIST: SHA-256 {sha256(data)}, expected {expected}. {again}")
        # a copy, since torch warns about tensors over memory that must not be written to; the header is checked
        # with the rest by the checksum
        header, shape = (16, (-1, 28, 28)) if "images" in file else (8, (-1,))
        tensors.append(torch.frombuffer(bytearray(data), dtype=torch.uint8, offset=header).reshape(shape))
    return tensors
