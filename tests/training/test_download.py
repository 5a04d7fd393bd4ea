from __future__ import annotations

import http.client
import tarfile
import zipfile
import zlib
from pathlib import Path
from urllib.error import URLError

import pytest

from modelcheck.errors import UsageError
from modelcheck.training.download import fetch


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (URLError("no route"), "no route"),
        (TimeoutError("timed out"), "timed out"),
        (RuntimeError("two\nlines"), "two lines"),
        (http.client.IncompleteRead(b"12"), "IncompleteRead"),
        (EOFError(), "EOFError"),
        (tarfile.ReadError("no tar"), "no tar"),
        (zipfile.BadZipFile("no zip"), "no zip"),
        (zlib.error("no gzip"), "no gzip"),
    ],
)
def test_what_fails_is_one_error_and_leaves_nothing(error: Exception, text: str, tmp_path: Path) -> None:
    def download(root: Path) -> None:
        (root / "half").write_text("half of it")
        raise error

    with pytest.raises(UsageError, match=rf"--download: digits could not be downloaded to .*: .*{text}.* Try again"):
        fetch("digits", download, tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_an_interruption_leaves_nothing(tmp_path: Path) -> None:
    def download(root: Path) -> None:
        (root / "half").write_text("half of it")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fetch("digits", download, tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_files_are_moved_into_their_folders_and_replace_nothing(tmp_path: Path) -> None:
    def download(root: Path) -> None:
        (root / "raw" / "deep").mkdir(parents=True)
        (root / "raw" / "deep" / "one").write_text("new")
        (root / "two").write_text("new")

    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "two").write_text("old")
    fetch("digits", download, tmp_path / "data")
    assert (tmp_path / "data" / "raw" / "deep" / "one").read_text() == "new"
    assert (tmp_path / "data" / "two").read_text() == "old"
    assert len(list((tmp_path / "data").iterdir())) == 2


def test_a_file_in_the_place_of_the_folder_is_told(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("a file")
    with pytest.raises(UsageError, match=r"could not be downloaded to .*data: .*File exists"):
        fetch("digits", lambda root: None, tmp_path / "data")
