"""The gradebook gives back what was kept, through any end of the process that kept it."""

from __future__ import annotations

import multiprocessing
import random
import shutil
import sqlite3
import time
from collections.abc import Iterable
from contextlib import closing
from multiprocessing.connection import Connection
from pathlib import Path

import pytest

from modelcheck.errors import UsageError
from modelcheck.grading.gradebook import Gradebook, Keys, database

from .samples import capture, grade, metrics, name

SUBMISSIONS = 120
KILLS = 20
TABLES = ("captures", "trainings", "grades", "times")
FORK = multiprocessing.get_context("fork")


def keep(book: Gradebook, number: int, seconds: float = 0.25) -> None:
    record, (graded, keys) = capture(number, seconds), grade(number, seconds)
    assert keys.capture is not None
    book.keep_captured(keys.capture, record)
    for key in keys.trainings:
        book.keep_trained(key, metrics(number, seconds))
    book.keep_grade(graded, keys)


def columns(path: Path, *, seconds: bool) -> dict[str, list[dict[str, object]]]:
    """All rows of all tables by their keys, with or without the columns called ``seconds``."""
    with closing(sqlite3.connect(path)) as db:
        db.row_factory = sqlite3.Row
        rows = {table: [dict(row) for row in db.execute(f"SELECT * FROM {table}")] for table in TABLES}
        assert not db.execute("SELECT * FROM regrade").fetchall()
    if not seconds:
        rows = {table: [{key: row[key] for key in row if key != "seconds"} for row in rows[table]] for table in TABLES}
    return {table: sorted(rows[table], key=lambda row: [str(value) for value in row.values()]) for table in TABLES}


def test_what_was_kept_comes_back(tmp_path: Path) -> None:
    with Gradebook.open(tmp_path / "new" / "out") as book:
        assert book.captured("capture 1") is None
        assert book.trained("training 1") is None
        assert book.grade(name(1)) is None
        for number in (5, 1, 4):
            keep(book, number, 1 / 3)
    with Gradebook.open(tmp_path / "new" / "out") as book:
        for number in (1, 4, 5):
            assert book.captured(f"capture {number}") == capture(number, 1 / 3)
            assert book.trained(f"training {number}") == (metrics(number, 1 / 3) if number != 4 else None)
            assert book.grade(name(number)) == grade(number, 1 / 3)
        assert [one.id for one in book.grades()] == [name(number) for number in (1, 4, 5)]
        changed, _ = grade(4, 2.0)
        book.keep_grade(changed, Keys(grade="other", capture="capture 1"))
        assert book.grade(name(4)) == (changed, Keys(grade="other", capture="capture 1"))
        assert book.keys(name(4)) == Keys(grade="other", capture="capture 1")
        assert book.keys(name(2)) is None


def test_columns_answer_what_people_ask(tmp_path: Path) -> None:
    with Gradebook.open(tmp_path) as book, closing(sqlite3.connect(tmp_path / "gradebook.db")) as reader:
        keep(book, 1, 0.5)
        keep(book, 4, 0.5)
        rows = reader.execute(
            "SELECT id, student, name, verdict, points, max_points, parameters, accuracy, failed_rules, seconds, "
            "grade ->> '$.report.facts.macs' > 0 FROM grades ORDER BY id"
        ).fetchall()
    assert rows == [
        (name(1), "s1", "Zoë <b>", "pass", 99.5, 100.0, 18592, 0.98, "", 0.5, 1),
        (name(4), "s4", None, "error", 0.0, 100.0, None, None, "not-capturable", 0.5, None),
    ]


def test_grades_are_read_while_more_are_kept(tmp_path: Path) -> None:
    with Gradebook.open(tmp_path) as book:
        for number in range(0, 250, 2):
            book.keep_grade(*grade(number, 0.0))
        seen = []
        for one in book.grades():
            seen.append(one.id)
            book.keep_grade(*grade(249, 0.0))
    assert seen == [name(number) for number in (*range(0, 250, 2), 249)]


def test_forgotten_is_what_was_asked_for_with_all_that_it_used(tmp_path: Path) -> None:
    def left(book: Gradebook) -> list[list[int]]:
        return [
            [n for n in range(6) if book.captured(f"capture {n}")],
            [n for n in range(6) if book.trained(f"training {n}")],
            [n for n in range(6) if book.grade(name(n))],
        ]

    with Gradebook.open(tmp_path) as book:
        for number in range(6):
            keep(book, number)
        assert book.forget([name(2), "nobody's"]) == 1
        assert left(book) == [[0, 1, 3, 4, 5], [1, 3, 5], [0, 1, 3, 4, 5]]
        assert book.forget("failed") == 2
        assert left(book) == [[1, 3, 5], [1, 3, 5], [1, 3, 5]]
        book.keep_captured("capture 2", capture(2, 0.0))  # of a grading that came no further
        assert book.forget("all") == 3
        assert left(book) == [[], [], []]
    assert not any(columns(tmp_path / "gradebook.db", seconds=True).values())


