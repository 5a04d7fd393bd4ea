"""The journal fits the file system, and a gradebook can be carried from one to the other."""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from modelcheck.errors import UsageError
from modelcheck.grading.gradebook import Gradebook, database, journal

from .samples import grade, name

MOUNTS = """\
22 1 0:21 / /proc rw - proc proc rw
27 1 999:9 / / rw,relatime - ext4 /dev/vda rw,discard
28 27 0:61 /export {0}/home rw shared:7 master:2 - nfs4 server:/export rw,vers=4.2
29 28 999:8 / {0}/home/disk\\040of\\134mine rw - xfs /dev/sdb rw
30 27 0:62 / {0}/students rw - fuse.sshfs someone@host: rw
31 27 0:63 / {0}/work rw - tmpfs none rw
32 27 0:64 / {0}/work rw - cifs //server/share rw
33 27 0:65 / {0}/shared rw - 9p host rw,trans=virtio
"""


@pytest.fixture
def mounts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file that says what is mounted where, below the folder."""
    monkeypatch.setattr(journal, "MOUNTS", tmp_path / "mountinfo")
    (tmp_path / "mountinfo").write_text(MOUNTS.format(tmp_path))
    return tmp_path


@pytest.mark.parametrize(
    ("folder", "kind", "expected"),
    [
        ("somewhere", "ext4", "wal"),
        ("home/results", "nfs4", "truncate"),
        ("homework", "ext4", "wal"),
        ("home/disk of\\mine", "xfs", "wal"),
        ("students/2026/results", "fuse.sshfs", "truncate"),
        ("work", "cifs", "truncate"),
        ("shared", "9p", "truncate"),
        ("link", "nfs4", "truncate"),
    ],
)
def test_only_this_machines_disks_get_a_write_ahead_log(mounts: Path, folder: str, kind: str, expected: str) -> None:
    (mounts / "home").mkdir()
    (mounts / "link").symlink_to("home")
    (mounts / folder).mkdir(parents=True, exist_ok=True)
    assert journal.file_system(mounts / folder) == kind
    assert journal.journal_for(mounts / folder) == expected


def test_without_a_word_from_the_system_it_is_the_journal_that_is_safe_everywhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(journal, "MOUNTS", tmp_path / "nothing")
    assert journal.journal_for(tmp_path) == "truncate"


def test_a_local_gradebook_waits_for_the_disk_and_has_a_log(tmp_path: Path) -> None:
    with Gradebook.open(tmp_path) as book:
        assert book._db.execute("PRAGMA journal_mode").fetchone() == ("wal",)
        assert book._db.execute("PRAGMA synchronous").fetchone() == (2,)
        assert (tmp_path / "gradebook.db-wal").exists()


@pytest.fixture
def moved(mounts: Path) -> Path:
    """A folder on a network's disk, with what a killed grader left on another."""
    out = mounts / "home" / "results"
    out.mkdir(parents=True)
    with Gradebook.open(mounts) as book:
        book.keep_grade(*grade(1, 0.5))
        for file in ("gradebook.db", "gradebook.db-wal"):
            shutil.copy(mounts / file, out)
    return out


def test_a_gradebook_that_moved_to_a_network_gets_another_journal(moved: Path) -> None:
    (moved / "gradebook.db-shm").mkdir()  # no memory can be shared there
    with Gradebook.open(moved) as book:
        assert book.grade(name(1)) == grade(1, 0.5)
    (moved / "gradebook.db-shm").rmdir()
    with Gradebook.open(moved) as book, closing(sqlite3.connect(moved / "gradebook.db")) as reader:
        book.keep_grade(*grade(2, 0.5))
        assert book._db.execute("PRAGMA journal_mode").fetchone() == ("truncate",)
        assert book._db.execute("PRAGMA synchronous").fetchone() == (2,)
        assert reader.execute("SELECT max(id) FROM grades").fetchone() == (name(2),)
        assert not [*moved.glob("*-wal"), *moved.glob("*-shm")]
    with Gradebook.open(moved) as book:
        assert [one.id for one in book.grades()] == [name(1), name(2)]


def test_it_gets_no_other_journal_while_somebody_reads(moved: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database, "BUSY_S", 0.1)
    with closing(sqlite3.connect(moved / "gradebook.db")) as reader:
        assert reader.execute("SELECT count(*) FROM grades").fetchone() == (1,)
        with pytest.raises(UsageError, match="another program has kept"):
            Gradebook.open(moved)
        assert reader.execute("SELECT count(*) FROM grades").fetchone() == (1,)
    Gradebook.open(moved).__exit__(None, None, None)
