from __future__ import annotations

import gzip
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torchvision.datasets import MNIST

from modelcheck.errors import ModelcheckError, UsageError
from modelcheck.training.datasets import Dataset, load_dataset
from modelcheck.training.datasets.mnist import FILES, SHA256

from .making import idx

IMAGES, LABELS = "train-images-idx3-ubyte", "train-labels-idx1-ubyte"


@pytest.fixture
def raw(tmp_path: Path) -> Path:
    """torchvision's folder, with five training and three test images of MNIST's form in it."""
    folder = tmp_path / "MNIST" / "raw"
    folder.mkdir(parents=True)
    for split, count in (("train", 5), ("t10k", 3)):
        (folder / f"{split}-images-idx3-ubyte").write_bytes(idx(count, 28, 28))
        (folder / f"{split}-labels-idx1-ubyte").write_bytes(idx(count, value=9))
    return folder


def test_packaged_mnist_is_mnist(mnist: Dataset) -> None:
    assert mnist.official
    assert mnist.input_shape == (1, 28, 28)
    assert mnist.train_images.shape == (60000, 1, 28, 28)
    assert mnist.test_images.shape == (10000, 1, 28, 28)
    assert (mnist.train_images.dtype, mnist.train_labels.dtype) == (torch.uint8, torch.int64)
    assert mnist.train_labels[:5].tolist() == [5, 0, 4, 1, 9]
    assert len(mnist.test_labels) == 10000
    pixels = mnist.train_images.double() / 255
    assert (round(pixels.mean().item(), 4), round(pixels.std().item(), 4)) == (mnist.mean[0], mnist.std[0])


def test_the_users_folder_gives_what_torchvision_reads(mnist: Dataset, tmp_path: Path) -> None:
    folder = tmp_path / "MNIST" / "raw"
    folder.mkdir(parents=True)
    for packed in FILES.glob("*.gz"):
        (folder / packed.stem).write_bytes(gzip.decompress(packed.read_bytes()))
    dataset = load_dataset("mnist", tmp_path)
    assert dataset.official
    for train, images, labels in (
        (True, dataset.train_images, dataset.train_labels),
        (False, dataset.test_images, dataset.test_labels),
    ):
        theirs = MNIST(tmp_path, train=train, download=False)
        assert torch.equal(images[:, 0], theirs.data)
        assert torch.equal(labels, theirs.targets)


def test_a_folder_of_packed_files_is_read(tmp_path: Path, mnist: Dataset) -> None:
    shutil.copytree(FILES, tmp_path / "MNIST" / "raw")
    dataset = load_dataset("mnist", tmp_path)
    assert dataset.official
    assert dataset.test_images.equal(mnist.test_images)
    assert (dataset.mean, dataset.std) == (mnist.mean, mnist.std)


def test_a_packed_file_that_is_cut_off_is_told(raw: Path) -> None:
    packed = raw / f"{LABELS}.gz"
    packed.write_bytes(gzip.compress((raw / LABELS).read_bytes())[:-9])
    (raw / LABELS).unlink()
    with pytest.raises(
        UsageError, match=rf"{LABELS}\.gz: not MNIST's {LABELS}: .*ended.*remove it and give --download"
    ):
        load_dataset("mnist", raw.parents[1])


def test_files_that_lie_in_the_folder_itself_are_read(raw: Path) -> None:
    assert len(load_dataset("mnist", raw).train_images) == 5
    (raw / LABELS).unlink()
    with pytest.raises(UsageError, match=f"{raw}: no MNIST here: {LABELS} is missing, unpacked and as .gz"):
        load_dataset("mnist", raw)


def test_other_data_of_the_same_form_is_told_apart(raw: Path) -> None:
    dataset = load_dataset("mnist", raw.parents[1])
    assert not dataset.official
    assert dataset.train_images.shape == (5, 1, 28, 28)
    assert dataset.test_labels.tolist() == [9, 9, 9]


def _truncate(folder: Path) -> None:
    (folder / IMAGES).write_bytes(idx(5, 28, 28)[:-1])


def _write(file: str, data: bytes) -> Callable[[Path], object]:
    return lambda folder: (folder / file).write_bytes(data)


@pytest.mark.parametrize(
    ("damage", "file", "text"),
    [
        (
            lambda folder: (folder / LABELS).unlink(),
            "",
            f"no MNIST here: {LABELS} is missing",
        ),
        (_truncate, IMAGES, "invalid for input of size 3919"),
        (_write(IMAGES, b"\x89PNG random bytes"), IMAGES, f"not MNIST's {IMAGES}: "),
        (_write(IMAGES, idx(5, 32, 32)), IMAGES, "expected images of 28x28 (Nx28x28), found 5x32x32"),
        (_write(IMAGES, idx(5 * 784)), IMAGES, f"not MNIST's {IMAGES}: "),
        (_write(LABELS, idx(4)), LABELS, f"one label for each of the 5 images in {IMAGES}, found 4."),
        (_write(LABELS, idx(5, value=10)), LABELS, "expected labels from 0 to 9, found 10"),
        (_write(IMAGES, b""), IMAGES, f"not MNIST's {IMAGES}: "),
        (_write(IMAGES, idx(0, 28, 28)), IMAGES, f"not MNIST's {IMAGES}: "),
        (_write(LABELS, bytes([0, 0, 0x0D, 1, 0, 0, 0, 1]) + b"1234"), LABELS, f"not MNIST's {LABELS}: "),
    ],
)
def test_a_wrong_folder_is_one_clear_error(raw: Path, damage: Callable[[Path], object], file: str, text: str) -> None:
    damage(raw)
    with pytest.raises(UsageError) as caught:
        load_dataset("mnist", raw.parents[1])
    assert str(caught.value).startswith(f"{raw / file}: ")
    assert text in str(caught.value)


def test_a_folder_that_is_not_there_is_the_same_error(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"MNIST/raw: no MNIST here: .* in DIR/MNIST/raw;"):
        load_dataset("mnist", tmp_path / "nowhere")


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (
            gzip.compress(idx(5), mtime=0),
            "this is not MNIST: SHA-256 [0-9a-f]{64}, expected 65a50cbb.*install modelcheck",
        ),
        (b"no gzip", "cannot be read.*install modelcheck again"),
        (None, "cannot be read.*No such file.*install modelcheck again"),
    ],
)
def test_a_damaged_package_is_one_clear_error(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, data: bytes | None, text: str
) -> None:
    shutil.copytree(FILES, tmp_path / "files")
    path = tmp_path / "files" / f"{LABELS}.gz"
    path.unlink() if data is None else path.write_bytes(data)
    monkeypatch.setattr("modelcheck.training.datasets.mnist.FILES", tmp_path / "files")
    with pytest.raises(ModelcheckError, match=f"{LABELS}.gz: .*{text}") as caught:
        load_dataset("mnist")
    assert caught.value.exit_status == 4


def test_the_credits_are_in_the_package() -> None:
    text = (FILES / "LICENSE-MNIST.md").read_text(encoding="utf-8")
    for words in ("Yann LeCun", "Corinna Cortes", "Burges", "CC BY-SA 3.0", *SHA256.values()):
        assert words in text
