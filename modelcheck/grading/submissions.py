"""Finds what was handed in: each entry of a folder is a submission, and so is a file that is named itself."""

from __future__ import annotations

import os
import stat
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from modelcheck.author_trace import printable, shown_path
from modelcheck.errors import UsageError
from modelcheck.grading.contents import LEFT_OUT, Unreadable, content_of, nothing
from modelcheck.grading.encoding import as_text
from modelcheck.grading.layouts import Author, authors, gradescope
from modelcheck.grading.records import Member, Submission
from modelcheck.intake import LIMITS, is_archive
from modelcheck.intake.limits import Damaged, Refused
from modelcheck.intake.members import zip_members

_SOURCES = (".py", ".ipynb")
_EXPECTED = "sub-folders and files that end in .py, .ipynb, .zip or .tar.gz"


class _Entry(NamedTuple):
    """An entry of a folder, as the file system calls both."""

    folder: str
    name: str

    @property
    def path(self) -> str:
        return os.path.join(self.folder, self.name)  # noqa: PTH118 - names of any bytes, thousands of them


def find(paths: Sequence[str | Path], *, out: str | Path | None = None) -> list[Submission]:
    """The submissions, by PATH and then by name; whatever an entry is, it is a result.

    An entry's id is its name as ``encoding.as_text`` gives it. Where entries of several PATHs have one name, each id is
    the name behind as many of its folders as it takes to tell them apart: ``monday/net.py``.

    Hidden entries, what systems leave in folders, and files of other kinds are no submissions. An entry that is a link
    or no file, or that cannot be read, is one with a ``problem``. A folder that holds an archive and neither folders
    nor sources beside it stands for the archive. What the layouts of course platforms tell is taken from them
    (``layouts``); of several attempts only the one that counts is a submission.

    Args:
        paths: folders of submissions, and single submissions.
        out: the folder for the results; where it is an entry itself it is none to mark.
    Raises:
        UsageError: there is no such path, it holds no submission, or it is a download of many that is still packed.
    """
    given = out and os.path.realpath(out)
    if len(paths) == 1:  # one among others, as where a shell wrote them down, is somebody's
        _check_download(Path(paths[0]))
    found: dict[str, tuple[_Entry, Author]] = {}
    superseded: dict[str, list[str]] = defaultdict(list)
    for path in paths:
        entries = _entries(Path(path))
        if given and entries:
            real = os.path.realpath(entries[0].folder)
            entries = [one for one in entries if os.path.join(real, one.name) != given]  # noqa: PTH118
        if not entries:
            raise UsageError(f"{shown_path(path)}: nothing to mark is in it; {_EXPECTED} are expected")
        known = authors(Path(entries[0].folder), [one.name for one in entries])
        for one in entries:
            author = known.get(one.name, Author())
            if author.superseded_by is None:
                found.setdefault(one.path, (one, author))
            else:
                superseded[os.path.join(one.folder, author.superseded_by)].append(as_text(one.name))  # noqa: PTH118
    ids = _ids([entry for entry, _ in found.values()])
    return [_submission(ids[path], entry, author, superseded[path]) for path, (entry, author) in found.items()]


def single(path: str | Path) -> Submission:
    """What lies there as one submission, whose id is its absolute path; no entry of a folder has such a one.

    Raises:
        UsageError: there is no such file or folder, or it cannot be read.
    """
    place = os.path.abspath(path)  # noqa: PTH100 - as in ``_entries``
    if not os.path.lexists(place):
        raise UsageError(f"there is no file or folder {shown_path(path)}")
    found = _submission(as_text(place), _Entry(*os.path.split(place)), Author(), [])
    if found.problem:
        raise UsageError(f"{shown_path(path)}: {found.problem}")
    return found


