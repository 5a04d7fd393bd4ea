from __future__ import annotations

import gzip
from pathlib import Path
from zipfile import ZipFile

import pytest
from torchvision.datasets import EMNIST

from modelcheck.training.datasets import load_dataset
from modelcheck.training.datasets.emnist_digits import ARCHIVE, LAYOUT

from .making import idx_contents, md5, write

LETTERS = "emnist-letters-test-labels-idx1-ubyte"


@pytest.fixture
def archive(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> bytes:
    """An archive that torchvision takes for the published one."""
    with ZipFile(tmp_path / ARCHIVE, "w") as made:
        for file, data in {**idx_contents(LAYOUT.files), LETTERS: b"of another split"}.items():
            made.writestr(f"gzip/{file}.gz", gzip.compress(data))
    data = (tmp_path / ARCHIVE).read_bytes()
    monkeypatch.setattr(EMNIST, "md5", md5(data))
    return data


def test_it_is_official_where_the_archive_is_the_published_one(
    tmp_path: Path, archive: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    contents = idx_contents(LAYOUT.files)
    raw = tmp_path / "EMNIST" / "raw"
    write(raw, contents)
    assert not load_dataset("emnist-digits", tmp_path).official, "without the archive nobody knows"
    write(raw, {ARCHIVE: archive})
    dataset = load_dataset("emnist-digits", tmp_path)
    assert (dataset.official, dataset.name, dataset.classes) == (True, "emnist-digits", 10)
    write(raw, {LAYOUT.files[3]: contents[LAYOUT.files[3]][:-1] + b"\7"})
    assert not load_dataset("emnist-digits", tmp_path).official, "an unpacked file that is not the archive's"
    write(raw, contents)
    monkeypatch.setattr(EMNIST, "md5", md5(b"another"))
    assert not load_dataset("emnist-digits", tmp_path).official, "another archive"


def test_a_download_gives_what_torchvision_reads(
    tmp_path: Path, archive: bytes, served: tuple[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    address, publisher = served
    monkeypatch.setattr(EMNIST, "url", f"{address}{ARCHIVE}")
    write(publisher, {ARCHIVE: archive})
    dataset = load_dataset("emnist-digits", tmp_path / "data", download=True)
    assert dataset.official
    theirs = EMNIST(tmp_path / "data", split="digits", train=False)
    assert dataset.test_images[:, 0].equal(theirs.data)
    assert dataset.test_labels.equal(theirs.targets)
