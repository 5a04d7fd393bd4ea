"""One dataset a module, found by listing this folder; each has ``load(data_dir) -> Dataset``.

One that is published has ``download(root)`` too, which fetches it into an empty folder, in torchvision's layout.
"""

from __future__ import annotations

import importlib
import pkgutil
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from modelcheck.errors import UsageError
from modelcheck.names import unknown_name

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True, kw_only=True)
class Dataset:
    """Labelled images in memory.

    Args:
        name: the name it is asked for by.
        train_images: uint8, (N, C, H, W), as are ``test_images``.
        train_labels: int64, (N,), each below ``classes``, as are ``test_labels``.
        mean: per channel, on the scale of 0 to 1, as is ``std``; what normalising subtracts and divides by.
        official: whether these are, to the bit, the published data of that name, by checksum.
    """

    name: str
    train_images: Tensor
    train_labels: Tensor
    test_images: Tensor
    test_labels: Tensor
    mean: tuple[float, ...]
    std: tuple[float, ...]
    classes: int
    official: bool

    @property
    def input_shape(self) -> tuple[int, ...]:
        """Shape (C, H, W) of one image."""
        return tuple(self.train_images.shape[1:])


class MissingData(UsageError):
    """The folder that the user named does not hold the dataset."""


def dataset_names() -> tuple[str, ...]:
    """Names of all datasets, sorted; imports none of them, and no torch."""
    modules = (module.name for module in pkgutil.iter_modules(__path__))
    return tuple(sorted(name.replace("_", "-") for name in modules))


def load_dataset(name: str = "mnist", data_dir: Path | None = None, *, download: bool = False) -> Dataset:
    """The dataset of that name, from the package or from a folder of the user's.

    Args:
        name: one of ``dataset_names()``.
        data_dir: where to read it from, in the layout that torchvision gives it; None: as it is packaged.
        download: fetch it into ``data_dir`` first, unless it is there. Without it nothing is ever downloaded.

    Raises:
        UsageError: no dataset has that name, what ``data_dir`` holds is not in that form, or it cannot be downloaded.
        ModelcheckError: the packaged files are missing or damaged.
    """
    if name not in dataset_names():
        raise UsageError(unknown_name("dataset", name, dataset_names()))
    module = importlib.import_module(f"{__name__}.{name.replace('-', '_')}")
    if not download:
        found: Dataset = module.load(data_dir)
        return found
    if data_dir is None:
        raise UsageError("--download: say with --data-dir DIR where to keep the data")
    if not hasattr(module, "download"):
        raise UsageError(f"--download: the dataset {name} is your own, and published nowhere: leave --download out")
    try:
        found = module.load(data_dir)
    except MissingData:
        from modelcheck.training.download import fetch

        fetch(name, module.download, data_dir)
        found = module.load(data_dir)
    return found


def not_packaged(name: str, layout: str) -> UsageError:
    """The error for a published dataset that is not in the package, where the user names no folder.

    Args:
        name: the dataset's.
        layout: where in DIR its files lie.
    """
    return UsageError(
        f"{name} is not in the package: give --data-dir DIR, where {layout}; with --download --data-dir DIR it is "
        "downloaded there"
    )
