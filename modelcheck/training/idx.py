"""Datasets in four idx files: MNIST, and those that took its form."""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from torch import Tensor

from modelcheck.errors import UsageError
from modelcheck.training.datasets import Dataset, MissingData
from modelcheck.training.pixels import mean_and_std

CLASSES = 10
MNIST_FILES = (
    "train-images-idx3-ubyte",
    "train-labels-idx1-ubyte",
    "t10k-images-idx3-ubyte",
    "t10k-labels-idx1-ubyte",
)


@dataclass(frozen=True, kw_only=True)
class IdxFiles:
    """Where the files of a dataset are, and when they are the published ones.

    Args:
        name: what the dataset is asked for by.
        title: its proper name.
        folder: where torchvision keeps the files, in its root.
        files: their names: training images and labels, test images and labels.
        published: whether these contents, by name, are the published ones to the bit; the folder may hold their
            archive.
    """

    name: str
    title: str
    folder: str
    files: tuple[str, str, str, str] = MNIST_FILES
    published: Callable[[Path, Mapping[str, bytes]], bool]


def load_idx(layout: IdxFiles, data_dir: Path) -> Dataset:
    """The dataset in torchvision's folder in ``data_dir``, or in ``data_dir`` itself, unpacked or as ``.gz``.

    Other data of that form load too, and are not ``official``.

    Raises:
        MissingData: a file is not there.
        UsageError: a file is truncated, or not in MNIST's form.
    """
    folder = _folder(layout, data_dir)
    tensors, contents = [], {}
    with TemporaryDirectory() as unpacked:
        for file in layout.files:
            tensor, contents[file] = _read(layout, folder, file, unpacked)
            tensors.append(tensor)
    train_images, train_labels, test_images, test_labels = tensors
    _check_split(folder, layout.files[:2], train_images, train_labels)
    _check_split(folder, layout.files[2:], test_images, test_labels)
    mean, std = mean_and_std(train_images.unsqueeze(1))
    return Dataset(
        name=layout.name,
        train_images=train_images.unsqueeze(1),
        train_labels=train_labels.long(),
        test_images=test_images.unsqueeze(1),
        test_labels=test_labels.long(),
        mean=mean,
        std=std,
        classes=CLASSES,
        official=layout.published(folder, contents),
    )


def sha256(data: bytes) -> str:
    """The checksum, in hexadecimal digits."""
    return hashlib.sha256(data).hexdigest()


def _folder(layout: IdxFiles, data_dir: Path) -> Path:
    """The folder that has all four files.

    Raises:
        MissingData: none has.
    """
    folder, missing = min(
        (
            (one, [file for file in layout.files if not _packed_or_not(one / file)])
            for one in (data_dir / layout.folder, data_dir)
        ),
        key=lambda found: len(found[1]),
    )
    if missing:
        raise MissingData(
            f"{folder}: no {layout.title} here: {missing[0]} is missing, unpacked and as .gz. Expected are the files "
            f"{', '.join(layout.files)}, as torchvision keeps them in DIR/{layout.folder}; --download fetches them."
        )
    return folder


def _packed_or_not(path: Path) -> Path | None:
    """The file, or else the same as ``.gz``, whichever is there."""
    return next((one for one in (path, path.with_name(f"{path.name}.gz")) if one.is_file()), None)


def _read(layout: IdxFiles, folder: Path, file: str, unpacked: str) -> tuple[Tensor, bytes]:
    """The tensor in a file as torchvision reads it, and its bytes; what is packed is unpacked into that folder."""
    from torchvision.datasets.mnist import read_image_file, read_label_file
    from torchvision.datasets.utils import extract_archive

    found = _packed_or_not(folder / file)
    assert found is not None
    read = read_image_file if "images" in file else read_label_file
    try:
        path = Path(extract_archive(str(found), unpacked)) if found.suffix == ".gz" else found
        return read(path), path.read_bytes()
    except (
        *(OSError, EOFError, zlib.error),
        *(ValueError, TypeError, AssertionError, IndexError, KeyError, RuntimeError),
    ) as error:
        detail = " ".join(str(error).split()) or "it does not start as an idx file does"
        again = "Where it shall be the published one, remove it and give --download."
        raise UsageError(f"{found}: not {layout.title}'s {file}: {detail}. {again}") from error


def _check_split(folder: Path, files: tuple[str, ...], images: Tensor, labels: Tensor) -> None:
    """Raise UsageError unless one split is of the form that MNIST's has."""
    image_file, label_file = files
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
