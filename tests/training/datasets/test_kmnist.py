from __future__ import annotations

import gzip
from pathlib import Path

import pytest
from torchvision.datasets import KMNIST

from modelcheck.errors import UsageError
from modelcheck.training.datasets import load_dataset
from modelcheck.training.idx import MNIST_FILES

from .making import idx_contents, md5, write


@pytest.fixture
def archives(monkeypatch: pytest.MonkeyPatch) -> dict[str, bytes]:
    """Archives that torchvision takes for the published ones."""
    made = {f"{file}.gz": gzip.compress(data) for file, data in idx_contents(MNIST_FILES).items()}
    monkeypatch.setattr(KMNIST, "resources", [(file, md5(data)) for file, data in made.items()])
    return made


def test_it_is_official_where_the_archives_are_the_published_ones(tmp_path: Path, archives: dict[str, bytes]) -> None:
    raw = tmp_path / "KMNIST" / "raw"
    contents = {file.removesuffix(".gz"): gzip.decompress(data) for file, data in archives.items()}
    write(raw, contents)
    assert not load_dataset("kmnist", tmp_path).official, "without the archives nobody knows"
    write(raw, archives)
    assert load_dataset("kmnist", tmp_path).official
    write(raw, {MNIST_FILES[0]: contents[MNIST_FILES[0]][:-1] + b"\0"})
    assert not load_dataset("kmnist", tmp_path).official, "an unpacked file that is not its archive's"


def test_archives_alone_are_read(tmp_path: Path, archives: dict[str, bytes]) -> None:
    write(tmp_path, archives)
    dataset = load_dataset("kmnist", tmp_path)
    assert (dataset.official, dataset.name, len(dataset.test_labels)) == (True, "kmnist", 3)
    labels = MNIST_FILES[1]
    write(tmp_path, {f"{labels}.gz": gzip.compress(gzip.decompress(archives[f"{labels}.gz"])[:-1] + b"\7")})
    assert not load_dataset("kmnist", tmp_path).official, "packed, and not the published ones"


def test_a_download_is_asked_for_and_made_once(
    tmp_path: Path, archives: dict[str, bytes], served: tuple[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    address, publisher = served
    monkeypatch.setattr(KMNIST, "mirrors", [address])
    write(publisher, archives)
    data_dir = tmp_path / "made" / "here"
    dataset = load_dataset("kmnist", data_dir, download=True)
    assert dataset.official
    assert sorted(path.name for path in (data_dir / "KMNIST" / "raw").iterdir()) == sorted([*MNIST_FILES, *archives])
    assert [path.name for path in data_dir.iterdir()] == ["KMNIST"], "nothing else is left"
    monkeypatch.setattr(KMNIST, "mirrors", [])
    assert load_dataset("kmnist", data_dir, download=True).official
    assert load_dataset("kmnist", data_dir).train_images.equal(dataset.train_images)


def test_a_download_leaves_what_is_there(
    tmp_path: Path, archives: dict[str, bytes], served: tuple[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    address, publisher = served
    monkeypatch.setattr(KMNIST, "mirrors", [address])
    write(publisher, archives)
    mine = idx_contents(MNIST_FILES, train=5)[MNIST_FILES[0]][:-1] + b"\0"
    write(tmp_path / "KMNIST" / "raw", {MNIST_FILES[0]: mine})
    dataset = load_dataset("kmnist", tmp_path, download=True)
    assert (tmp_path / "KMNIST" / "raw" / MNIST_FILES[0]).read_bytes() == mine
    assert not dataset.official


@pytest.mark.parametrize(
    ("published", "text"), [(None, "Connection refused"), (b"something else", "File not found or corrupted")]
)
def test_a_download_that_fails_is_one_clear_error_and_leaves_nothing(
    published: bytes | None,
    text: str,
    tmp_path: Path,
    archives: dict[str, bytes],
    served: tuple[str, Path],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    address, publisher = served
    monkeypatch.setattr(KMNIST, "mirrors", [address if published else "http://127.0.0.1:1/"])
    if published:
        write(publisher, dict.fromkeys(archives, published))
    data_dir = tmp_path / "data"
    with pytest.raises(UsageError, match=rf"--download: kmnist could not be downloaded to .*data: .*{text}"):
        load_dataset("kmnist", data_dir, download=True)
    assert list(data_dir.iterdir()) == []
