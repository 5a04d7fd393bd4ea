"""Small data sets in the form of the published ones."""

from __future__ import annotations

import gzip
import hashlib
import random
from collections.abc import Sequence
from pathlib import Path

import torch
from PIL import Image


def idx(*shape: int, value: int = 1) -> bytes:
    """An idx file of bytes that are all the same."""
    return head(*shape) + bytes([value]) * torch.Size(shape).numel()


def head(*shape: int) -> bytes:
    return bytes([0, 0, 8, len(shape)]) + b"".join(side.to_bytes(4, "big") for side in shape)


def idx_contents(files: Sequence[str], train: int = 5, test: int = 3) -> dict[str, bytes]:
    """Random images of 28x28 and labels below ten, by file."""
    chance = random.Random(0)
    contents = {}
    for (images, labels), count in zip((files[:2], files[2:]), (train, test), strict=True):
        contents[images] = head(count, 28, 28) + chance.randbytes(count * 784)
        contents[labels] = head(count) + bytes(chance.randrange(10) for _ in range(count))
    return contents


def write(folder: Path, contents: dict[str, bytes], *, packed: bool = False) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for file, data in contents.items():
        (folder / (f"{file}.gz" if packed else file)).write_bytes(gzip.compress(data) if packed else data)


def md5(data: bytes) -> str:
    return hashlib.md5(data, usedforsecurity=False).hexdigest()


def write_image(path: Path, colour: int | tuple[int, ...] = 0, size: tuple[int, int] = (7, 5), mode: str = "L") -> None:
    """An image of one colour, 7 pixels wide and 5 high."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new(mode, size, colour).save(path)
