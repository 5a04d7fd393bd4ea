"""What travels of a submission, and what does not."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from modelcheck.errors import LoadError, UnsafeSubmission
from modelcheck.grading.sandbox.packing import packed, unpack
from modelcheck.intake import Limits


def sent(path: Path, folder: Path, limits: Limits | None = None) -> dict[str, bytes | str]:
    """What arrives: contents of files, where links lead, and nothing of folders."""
    with packed(path, limits or Limits()) as files:
        unpack(files, folder)
    arrived: dict[str, bytes | str] = {}
    for one in sorted(folder.rglob("*")):
        name = str(one.relative_to(folder))
        if one.is_symlink():
            arrived[name] = str(one.readlink())
        elif one.is_file():
            arrived[name] = one.read_bytes()
    return arrived


@pytest.fixture
def there(tmp_path: Path) -> Path:
    (tmp_path / "there").mkdir()
    return tmp_path / "there"


def test_files_travel_and_links_as_links(tmp_path: Path, there: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("the grader's")
    odd = tmp_path / os.fsdecode(b"s\xff \x1b[31m:x")
    (odd / "pkg").mkdir(parents=True)
    (odd / "pkg" / "net.py").write_bytes(b"x = 1\r\n")
    (odd / "out").symlink_to(secret)
    (odd / "loop").symlink_to(".")
    os.mkfifo(odd / "pipe")
    for left_out in (".git", "__pycache__", ".DS_Store", "env"):
        (odd / left_out).mkdir()
        (odd / left_out / "file").touch()
    (odd / "env" / "pyvenv.cfg").touch()
    meant: dict[str, bytes | str] = {"pkg/net.py": b"x = 1\r\n", "out": str(secret), "loop": "."}
    # the name's byte that is no UTF-8 is written out, since the request is text
    assert sent(odd, there) == {f"s\\xff \x1b[31m:x/{name}": one for name, one in meant.items()}


def test_a_file_travels_alone(tmp_path: Path, there: Path) -> None:
    (tmp_path / "net.py").write_text("x = 1")
    (tmp_path / "other.py").write_text("x = 2")
    assert sent(tmp_path / "net.py", there) == {"net.py": b"x = 1"}


@pytest.mark.parametrize(
    ("limits", "text"),
    [
        (Limits(unpacked_bytes=2**20), "it holds more than 1 MiB; leave out data"),
        (Limits(entries=3), "it holds more than 3 files"),
        (Limits(depth=1), "its folders are more than 1 folder deep"),
    ],
)
def test_too_much_does_not(limits: Limits, text: str, tmp_path: Path, there: Path) -> None:
    (tmp_path / "s" / "a" / "b").mkdir(parents=True)
    (tmp_path / "s" / "big").write_bytes(bytes(2**20 + 1))
    with pytest.raises(UnsafeSubmission, match=text):
        sent(tmp_path / "s", there, limits)


def test_neither_does_what_is_no_submission(tmp_path: Path, there: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path)
    os.mkfifo(tmp_path / "pipe")
    for name, text in {"link": "it is a link", "pipe": "neither a file nor a folder"}.items():
        with pytest.raises(UnsafeSubmission, match=text):
            sent(tmp_path / name, there)
    with pytest.raises(LoadError, match="gone cannot be read: No such file"):
        sent(tmp_path / "gone", there)
