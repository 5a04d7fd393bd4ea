"""What lies around a submission and must not change."""

from __future__ import annotations

import os
import stat
import tempfile
from pathlib import Path

from modelcheck.isolated.proc import family

Snapshot = dict[str, tuple[int, int, bytes]]


def furnish(course: Path) -> None:
    """Put into the folder what a course has beside a submission."""
    course.mkdir(parents=True)
    for name in ("another.py", "gradebook.db", "canary", "roster.csv"):
        (course / name).write_text(f"{name} is not yours")


def seen(course: Path, submission: Path) -> dict[str, object]:
    """All that is not the submission's: files, the environment, the processes that were started from here."""
    return {
        "course": _files(course, submission),
        "home": _names(Path.home()),
        "temporary": [one for one in _names(Path(tempfile.gettempdir())) if "left_by" in one or "survived" in one],
        "shared": [one for one in _names(Path("/dev/shm")) if "left_by" in one],
        "environment": dict(os.environ),
        "directory": Path.cwd(),
        "processes": {one.pid for one in family(os.getpid())},
        "descriptors": len(_names(Path("/proc/self/fd"))),
    }


def _files(folder: Path, without: Path) -> Snapshot:
    """All below the folder, with modes, times of change and contents, but for one entry."""
    found: Snapshot = {}
    for parent, folders, files in os.walk(folder):
        folders[:] = [name for name in folders if Path(parent, name) != without]
        for path in (Path(parent, name) for name in (*folders, *files)):
            if path != without:
                status = path.lstat()
                regular = stat.S_ISREG(status.st_mode)
                changed = status.st_mtime_ns if regular else 0
                found[str(path)] = (status.st_mode, changed, path.read_bytes() if regular else b"")
    return found


def _names(folder: Path) -> list[str]:
    return sorted(one.name for one in folder.iterdir())
