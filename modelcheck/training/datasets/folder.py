"""The user's own images in folders: DIR/train/CLASS/*.png and DIR/test/CLASS/*.png, as torchvision's ImageFolder."""

from __future__ import annotations

from pathlib import Path

import torch
from PIL import Image
from torch import Tensor
from torchvision.datasets import ImageFolder
from torchvision.transforms.functional import pil_to_tensor

from modelcheck.errors import UsageError
from modelcheck.training.datasets import Dataset
from modelcheck.training.pixels import mean_and_std

MODES = ("L", "RGB", "RGBA")  # Pillow's names: grey, colour, colour with alpha; each has another number of channels
_EXPECTED = (
    "Expected are images in DIR/train/CLASS/ and DIR/test/CLASS/, such as DIR/train/cat/1.png; DIR is the folder that "
    "--data-dir names"
)


def load(data_dir: Path | None) -> Dataset:
    """The images below ``data_dir``, all of one size and mode; labels are the classes' names in their sorted order.

    Raises:
        UsageError: there is no ``data_dir``, a folder is missing or empty, the classes of both splits are not the same,
            or a file is no image, or of another size or mode than the first.
    """
    if data_dir is None:
        raise UsageError(f"folder: say with --data-dir where your images are. {_EXPECTED}")
    train, test = _split(data_dir / "train"), _split(data_dir / "test")
    _check_classes(data_dir, train.classes, test.classes)
    images = _images([Path(path) for path, _ in train.samples + test.samples])
    train_images, test_images = images[: len(train)], images[len(train) :]
    mean, std = mean_and_std(train_images)
    return Dataset(
        name="folder",
        train_images=train_images,
        train_labels=torch.tensor(train.targets),
        test_images=test_images,
        test_labels=torch.tensor(test.targets),
        mean=mean,
        std=std,
        classes=len(train.classes),
        official=False,
    )


def _split(folder: Path) -> ImageFolder:
    """The paths of one split's images, by class."""
    if not folder.is_dir():
        raise UsageError(f"{folder}: there is no such folder. {_EXPECTED}")
    try:
        return ImageFolder(folder)
    except OSError as error:  # torchvision names the classes without images, and which suffixes images have
        raise UsageError(f"{folder}: {error}. {_EXPECTED}") from None


def _check_classes(data_dir: Path, train: list[str], test: list[str]) -> None:
    """Raise UsageError unless both splits have the same classes, and more than one."""
    for name in sorted({*train} ^ {*test}):
        there, missing = ("train", "test") if name in train else ("test", "train")
        raise UsageError(f"{data_dir}: the class {name} is in {there} and not in {missing}: both need the same classes")
    if len(train) < 2:
        raise UsageError(f"{data_dir / 'train'}: at least two classes are expected, and {train[0]} is the only one")


def _images(paths: list[Path]) -> Tensor:
    """The images, uint8, (N, C, H, W)."""
    shape = _image(paths[0]).shape
    try:
        images = torch.empty(len(paths), *shape, dtype=torch.uint8)
    except RuntimeError:
        size = len(paths) * shape.numel() / 2**30
        raise UsageError(f"{len(paths):,} images of {_text(shape)} take {size:,.0f} GiB, which is not there") from None
    for index, path in enumerate(paths):
        image = _image(path)
        if image.shape != shape:
            raise UsageError(
                f"{path}: all images must be of one size and mode: this one is {_text(image.shape)} (channels x rows x "
                f"columns), and the first, {paths[0]}, is {_text(shape)}"
            )
        images[index] = image
    return images


def _image(path: Path) -> Tensor:
    """The image, uint8, (C, H, W)."""
    try:
        with Image.open(path) as image:
            if image.mode in MODES:
                return pil_to_tensor(image)
            mode = image.mode
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise UsageError(f"{path}: this is no image that can be read: {error}") from None
    raise UsageError(f"{path}: expected an image of mode {', '.join(MODES)}, found {mode}: convert it to one of these")


def _text(shape: tuple[int, ...]) -> str:
    return "x".join(map(str, shape))
