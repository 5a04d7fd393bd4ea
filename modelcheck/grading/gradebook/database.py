"""Opens ``gradebook.db``, and says in words what is wrong with it; what is not a gradebook is left as it was."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterator
from functools import partial
from importlib.metadata import version
from pathlib import Path

import msgspec

from modelcheck.errors import UsageError
from modelcheck.grading.gradebook.journal import Journal

APPLICATION = 0x4D434742  # "MCGB": tells a gradebook from other databases
SCHEMA = 2  # rises with every change of the tables or of what the JSON in them means
BUSY_S = 30.0  # how long a program that keeps the database from being written to is waited for

# Large columns come last: SQLite reads a row from its beginning. ``times`` has those within the metrics of a grade or
# a training, ``regrade`` what is being graded anew until all of it is.
TABLES = {
    "captures": """CREATE TABLE captures (
    key TEXT PRIMARY KEY, sha256 TEXT, size INTEGER, code TEXT, seconds REAL NOT NULL, record TEXT NOT NULL,
    fingerprint TEXT)""",
    "trainings": """CREATE TABLE trainings (
    key TEXT PRIMARY KEY, accuracy REAL NOT NULL, metrics TEXT NOT NULL)""",
    "grades": """CREATE TABLE grades (
    id TEXT PRIMARY KEY, student TEXT, name TEXT, verdict TEXT NOT NULL, points REAL, max_points REAL,
    parameters INTEGER, accuracy REAL, failed_rules TEXT NOT NULL, seconds REAL NOT NULL,
    key TEXT NOT NULL, capture_key TEXT, training_keys TEXT NOT NULL, grade TEXT NOT NULL)""",
    "times": """CREATE TABLE times (
    kind TEXT NOT NULL, item TEXT NOT NULL, seconds TEXT NOT NULL, PRIMARY KEY (kind, item)) WITHOUT ROWID""",
    "regrade": "CREATE TABLE regrade (request TEXT NOT NULL)",
}


def connected(path: Path, journal: Journal) -> sqlite3.Connection:
    """The gradebook's database, made where there is none.

    Raises:
        UsageError: it is damaged, of another schema version, no gradebook, or cannot be opened.
    """
    with explained(path):
        db = sqlite3.connect(path, timeout=BUSY_S, isolation_level=None)
        db.text_factory = partial(str, encoding="utf-8")  # says that text is none as Python does, by UnicodeDecodeError
    try:
        with explained(path):
            _prepare(db, path, journal)
    except BaseException:
        db.close()
        raise
    return db


@contextlib.contextmanager
def transaction(db: sqlite3.Connection) -> Iterator[None]:
    """All of the block is written, and on the disk, or nothing of it."""
    db.execute("BEGIN IMMEDIATE")
    try:
        yield
        db.execute("COMMIT")
    except BaseException:
        if db.in_transaction:
            db.execute("ROLLBACK")
        raise


@contextlib.contextmanager
def explained(path: Path) -> Iterator[None]:
    """Turn what SQLite says of the file, and of JSON in it that cannot be read, into what to do about it."""
    kept = "Everything finished is kept; repeat the command then"
    try:
        yield
    except (msgspec.DecodeError, UnicodeDecodeError, sqlite3.DatabaseError) as error:
        said = str(error)
        code = getattr(error, "sqlite_errorcode", None) if isinstance(error, sqlite3.Error) else sqlite3.SQLITE_CORRUPT
        match code and code & 0xFF:
            case sqlite3.SQLITE_CORRUPT | sqlite3.SQLITE_NOTADB:
                raise UsageError(damaged(path, said)) from None
            case sqlite3.SQLITE_BUSY | sqlite3.SQLITE_LOCKED:
                text = f"another program has kept {path} for {BUSY_S:g} s: end its transaction, or close it. {kept}"
            case sqlite3.SQLITE_FULL:
                text = f"the disk is full: {path} cannot grow. Make room. {kept}"
            case sqlite3.SQLITE_IOERR:
                text = f"the disk fails ({said}): {path} cannot be read or written. {kept}"
            case sqlite3.SQLITE_CANTOPEN | sqlite3.SQLITE_READONLY | sqlite3.SQLITE_PERM:
                text = f"cannot write {path} ({said}): it and its folder must be writable by you"
            case _:
                raise
        raise UsageError(text) from None


def damaged(path: Path, found: str) -> str:
    """The text for a file that cannot be relied on."""
    name = path.name
    return (
        f"{path} is damaged, or no gradebook ({found}). It is left as it is. Put a copy from before back in its "
        f"place; or move {name}, {name}-wal and {name}-shm, where there are such, out of the folder, and repeat the "
        f"command, which grades everything anew (`sqlite3 {name} .recover` can tell what was in it)"
    )


def _prepare(db: sqlite3.Connection, path: Path, journal: Journal) -> None:
    if journal != "wal":
        # without shared memory, as no network has it, only who is alone may read what another journal left
        db.execute("PRAGMA locking_mode = EXCLUSIVE")
    new = _is_new(db, path)
    db.execute("PRAGMA synchronous = FULL")
    db.execute("PRAGMA temp_store = MEMORY")
    db.execute(f"PRAGMA journal_mode = {journal}")
    if new:
        _create(db)
    if journal != "wal":
        db.execute("PRAGMA locking_mode = NORMAL")
        db.execute("SELECT count(*) FROM regrade").fetchone()  # the lock is given back after the next access


def _is_new(db: sqlite3.Connection, path: Path) -> bool:
    """Whether there is nothing yet; no gradebook of this version's is an error."""
    application, schema = (db.execute(f"PRAGMA {one}").fetchone()[0] for one in ("application_id", "user_version"))
    found: dict[str, str] = dict(db.execute("SELECT name, sql FROM sqlite_master"))
    if application == 0 and schema == 0 and not found:
        return True
    if application != APPLICATION:
        raise UsageError(f"{path} is a database, but no gradebook of modelcheck's: move it away, or give another --out")
    if schema != SCHEMA:
        raise UsageError(
            f"{path} was written by another version of modelcheck (schema {schema}; modelcheck {version('modelcheck')} "
            f"writes {SCHEMA}). Nothing in it was changed. Go on with that version, or give another --out, or move "
            "it away, and everything is graded anew"
        )
    if changed := [name for name, sql in TABLES.items() if found.get(name) != sql]:
        raise UsageError(damaged(path, f"{changed[0]} is not as modelcheck made it"))
    if (said := db.execute("PRAGMA quick_check(1)").fetchone()[0]) != "ok":
        raise UsageError(damaged(path, " ".join(said.split())))
    return False


def _create(db: sqlite3.Connection) -> None:
    with transaction(db):
        for statement in TABLES.values():
            db.execute(statement)
        db.execute(f"PRAGMA application_id = {APPLICATION}")
        db.execute(f"PRAGMA user_version = {SCHEMA}")
