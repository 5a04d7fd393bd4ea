from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from modelcheck.errors import UsageError
from modelcheck.training.datasets import load_dataset

from .making import write_image


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    """Grey images of three classes, three to train and one to test of each."""
    for level, name in ((10, "cat"), (20, "dog"), (30, "Emu")):
        for number in range(3):
            write_image(tmp_path / "train" / name / f"{number}.png", level)
        write_image(tmp_path / "test" / name / "a.png", level + 1)
    (tmp_path / "train" / "cat" / "notes.txt").write_text("no image")
    return tmp_path


def test_images_and_labels_are_those_of_the_folders(pictures: Path) -> None:
    dataset = load_dataset("folder", pictures)
    assert (dataset.name, dataset.official, dataset.classes, dataset.input_shape) == ("folder", False, 3, (1, 5, 7))
    assert (dataset.train_images.dtype, dataset.train_labels.dtype) == (torch.uint8, torch.int64)
    assert dataset.train_labels.tolist() == [0, 0, 0, 1, 1, 1, 2, 2, 2], "Emu, cat, dog"
    assert dataset.train_images[:, 0, 0, 0].tolist() == [30, 30, 30, 10, 10, 10, 20, 20, 20]
    assert dataset.test_labels.tolist() == [0, 1, 2]
    assert dataset.test_images[:, 0, 4, 6].tolist() == [31, 11, 21]
    assert dataset.mean == pytest.approx((20 / 255,))
    assert dataset.std == pytest.approx((200**0.5 / 3**0.5 / 255,))


@pytest.mark.parametrize(("mode", "colour"), [("RGB", (9, 8, 7)), ("RGBA", (9, 8, 7, 255))])
def test_channels_are_the_modes(tmp_path: Path, mode: str, colour: tuple[int, ...]) -> None:
    for split in ("train", "test"):
        for name in ("one", "two"):
            write_image(tmp_path / split / name / "1.png", colour, mode=mode)
    dataset = load_dataset("folder", tmp_path)
    assert dataset.input_shape == (len(mode), 5, 7)
    assert dataset.train_images[0, :, 0, 0].tolist() == list(colour)
    assert dataset.std == (1.0,) * len(mode), "a channel of one value is not divided by zero"


def _without(name: str) -> Callable[[Path], object]:
    def remove(folder: Path) -> None:
        for path in (folder / name).iterdir():
            path.unlink()
        (folder / name).rmdir()

    return remove


@pytest.mark.parametrize(
    ("damage", "file", "text"),
    [
        (lambda folder: write_image(folder / "train/cat/1.png", size=(7, 6)), "train/cat/1.png", "this one is 1x6x7"),
        (lambda folder: write_image(folder / "test/Emu/a.png", mode="RGB"), "test/Emu/a.png", "this one is 3x5x7"),
        (lambda folder: write_image(folder / "test/dog/a.png", mode="P"), "test/dog/a.png", "L, RGB, RGBA, found P"),
        (lambda folder: (folder / "train/dog/2.png").write_text("no"), "train/dog/2.png", "no image that can be read"),
        (
            lambda folder: (folder / "train/dog/2.png").write_bytes((folder / "train/dog/1.png").read_bytes()[:45]),
            "train/dog/2.png",
            "no image that can be read",
        ),
        (lambda folder: (folder / "test").rename(folder / "val"), "test", "no such folder. Expected are images in DIR"),
        (lambda folder: (folder / "test" / "fox").mkdir(), "test", "fox"),
        (lambda folder: write_image(folder / "test/fox/1.png"), "", "the class fox is in test and not in train"),
        (_without("test/dog"), "", "the class dog is in train and not in test"),
    ],
)
def test_what_does_not_fit_is_one_clear_error(
    pictures: Path, damage: Callable[[Path], object], file: str, text: str
) -> None:
    damage(pictures)
    with pytest.raises(UsageError) as caught:
        load_dataset("folder", pictures)
    assert str(caught.value).startswith(f"{pictures / file}: ")
    assert text in str(caught.value)


def test_the_first_image_is_named_beside_the_one_that_differs(pictures: Path) -> None:
    write_image(pictures / "train" / "dog" / "0.png", size=(8, 8))
    with pytest.raises(UsageError, match=r"dog/0\.png: .*1x8x8 .*the first, .*Emu/0\.png, is 1x5x7"):
        load_dataset("folder", pictures)


def test_one_class_is_none_to_tell_from(tmp_path: Path) -> None:
    for split in ("train", "test"):
        write_image(tmp_path / split / "cat" / "1.png")
    with pytest.raises(UsageError, match="at least two classes are expected, and cat is the only one"):
        load_dataset("folder", tmp_path)


def test_without_a_folder_the_layout_is_told() -> None:
    with pytest.raises(UsageError, match=r"say with --data-dir where your images are.*DIR/train/cat/1\.png"):
        load_dataset("folder")


def test_more_than_the_memory_is_told(pictures: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise RuntimeError("DefaultCPUAllocator: can't allocate memory")

    monkeypatch.setattr(torch, "empty", refuse)
    with pytest.raises(UsageError, match="12 images of 1x5x7 take 0 GiB"):
        load_dataset("folder", pictures)
