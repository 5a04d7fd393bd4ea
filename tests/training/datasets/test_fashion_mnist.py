from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from modelcheck.training.datasets import load_dataset
from modelcheck.training.idx import MNIST_FILES

from .making import idx_contents, write

DEBIAN = Path("/usr/share/datasets/fashion-mnist")
debian = pytest.mark.skipif(not DEBIAN.is_dir(), reason="Debian's package dataset-fashion-mnist is not installed")


@debian
def test_debians_package_has_the_published_data() -> None:
    dataset = load_dataset("fashion-mnist", DEBIAN)
    assert dataset.official
    assert (dataset.name, dataset.classes, dataset.input_shape) == ("fashion-mnist", 10, (1, 28, 28))
    assert (len(dataset.train_images), len(dataset.test_images)) == (60_000, 10_000)
    assert dataset.train_labels.bincount().tolist() == [6_000] * 10
    assert dataset.train_labels[:5].tolist() == [9, 0, 0, 3, 0]
    pixels = dataset.train_images.float() / 255
    assert dataset.mean == pytest.approx((pixels.mean().item(),), abs=1e-5)
    assert dataset.std == pytest.approx((pixels.std().item(),), abs=1e-5)


@debian
def test_in_the_place_of_mnist_it_is_not_mnist() -> None:
    assert not load_dataset("mnist", DEBIAN).official


@debian
def test_one_other_file_and_the_data_are_not_the_published(tmp_path: Path) -> None:
    shutil.copytree(DEBIAN, tmp_path, dirs_exist_ok=True)
    labels = MNIST_FILES[3]
    (tmp_path / f"{labels}.gz").unlink()
    write(tmp_path, {labels: idx_contents(MNIST_FILES, test=10_000)[labels]})
    assert not load_dataset("fashion-mnist", tmp_path).official


def test_other_data_of_the_same_form_are_told_apart(tmp_path: Path) -> None:
    write(tmp_path / "FashionMNIST" / "raw", idx_contents(MNIST_FILES))
    dataset = load_dataset("fashion-mnist", tmp_path)
    assert (dataset.official, len(dataset.train_images)) == (False, 5)
