"""MNIST: 60,000 training and 10,000 test images of handwritten digits, 28x28. See files/LICENSE-MNIST.md."""

from __future__ import annotations

import gzip
import hashlib
import zlib
from pathlib import Path

from torch import Tensor

from modelcheck.errors import ModelcheckError, UsageError
from modelcheck.training.datasets import Dataset
from modelcheck.training.idx import parse_idx

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
        data_dir: torchvision's ``root``; the files in it may be gzipped.

    Raises:
        UsageError: a file of the user's is missing, truncated, or not in MNIST's form.
        ModelcheckError: a packaged file is missing or damaged.
    """
    raw = _packaged() if data_dir is None else _from_folder(Path(data_dir) / "MNIST" / "raw")
    where = FILES if data_dir is None else Path(data_dir) / "MNIST" / "raw"
    train_images, train_labels = _split(raw, "train", where)
    test_images, test_labels = _split(raw, "t10k", where)
    return Dataset(
        name="mnist",
        train_images=train_images,
        train_labels=train_labels,
        test_images=test_images,
        test_labels=test_labels,
        mean=(0.1307,),
        std=(0.3081,),
        classes=CLASSES,
        official=all(_sha256(raw[file]) == SHA256[file] for file in SHA256),
    )


def _packaged() -> dict[str, bytes]:
    """The four packaged files, decompressed and checked."""
    raw = {}
    for file, sha256 in SHA256.items():
        path = FILES / f"{file}.gz"
        again = "The installation is damaged: install modelcheck again, or give --data-dir."
        try:
            raw[file] = _read(path)
        except (OSError, EOFError, zlib.error) as error:
            raise ModelcheckError(f"{path}: the packaged MNIST cannot be read ({error}). {again}") from error
        if _sha256(raw[file]) != sha256:
            raise ModelcheckError(
                f"{path}: this is not MNIST: SHA-256 {_sha256(raw[file])}, expected {sha256}. {again}"
            )
    return raw


def _from_folder(folder: Path) -> dict[str, bytes]:
    """The four files of the user's folder, each plain or, where only that is there, gzipped."""
    return {file: _read_user_file(folder, file) for file in SHA256}


def _read_user_file(folder: Path, file: str) -> bytes:
    paths = [path for path in (folder / file, folder / f"{file}.gz") if path.is_file()]
    if not paths:
        raise UsageError(
            f"{folder}: no MNIST here: {file} (or {file}.gz) is missing. Expected are the files "
            f"{', '.join(SHA256)}, as torchvision.datasets.MNIST(root) keeps them in root/MNIST/raw."
        )
    try:
        return _read(paths[0])
    except (OSError, EOFError, zlib.error) as error:
        raise UsageError(f"{paths[0]}: cannot be read: {error}. Expected was MNIST's {file}.") from error


def _read(path: Path) -> bytes:
    data = path.read_bytes()
    return gzip.decompress(data) if path.suffix == ".gz" else data


def _split(raw: dict[str, bytes], split: str, folder: Path) -> tuple[Tensor, Tensor]:
    """Images (N, 1, 28, 28) and labels (N,) of one split, of the form that MNIST's must have."""
    image_file, label_file = f"{split}-images-idx3-ubyte", f"{split}-labels-idx1-ubyte"
    images, labels = _parse(raw, image_file, folder), _parse(raw, label_file, folder)
    if images.dim() != 3 or images.shape[1:] != (28, 28):
        raise UsageError(f"{folder / image_file}: expected images of 28x28 (Nx28x28), found {_shape(images)}.")
    if labels.dim() != 1 or len(labels) != len(images):
        raise UsageError(
            f"{folder / label_file}: expected one label for each of the {len(images)} images in "
            f"{image_file}, found {_shape(labels)}."
        )
    if int(labels.max()) >= CLASSES:
        raise UsageError(f"{folder / label_file}: expected labels from 0 to 9, found {int(labels.max())}.")
    return images.unsqueeze(1), labels.long()


def _parse(raw: dict[str, bytes], file: str, folder: Path) -> Tensor:
    try:
        return parse_idx(raw[file])
    except ValueError as error:
        raise UsageError(f"{folder / file}: not MNIST's {file}: {error}.") from error


def _shape(tensor: Tensor) -> str:
    return "x".join(map(str, tensor.shape))


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
