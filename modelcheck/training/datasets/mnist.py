"""MNIST: 60,000 training and 10,000 test images of handwritten digits, 28x28. See files/LICENSE-MNIST.md."""

from __future__ import annotations

import gzip
import hashlib
import zlib
from pathlib import Path

import torch
from torch import Tensor

from modelcheck.errors import ModelcheckError, UsageError
from modelcheck.training.datasets import Dataset

FILES = Path(__file__).parent / "files"
CLASSES = 10
SHA256 = {
    "train-images-idx3-ubyte": "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
    "train-labels-idx1-ubyte": "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
    "t10k-images-idx3-ubyte": "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
    "t10k-labels-idx1-ubyte": "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
}


def load(data_dir: Path | None = None) -> Dataset:
    """MNIST from the package, or from ``data_dir``/MNIST/raw as ``torchvision.datasets.MNIST`` lays it out.

    Other data in MNIST's form (Fashion-MNIST in MNIST's folder) loads too, and is not ``official``.

    Args:
        data_dir: torchvision's ``root``.

    Raises:
        UsageError: a file of the user's is missing, truncated, or not in MNIST's form.
        ModelcheckError: a packaged file is missing or damaged.
    """
    tensors, official = _packaged() if data_dir is None else _from_folder(Path(data_dir) / "MNIST" / "raw")
    train_images, train_labels, test_images, test_labels = tensors
    return Dataset(
        name="mnist",
        train_images=train_images.unsqueeze(1),
        train_labels=train_labels.long(),
        test_images=test_images.unsqueeze(1),
        test_labels=test_labels.long(),
        mean=(0.1307,),
        std=(0.3081,),
        classes=CLASSES,
        official=official,
    )


def _packaged() -> tuple[list[Tensor], bool]:
    """The four packaged files, decompressed and checked."""
    tensors = []
    for file, sha256 in SHA256.items():
        path = FILES / f"{file}.gz"
        again = "The installation is damaged: install modelcheck again, or give --data-dir."
        try:
            data = gzip.decompress(path.read_bytes())
        except (OSError, EOFError, zlib.error) as error:
            raise ModelcheckError(f"{path}: the packaged MNIST cannot be read ({error}). {again}") from error
        if _sha256(data) != sha256:
            raise ModelcheckError(f"{path}: this is not MNIST: SHA-256 {_sha256(data)}, expected {sha256}. {again}")
        # a copy, since torch warns about tensors over memory that must not be written to; the header is checked
        # with the rest by the checksum
        header, shape = (16, (-1, 28, 28)) if "images" in file else (8, (-1,))
        tensors.append(torch.frombuffer(bytearray(data), dtype=torch.uint8, offset=header).reshape(shape))
    return tensors, True


def _from_folder(folder: Path) -> tuple[list[Tensor], bool]:
    """The four files of the user's folder as torchvision reads them, checked to be of MNIST's form."""
    from torchvision.datasets.mnist import read_image_file, read_label_file

    tensors = []
    for file in SHA256:
        if not (folder / file).is_file():
            raise UsageError(_missing(folder, file))
        read = read_image_file if "images" in file else read_label_file
        try:
            tensors.append(read(str(folder / file)))
        except (OSError, ValueError, TypeError, AssertionError, IndexError, KeyError, RuntimeError) as error:
            detail = " ".join(str(error).split()) or "it does not start as an idx file does"
            raise UsageError(f"{folder / file}: not MNIST's {file}: {detail}.") from error
    _check_split(folder, "train", *tensors[:2])
    _check_split(folder, "t10k", *tensors[2:])
    return tensors, all(_sha256((folder / file).read_bytes()) == SHA256[file] for file in SHA256)


def _missing(folder: Path, file: str) -> str:
    packed = " Only its .gz is there: unpack it with gunzip." if (folder / f"{file}.gz").is_file() else ""
    return (
        f"{folder}: no MNIST here: {file} is missing.{packed} Expected are the files {', '.join(SHA256)}, as "
        "torchvision.datasets.MNIST(root) keeps them in root/MNIST/raw."
    )


def _check_split(folder: Path, split: str, images: Tensor, labels: Tensor) -> None:
    """Raise UsageError unless one split is of the form that MNIST's has."""
    image_file, label_file = f"{split}-images-idx3-ubyte", f"{split}-labels-idx1-ubyte"
    if images.shape[1:] != (28, 28):
        raise UsageError(f"{folder / image_file}: expected images of 28x28 (Nx28x28), found {_shape(images)}.")
    if len(labels) != len(images):
        raise UsageError(
            f"{folder / label_file}: expected one label for each of the {len(images)} images in "
            f"{image_file}, found {_shape(labels)}."
        )
    if int(labels.max()) >= CLASSES:
        raise UsageError(f"{folder / label_file}: expected labels from 0 to 9, found {int(labels.max())}.")


def _shape(tensor: Tensor) -> str:
    return "x".join(map(str, tensor.shape))


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
