from __future__ import annotations

import json
import os
import zipfile
from pathlib import Path

import pytest

from modelcheck.grading.alike.reading import MAX_FILE_BYTES, source_texts


def notebook(*cells: str) -> str:
    made = [{"cell_type": "code", "source": cell, "outputs": [{"text": "out"}]} for cell in cells]
    return json.dumps({"cells": [{"cell_type": "markdown", "source": "# title"}, *made], "metadata": {}})


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A submission: a module, a notebook below, and what is neither."""
    made = tmp_path / "sub"
    (made / "deep").mkdir(parents=True)
    (made / "net.py").write_bytes(b"a = 1\r\nb = 2")
    (made / "deep" / "book.ipynb").write_text(notebook("c = 3\n", "d = 4"))
    (made / "broken.ipynb").write_text("{")
    (made / "data.txt").write_text("no source")
    return made


EXPECTED = {"net.py": "a = 1\nb = 2", "deep/book.ipynb": "c = 3\n\nd = 4"}


def test_a_folder_and_its_archive_are_read_alike(folder: Path, tmp_path: Path) -> None:
    packed = tmp_path / "sub.zip"
    with zipfile.ZipFile(packed, "w") as archive:
        for file in folder.rglob("*.*"):
            archive.write(file, file.relative_to(folder))
    assert source_texts(folder) == source_texts(packed) == EXPECTED
    assert source_texts(folder / "net.py") == {"net.py": "a = 1\nb = 2"}


def test_nothing_is_read_that_is_too_large_or_leads_out(folder: Path, tmp_path: Path) -> None:
    with (folder / "large.py").open("wb") as file:
        file.truncate(MAX_FILE_BYTES + 1)
    assert source_texts(folder) == EXPECTED
    (tmp_path / "secret.py").write_text("key = 1")
    (folder / "link.py").symlink_to(tmp_path / "secret.py")
    assert source_texts(folder) == {}


def test_large_files_give_way_to_small_ones(folder: Path) -> None:
    for number in range(4):
        (folder / f"a{number}.py").write_text("#" * (MAX_FILE_BYTES // 2))
    found = source_texts(folder)
    assert found.items() >= EXPECTED.items()
    assert [name for name in found if name.startswith("a")] == ["a0.py", "a1.py"]


@pytest.mark.parametrize("name", ["missing", "missing.py", "pipe.py", "damaged.zip", "note.txt"])
def test_what_cannot_be_read_is_empty(name: str, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.py")
    (tmp_path / "damaged.zip").write_bytes(b"PK")
    (tmp_path / "note.txt").write_text("no source")
    assert source_texts(tmp_path / name) == {}