def _entries(path: Path) -> list[_Entry]:
    """The entries of the folder that are submissions, by name, or the file."""
    place = os.path.abspath(path)  # noqa: PTH100 - resolves nothing: a link is not followed here
    try:
        if path.is_dir():
            with os.scandir(place) as entries:
                return [_Entry(place, name) for name in sorted(one.name for one in entries if _is_submission(one))]
    except OSError as error:
        raise UsageError(f"{shown_path(path)} cannot be read: {error.strerror or error}") from error
    if not os.path.lexists(place):
        raise UsageError(f"there is no file or folder {shown_path(path)}")
    entry = _Entry(*os.path.split(place))
    if path.is_file() and not _is_source_or_archive(entry.name):
        raise UsageError(
            f"{shown_path(path)}: a folder is expected, or a file that ends in .py, .ipynb, .zip or .tar.gz"
        )
    return [entry]


def _is_submission(entry: os.DirEntry[str]) -> bool:
    if entry.name.startswith(".") or entry.name in LEFT_OUT:
        return False
    try:
        return not entry.is_file(follow_symlinks=False) or _is_source_or_archive(entry.name)
    except OSError:
        return True


def _is_source_or_archive(name: str) -> bool:
    return name.lower().endswith(_SOURCES) or is_archive(name)


def _check_download(path: Path) -> None:
    """Raise where the archive is a platform's download of many submissions: their names would be lost in it.

    Raises:
        UsageError: it is one.
    """
    if not path.name.lower().endswith(".zip") or not path.is_file():
        return
    try:
        with path.open("rb") as file:
            names = [member.name.split("/") for member in zip_members(file, LIMITS)]
    except (OSError, Refused, Damaged):
        return  # that is its author's result
    tops = sorted({parts[0] for parts in names})
    if any(gradescope.METADATA in parts[:2] for parts in names) or len(authors(path, tops)) > 1:
        raise UsageError(f"{shown_path(path)} holds the submissions of many: unpack it, and name the folder")


def _ids(entries: Sequence[_Entry]) -> Mapping[str, str]:
    """The id of each entry by its path."""
    by_name: dict[str, list[_Entry]] = defaultdict(list)
    for one in entries:
        by_name[one.name].append(one)
    return {path: as_text(key) for several in by_name.values() for path, key in _told_apart(several).items()}


def _told_apart(entries: Sequence[_Entry]) -> Mapping[str, str]:
    """The names of entries that have the same one, each behind as many of its folders as it takes."""
    ways: dict[str, tuple[str, ...]] = {one.path: (one.name,) for one in entries}
    parts = {one.path: Path(one.path).parts for one in entries}
    while len(set(ways.values())) < len(ways):  # the paths differ
        ways = {path: parts[path][-len(way) - 1 :] for path, way in ways.items()}
    return {path: "/".join(way) for path, way in ways.items()}


def _submission(key: str, entry: _Entry, author: Author, superseded: list[str]) -> Submission:
    problem = None
    path = entry.path
    try:
        content = content_of(path)
        path = _archive_in(path) or path
    except (Unreadable, OSError) as why:
        problem = printable(str(why))
        content = nothing(problem)
    return Submission(
        id=key,
        path=path,
        content=content,
        student=_text(author.student),
        name=_text(author.name),
        submitted=author.submitted,
        problem=problem,
        group=tuple(Member(student=_text(one.student), name=_text(one.name)) for one in author.group),
        supersedes=tuple(superseded),
    )


def _archive_in(path: str) -> str | None:
    """The archive for which a folder stands; None where it stands for itself."""
    if not stat.S_ISDIR(os.lstat(path).st_mode):
        return None
    with os.scandir(path) as entries:
        visible = [one for one in entries if not one.name.startswith(".") and one.name not in LEFT_OUT]
    archives = [one for one in visible if is_archive(one.name) and one.is_file(follow_symlinks=False)]
    others = [one for one in visible if one.is_dir() or one.name.lower().endswith(_SOURCES)]
    return archives[0].path if len(archives) == 1 and not others else None


def _text(name: str | None) -> str | None:
    return None if name is None else as_text(name)
