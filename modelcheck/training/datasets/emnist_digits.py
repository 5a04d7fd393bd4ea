"""EMNIST's digits: 240,000 training and 40,000 test images of handwritten digits, 28x28, in MNIST's form."""

from __future__ import annotations

import gzip
from collections.abc import Mapping
from pathlib import Path
from zipfile import ZipFile

from torchvision.datasets import EMNIST
from torchvision.datasets.utils import check_integrity

from modelcheck.training.datasets import Dataset, not_packaged
from modelcheck.training.idx import IdxFiles, load_idx

ARCHIVE = "gzip.zip"


def load(data_dir: Path | None) -> Dataset:
    """EMNIST's digits from torchvision's folder in ``data_dir``, or from ``data_dir`` itself.

    They are as they are published and as torchvision gives them: rows and columns are exchanged. They are ``official``
    where the archive is there, as torchvision leaves it: its checksum is what is known.

    Raises:
        UsageError: there is no ``data_dir``, or a file in it is missing, truncated, or not in MNIST's form.
    """
    if data_dir is None:
        raise not_packaged(LAYOUT.name, f"its files lie in DIR/{LAYOUT.folder}, or in DIR itself")
    return load_idx(LAYOUT, data_dir)


def download(root: Path) -> None:
    """Fetch EMNIST, all splits of which are in one archive, into that folder."""
    EMNIST(root, split="digits", download=True)


def _published(folder: Path, contents: Mapping[str, bytes]) -> bool:
    """Whether these are what the published archive holds."""
    if not check_integrity(folder / ARCHIVE, EMNIST.md5):
        return False
    with ZipFile(folder / ARCHIVE) as archive:
        return all(gzip.decompress(archive.read(f"gzip/{file}.gz")) == data for file, data in contents.items())


LAYOUT = IdxFiles(
    name="emnist-digits",
    title="EMNIST's digits",
    folder="EMNIST/raw",
    files=(
        "emnist-digits-train-images-idx3-ubyte",
        "emnist-digits-train-labels-idx1-ubyte",
        "emnist-digits-test-images-idx3-ubyte",
        "emnist-digits-test-labels-idx1-ubyte",
    ),
    published=_published,
)