def test_an_interrupted_regrading_goes_on(tmp_path: Path) -> None:
    def regrade(which: Iterable[str], fail: bool) -> int:
        with Gradebook.open(tmp_path) as book:
            count = book.forget(which)
            keep(book, 1)
            if fail:
                raise KeyboardInterrupt
            keep(book, 2)
        return count

    regrade(["nobody's"], fail=False)
    with pytest.raises(KeyboardInterrupt):
        regrade([name(2), name(1)], fail=True)
    assert regrade([name(1), name(2)], fail=False) == 0
    assert regrade([name(1), name(2)], fail=False) == 2
    with pytest.raises(KeyboardInterrupt):
        regrade([name(2), name(1)], fail=True)
    assert regrade([name(1)], fail=False) == 1  # other words are another request


def grade_the_rest(out: Path, regrade: bool, tell: Connection) -> None:
    """What a coordinator does, and which row it knows to be kept after each step."""
    with Gradebook.open(out) as book:
        if regrade:
            book.forget("all")
            tell.send(("regrade", ""))
        for number in range(SUBMISSIONS):
            graded, keys = grade(number, time.perf_counter())
            if book.grade(graded.id):
                continue
            assert keys.capture is not None
            if not book.captured(keys.capture):
                book.keep_captured(keys.capture, capture(number, time.perf_counter()))
                tell.send(("captures", keys.capture))
            for key in keys.trainings:
                if not book.trained(key):
                    book.keep_trained(key, metrics(number, time.perf_counter()))
                    tell.send(("trainings", key))
            book.keep_grade(graded, keys)
            tell.send(("grades", graded.id))


def killed(out: Path, regrade: bool, steps: int, pause_s: float) -> tuple[set[tuple[str, str]], bool]:
    """What a grading told before it was killed so many steps and seconds after its start, and whether it lived then."""
    hear, tell = FORK.Pipe(duplex=False)
    process = FORK.Process(target=grade_the_rest, args=(out, regrade, tell))
    process.start()
    tell.close()
    told: set[tuple[str, str]] = set()
    try:
        while len(told) < steps:
            told.add(hear.recv())
        time.sleep(pause_s)
    except EOFError:
        pass
    process.kill()
    process.join()
    try:
        while True:
            told.add(hear.recv())
    except EOFError:
        return told, process.exitcode != 0


def rows_left(out: Path, scratch: Path) -> dict[tuple[str, str], tuple[object, ...]]:
    """Every row with its times by table and key, read from a copy: whoever opens the original mends it."""
    shutil.rmtree(scratch, ignore_errors=True)
    scratch.mkdir()
    for file in out.glob("gradebook.db*"):
        shutil.copy(file, scratch)
    if not (scratch / "gradebook.db").exists():
        return {}
    with closing(sqlite3.connect(scratch / "gradebook.db")) as db:
        if not db.execute("SELECT * FROM sqlite_master").fetchall():
            return {}
        times = {(f"{kind}s", item): seconds for kind, item, seconds in db.execute("SELECT * FROM times")}
        return {
            (table, row[0]): (*row, times.get((table, row[0])))
            for table in TABLES[:3]
            for row in db.execute(f"SELECT * FROM {table}")
        }


@pytest.mark.parametrize("regrade", [False, True])
def test_killed_at_any_moment_it_ends_like_an_undisturbed_one(tmp_path: Path, regrade: bool) -> None:
    chance = random.Random(regrade)
    out, scratch = tmp_path / "out", tmp_path / "scratch"
    with Gradebook.open(tmp_path / "undisturbed") as book:
        for number in range(SUBMISSIONS):
            keep(book, number)
    if regrade:
        shutil.copytree(tmp_path / "undisturbed", out)
    old, done = rows_left(out, scratch), {}
    for kill in range(KILLS):
        # some die on their way to the first step: while the database is made, opened, or mended
        steps, pause_s = (chance.randint(1, 14), chance.uniform(0, 0.003)) if kill % 4 else (0, chance.uniform(0, 0.03))
        told, alive = killed(out, regrade, steps, pause_s)
        assert alive, "it was finished before it could be killed"
        left = rows_left(out, scratch)
        assert told - {("regrade", "")} <= left.keys()
        assert done.items() <= left.items()
        done = {key: row for key, row in left.items() if old.get(key) != row}
    assert not killed(out, regrade, 10**6, 0.0)[1]
    left = rows_left(out, scratch)
    assert done.items() <= left.items()
    assert not old.items() & left.items()  # whatever was to be graded anew was

    expected = columns(tmp_path / "undisturbed" / "gradebook.db", seconds=False)
    assert columns(out / "gradebook.db", seconds=False) == expected
    assert [len(expected[table]) for table in TABLES] == [120, 90, 120, 180]


def test_an_instructor_who_reads_holds_nothing_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database, "BUSY_S", 0.1)
    with Gradebook.open(tmp_path) as book:
        keep(book, 1)
        with closing(sqlite3.connect(tmp_path / "gradebook.db", isolation_level=None)) as other:
            other.execute("BEGIN")
            assert other.execute("SELECT count(*) FROM grades").fetchone() == (1,)
            keep(book, 2)
            other.execute("COMMIT")
            other.execute("BEGIN IMMEDIATE")
            with pytest.raises(UsageError, match=r"another program has kept .*gradebook\.db for 0\.1 s"):
                keep(book, 3)
            other.execute("COMMIT")
        keep(book, 3)
        assert len(list(book.grades())) == 3
