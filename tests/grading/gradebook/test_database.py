"""What is no sound gradebook is told, left as it was, and can be put right."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from modelcheck.errors import UsageError
from modelcheck.grading.gradebook import Gradebook

from .samples import capture, grade, metrics, name


def replaced(by: Callable[[bytes], bytes]) -> Callable[[Path], None]:
    return lambda path: path.write_bytes(by(path.read_bytes())) and None


def run(sql: str) -> Callable[[Path], None]:
    def change(path: Path) -> None:
        with closing(sqlite3.connect(path)) as db, db:
            db.executescript(sql)

    return change


def another(path: Path) -> None:
    path.unlink()
    run("CREATE TABLE students (id TEXT); INSERT INTO students VALUES ('x')")(path)


WRONG = {
    "text": (replaced(lambda data: b"no database " * 999), "damaged, or no gradebook (file is not a database)"),
    "half": (replaced(lambda data: data[: len(data) // 2]), "damaged, or no gradebook"),
    "a page of zeros": (replaced(lambda data: data[:-4096] + bytes(4096)), "damaged, or no gradebook"),
    "no table": (run("DROP TABLE trainings"), "(trainings is not as modelcheck made it)"),
    "another version": (run("PRAGMA user_version = 99"), "another version of modelcheck (schema 99; modelcheck "),
    "another program's": (another, "a database, but no gradebook of modelcheck's: move it away"),
}


@pytest.mark.parametrize("wrong", WRONG)
def test_what_is_no_sound_gradebook_is_told_and_left_as_it_was(tmp_path: Path, wrong: str) -> None:
    spoil, text = WRONG[wrong]
    with Gradebook.open(tmp_path) as book:
        for number in range(20):
            book.keep_grade(*grade(number, 0.5))
    path = tmp_path / "gradebook.db"
    whole = path.read_bytes()
    spoil(path)
    spoilt = path.read_bytes()
    for _ in range(2):  # nobody is kept out by the first attempt
        with pytest.raises(UsageError) as told:
            Gradebook.open(tmp_path)
        assert text in str(told.value)
        assert str(path) in str(told.value)
    assert path.read_bytes() == spoilt
    path.write_bytes(whole)
    with Gradebook.open(tmp_path) as book:
        assert len(list(book.grades())) == 20


READS: dict[str, Callable[[Gradebook], object]] = {
    "captures SET record": lambda book: book.captured("capture"),
    "trainings SET metrics": lambda book: book.trained("training"),
    "grades SET grade": lambda book: book.grade(name(1)),
    "grades SET training_keys": lambda book: list(book.grades()),
    "times SET seconds": lambda book: book.trained("training"),
    "times  SET seconds": lambda book: book.grade(name(1)),
}


@pytest.mark.parametrize("spoilt", READS)
@pytest.mark.parametrize(
    "value", ["'{\"half'", "CAST(x'ff' AS TEXT)", "'{}'", """'{"wall_s": 1, "images_per_s": 1, "epochs": []}'"""]
)
def test_a_row_that_cannot_be_read_is_told(tmp_path: Path, spoilt: str, value: str) -> None:
    with Gradebook.open(tmp_path) as book:
        book.keep_captured("capture", capture(1, 0.5))
        book.keep_trained("training", metrics(1, 0.5))
        book.keep_grade(*grade(1, 0.5))
        run(f"UPDATE {spoilt} = {value}")(tmp_path / "gradebook.db")
        with pytest.raises(UsageError, match=r"gradebook\.db is damaged.*move gradebook\.db, gradebook\.db-wal"):
            READS[spoilt](book)


def test_a_folder_in_its_place_is_told(tmp_path: Path) -> None:
    (tmp_path / "gradebook.db").mkdir()
    with pytest.raises(UsageError, match=r"cannot write .*gradebook\.db \(unable to open database file\)"):
        Gradebook.open(tmp_path)


@pytest.mark.parametrize(
    ("setting", "back", "text"),
    [
        ("max_page_count = 1", "max_page_count = 999999", "the disk is full: "),
        ("query_only = on", "query_only = off", "cannot write "),
    ],
)
def test_what_cannot_be_written_is_told_and_can_be_repeated(tmp_path: Path, setting: str, back: str, text: str) -> None:
    with Gradebook.open(tmp_path) as book:
        book.keep_grade(*grade(1, 0.5))
        book._db.execute(f"PRAGMA {setting}")
        with pytest.raises(UsageError, match=rf"^{text}.*gradebook\.db"):
            book.keep_grade(*grade(2, 0.5))
        book._db.execute(f"PRAGMA {back}")
        assert [one.id for one in book.grades()] == [name(1)]
        book.keep_grade(*grade(2, 0.5))
