"""Fashion-MNIST: 60,000 training and 10,000 test images of Zalando's articles, 28x28, in MNIST's form."""

from __future__ import annotations

from pathlib import Path

from torchvision.datasets import FashionMNIST

from modelcheck.training.datasets import Dataset, not_packaged
from modelcheck.training.idx import IdxFiles, load_idx, sha256

# of the unpacked files: Debian's dataset-fashion-mnist has them packed anew
SHA256 = {
    "train-images-idx3-ubyte": "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888",
    "train-labels-idx1-ubyte": "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9",
    "t10k-images-idx3-ubyte": "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b",
    "t10k-labels-idx1-ubyte": "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34",
}
LAYOUT = IdxFiles(
    name="fashion-mnist",
    title="Fashion-MNIST",
    folder="FashionMNIST/raw",
    published=lambda _, contents: all(sha256(contents[file]) == SHA256[file] for file in SHA256),
)


def load(data_dir: Path | None) -> Dataset:
    """Fashion-MNIST from torchvision's folder in ``data_dir``, or from ``data_dir`` itself.

    Raises:
        UsageError: there is no ``data_dir``, or a file in it is missing, truncated, or not in MNIST's form.
    """
    if data_dir is None:
        raise not_packaged(
            LAYOUT.name,
            f"its files lie in DIR/{LAYOUT.folder}, or in DIR itself (Debian's package dataset-fashion-mnist puts them "
            "into /usr/share/datasets/fashion-mnist)",
        )
    return load_idx(LAYOUT, data_dir)


def download(root: Path) -> None:
    """Fetch Fashion-MNIST into that folder."""
    FashionMNIST(root, download=True)
