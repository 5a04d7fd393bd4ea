"""The gradebook: what was captured, trained and graded, each under the key of all that it hangs on."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, TypeVar

import msgspec

from modelcheck.errors import UsageError
from modelcheck.grading.alike.prints import Fingerprint
from modelcheck.grading.gradebook.captures import CaptureFailure, CaptureFile, CaptureRecord
from modelcheck.grading.gradebook.database import connected, explained, transaction
from modelcheck.grading.gradebook.journal import journal_for
from modelcheck.grading.gradebook.lock import Lock
from modelcheck.grading.gradebook.times import Times, apart, together
from modelcheck.grading.records import Grade
from modelcheck.report import Metrics

T = TypeVar("T")
_PAGE = 100  # grades that are read at once


class Keys(msgspec.Struct, frozen=True, kw_only=True):
    """What a grade hangs on: ``grade`` is the key of all of it; it used this capture and these trainings."""

    grade: str
    capture: str | None = None
    trainings: tuple[str, ...] = ()


class Gradebook:
    """The gradebook of one ``--out``, open for the one process that grades; others may read the file meanwhile.

    Each ``keep_…`` returns when the disk has it. What was kept under the same key or id before is replaced. A process
    that is forked from this one must not use it. All methods raise UsageError where the file cannot be read or
    written, with what to do then.
    """

    def __init__(self, path: Path, db: sqlite3.Connection, lock: Lock) -> None:
        self._path, self._db, self._lock = path, db, lock

    @classmethod
    def open(cls, out: Path) -> Gradebook:
        """The gradebook in that folder; both are made where they are not there.

        Raises:
            UsageError: another process grades into the folder, or what lies there is no gradebook of this version's.
        """
        try:
            out.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise UsageError(f"--out {out}: cannot make this folder: {error.strerror}") from None
        lock = Lock(out / "gradebook.lock")
        try:
            path = out / "gradebook.db"
            return cls(path, connected(path, journal_for(out)), lock)
        except BaseException:
            lock.release()
            raise

    def __enter__(self) -> Gradebook:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        try:
            if kind is None:
                with self._writing() as db:  # whatever was to be graded anew has been
                    db.execute("DELETE FROM regrade")
        finally:
            self._db.close()
            self._lock.release()

    def captured(self, key: str) -> CaptureRecord | None:
        """What became of the capture with that key; None where it was not made yet."""
        with explained(self._path):
            row = self._db.execute("SELECT seconds, record FROM captures WHERE key = ?", (key,)).fetchone()
            return row and msgspec.structs.replace(_read(row[1], CaptureRecord), seconds=row[0])

    def keep_captured(self, key: str, record: CaptureRecord, fingerprint: Fingerprint | None = None) -> None:
        """Remember a capture and what it is compared by; its file must be in its place before."""
        file = record.result if isinstance(record.result, CaptureFile) else None
        failure = record.result if isinstance(record.result, CaptureFailure) else None
        row = {
            "key": key,
            "sha256": file and file.sha256,
            "size": file and file.size,
            "code": failure and failure.code,
            "seconds": record.seconds,
            "record": _json(msgspec.structs.replace(record, seconds=0.0)),
            "fingerprint": fingerprint and _json(fingerprint),
        }
        with self._writing() as db:
            _put(db, "captures", row)

    def fingerprint(self, key: str) -> Fingerprint | None:
        """What the capture with that key is compared by; None where it was not made yet."""
        with explained(self._path):
            row = self._db.execute("SELECT fingerprint FROM captures WHERE key = ?", (key,)).fetchone()
            return _read(row[0], Fingerprint) if row and row[0] else None

    def trained(self, key: str) -> Metrics | None:
        """What the training with that key measured; None where it was not done yet.

        ``recipe`` is what the recipe was called then: its content is in the key, and not its name.
        """
        with explained(self._path):
            row = self._db.execute(
                "SELECT metrics, times.seconds FROM trainings JOIN times ON kind = 'training' AND item = key "
                "WHERE key = ?",
                (key,),
            ).fetchone()
            return row and together(_read(row[0], Metrics), _read(row[1], Times))

    def keep_trained(self, key: str, metrics: Metrics) -> None:
        """Remember what a training, or the scoring of weights, measured."""
        untimed, times = apart(metrics)
        row = {"key": key, "accuracy": metrics.test_accuracy.last, "metrics": _json(untimed)}
        with self._writing() as db:
            _put(db, "trainings", row)
            _put(db, "times", {"kind": "training", "item": key, "seconds": _json(times)})

    def grade(self, submission_id: str) -> tuple[Grade, Keys] | None:
        """The grade of that submission, and what it hangs on; None where it has none."""
        return next(iter(self._grades("id = ?", submission_id)), None)

    def keys(self, submission_id: str) -> Keys | None:
        """What the grade of that submission hangs on; None where it has none."""
        with explained(self._path):
            row = self._db.execute(
                "SELECT key, capture_key, training_keys FROM grades WHERE id = ?", (submission_id,)
            ).fetchone()
            return row and _keys(*row)

    def keep_grade(self, grade: Grade, keys: Keys) -> None:
        """Remember a grade."""
        metrics, times = apart(grade.report.metrics) if grade.report.metrics else (None, None)
        report = msgspec.structs.replace(grade.report, metrics=metrics)
        facts = grade.report.facts
        row = {
            "id": grade.id,
            "student": grade.student,
            "name": grade.name,
            "verdict": grade.report.verdict,
            "points": grade.points,
            "max_points": grade.max_points,
            "parameters": facts.parameters.total if facts else None,
            "accuracy": grade.accuracy,
            "failed_rules": ", ".join(grade.failed),
            "seconds": grade.seconds,
            "key": keys.grade,
            "capture_key": keys.capture,
            "training_keys": _json(keys.trainings),
            "grade": _json(msgspec.structs.replace(grade, seconds=0.0, report=report)),
        }
        with self._writing() as db:
            _put(db, "grades", row)
            db.execute("DELETE FROM times WHERE kind = 'grade' AND item = ?", (grade.id,))
            if times:
                _put(db, "times", {"kind": "grade", "item": grade.id, "seconds": _json(times)})

    def grades(self) -> Iterator[Grade]:
        """All grades in the order of their ids, of which a few are in memory at a time; more may be kept meanwhile."""
        last = ""
        while found := self._grades("id > ? ORDER BY id LIMIT ?", last, _PAGE):
            for grade, _ in found:
                last = grade.id
                yield grade

    def count(self) -> int:
        """How many grades there are."""
        with explained(self._path):
            return int(self._db.execute("SELECT count(*) FROM grades").fetchone()[0])

    def fingerprints(self) -> Iterator[tuple[str, Fingerprint]]:
        """What is known of those who have a grade, by their ids, to compare them by."""
        with explained(self._path):
            for id_, found in self._db.execute(
                "SELECT id, fingerprint FROM grades JOIN captures ON captures.key = capture_key "
                "WHERE fingerprint IS NOT NULL ORDER BY id"
            ):
                yield id_, _read(found, Fingerprint)

    def forget(self, which: Iterable[str] | Literal["all", "failed"]) -> int:
        """How many grades were forgotten, with the captures and trainings that they used, to be made anew.

        A grading that was interrupted and asks for the same again forgets nothing: it goes on.

        Args:
            which: ids; those that have no grade are left out. "failed" are all whose verdict is not "pass".
        """
        request = which if isinstance(which, str) else json.dumps(sorted(which := set(which)))
        with self._writing() as db:
            if db.execute("SELECT 1 FROM regrade WHERE request = ?", (request,)).fetchone():
                return 0
            db.execute("DELETE FROM regrade")
            db.execute("INSERT INTO regrade VALUES (?)", (request,))
            if which == "all":
                (count,) = db.execute("SELECT count(*) FROM grades").fetchone()
                for table in ("captures", "trainings", "grades", "times"):
                    db.execute(f"DELETE FROM {table}")
                return int(count)
            db.execute("CREATE TEMP TABLE chosen (id TEXT PRIMARY KEY)")
            if which == "failed":
                db.execute("INSERT INTO chosen SELECT id FROM grades WHERE verdict <> 'pass'")
            else:
                db.executemany("INSERT INTO chosen SELECT id FROM grades WHERE id = ?", ((one,) for one in which))
            return _forget_chosen(db)

    def _grades(self, condition: str, *values: str | int) -> list[tuple[Grade, Keys]]:
        with explained(self._path):
            rows = self._db.execute(
                "SELECT grades.seconds, key, capture_key, training_keys, grade, times.seconds FROM grades "
                f"LEFT JOIN times ON kind = 'grade' AND item = id WHERE {condition}",
                values,
            ).fetchall()
            return [_graded(*row) for row in rows]

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        with explained(self._path), transaction(self._db):
            yield self._db


def _graded(
    seconds: float, key: str, capture: str | None, trainings: str, kept: str, times: str | None
) -> tuple[Grade, Keys]:
    grade = _read(kept, Grade)
    report = grade.report
    if report.metrics and times:
        report = msgspec.structs.replace(report, metrics=together(report.metrics, _read(times, Times)))
    return msgspec.structs.replace(grade, seconds=seconds, report=report), _keys(key, capture, trainings)


def _keys(key: str, capture: str | None, trainings: str) -> Keys:
    return Keys(grade=key, capture=capture, trainings=_read(trainings, tuple[str, ...]))


def _forget_chosen(db: sqlite3.Connection) -> int:
    """How many grades there were of the ids in the temporary table ``chosen``."""
    mine = "FROM grades JOIN chosen USING (id)"
    db.execute(f"DELETE FROM captures WHERE key IN (SELECT capture_key {mine})")
    db.execute(f"CREATE TEMP TABLE trained AS SELECT DISTINCT value AS key {mine}, json_each(training_keys)")
    db.execute("DELETE FROM trainings WHERE key IN (SELECT key FROM trained)")
    db.execute("DELETE FROM times WHERE kind = 'training' AND item IN (SELECT key FROM trained)")
    db.execute("DELETE FROM times WHERE kind = 'grade' AND item IN (SELECT id FROM chosen)")
    count = db.execute("DELETE FROM grades WHERE id IN (SELECT id FROM chosen)").rowcount
    db.execute("DROP TABLE chosen")
    db.execute("DROP TABLE trained")
    return count


def _put(db: sqlite3.Connection, table: str, row: dict[str, Any]) -> None:
    """Write the row in place of one with the same key."""
    named = ", ".join(f":{column}" for column in row)
    db.execute(f"INSERT OR REPLACE INTO {table} ({', '.join(row)}) VALUES ({named})", row)


def _json(value: object) -> str:
    return msgspec.json.encode(value).decode()


def _read(text: str, kind: type[T]) -> T:
    return msgspec.json.decode(text, type=kind)
