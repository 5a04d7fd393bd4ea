from __future__ import annotations

import pickle
import tarfile
from pathlib import Path

import numpy as np
import pytest
import torch
from torchvision.datasets import CIFAR10

from modelcheck.errors import UsageError
from modelcheck.training.datasets import MissingData, load_dataset

from .making import md5, write

BATCHES = [f"data_batch_{number}" for number in range(1, 6)]
FOLDER = "cifar-10-batches-py"


@pytest.fixture
def batches(monkeypatch: pytest.MonkeyPatch) -> dict[str, bytes]:
    """Two images a file, which torchvision takes for the published ones."""
    random = np.random.default_rng(0)
    made = {}
    for file in (*BATCHES, "test_batch"):
        images, labels = random.integers(0, 256, (2, 3072), dtype=np.uint8), random.integers(0, 10, 2).tolist()
        made[file] = pickle.dumps({"data": images, "labels": labels})
    made["batches.meta"] = pickle.dumps({"label_names": [str(label) for label in range(10)]})
    monkeypatch.setattr(CIFAR10, "train_list", [[file, md5(made[file])] for file in BATCHES])
    monkeypatch.setattr(CIFAR10, "test_list", [["test_batch", md5(made["test_batch"])]])
    monkeypatch.setattr(CIFAR10, "meta", {**CIFAR10.meta, "md5": md5(made["batches.meta"])})
    return made


def test_it_is_what_torchvision_reads(tmp_path: Path, batches: dict[str, bytes]) -> None:
    write(tmp_path / FOLDER, batches)
    dataset = load_dataset("cifar10", tmp_path)
    assert (dataset.name, dataset.official, dataset.classes, dataset.input_shape) == ("cifar10", True, 10, (3, 32, 32))
    assert (dataset.train_images.dtype, dataset.train_labels.dtype) == (torch.uint8, torch.int64)
    for file, images, labels in (
        ("data_batch_5", dataset.train_images[8:], dataset.train_labels[8:]),
        ("test_batch", dataset.test_images, dataset.test_labels),
    ):
        held = pickle.loads(batches[file])
        assert images.flatten(1).tolist() == held["data"].tolist()
        assert labels.tolist() == held["labels"]
    pixels = dataset.train_images.double().div(255)
    assert dataset.mean == pytest.approx(pixels.mean((0, 2, 3)).tolist())
    assert dataset.std == pytest.approx(pixels.std((0, 2, 3), correction=0).tolist())


def test_only_the_published_files_are_read(tmp_path: Path, batches: dict[str, bytes]) -> None:
    class Harm:
        def __reduce__(self) -> tuple[object, tuple[str]]:
            return Path.touch, (tmp_path / "harm",)  # type: ignore[return-value]

    write(tmp_path / FOLDER, {**batches, "data_batch_3": pickle.dumps(Harm())})
    with pytest.raises(UsageError, match=r"data_batch_3: not CIFAR-10's .* its MD5 is another than .*Remove it"):
        load_dataset("cifar10", tmp_path)
    assert not (tmp_path / "harm").exists()
    write(tmp_path / FOLDER, batches)
    (tmp_path / FOLDER / "test_batch").unlink()
    with pytest.raises(MissingData, match="test_batch is missing"):
        load_dataset("cifar10", tmp_path)


def test_a_download_is_unpacked(
    tmp_path: Path, batches: dict[str, bytes], served: tuple[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    address, publisher = served
    write(tmp_path / FOLDER, batches)
    with tarfile.open(publisher / CIFAR10.filename, "w:gz") as archive:
        archive.add(tmp_path / FOLDER, FOLDER)
    monkeypatch.setattr(CIFAR10, "url", f"{address}{CIFAR10.filename}")
    monkeypatch.setattr(CIFAR10, "tgz_md5", md5((publisher / CIFAR10.filename).read_bytes()))
    dataset = load_dataset("cifar10", tmp_path / "data", download=True)
    assert dataset.train_images.equal(load_dataset("cifar10", tmp_path).train_images)
    assert sorted(path.name for path in (tmp_path / "data").iterdir()) == [FOLDER, CIFAR10.filename]
