"""Kuzushiji-MNIST: 60,000 training and 10,000 test images of ten cursive hiragana, 28x28, in MNIST's form."""

from __future__ import annotations

import gzip
from collections.abc import Mapping
from pathlib import Path

from torchvision.datasets import KMNIST
from torchvision.datasets.utils import check_integrity

from modelcheck.training.datasets import Dataset, not_packaged
from modelcheck.training.idx import IdxFiles, load_idx


def load(data_dir: Path | None) -> Dataset:
    """KMNIST from torchvision's folder in ``data_dir``, or from ``data_dir`` itself.

    It is ``official`` where the ``.gz`` files are there, as torchvision leaves them: their checksums are what is known.

    Raises:
        UsageError: there is no ``data_dir``, or a file in it is missing, truncated, or not in MNIST's form.
    """
    if data_dir is None:
        raise not_packaged(LAYOUT.name, f"its files lie in DIR/{LAYOUT.folder}, or in DIR itself")
    return load_idx(LAYOUT, data_dir)


def download(root: Path) -> None:
    """Fetch KMNIST into that folder."""
    KMNIST(root, download=True)


def _published(folder: Path, contents: Mapping[str, bytes]) -> bool:
    """Whether these are what the published archives hold."""
    return all(
        check_integrity(folder / archive, md5)
        and gzip.decompress((folder / archive).read_bytes()) == contents[archive.removesuffix(".gz")]
        for archive, md5 in KMNIST.resources
    )


LAYOUT = IdxFiles(name="kmnist", title="KMNIST", folder="KMNIST/raw", published=_published)
