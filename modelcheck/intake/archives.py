"""Unpacks a submission's archive into a folder of its own, where all of it can be unpacked safely, or not at all."""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from modelcheck.author_trace import is_file, printable, shown_as, shown_path
from modelcheck.errors import LoadError, UnsafeSubmission, UsageError
from modelcheck.intake.limits import LIMITS, Damaged, Limits, Refused
from modelcheck.intake.members import tar_members, zip_members
from modelcheck.intake.plan import planned, too_large

_TAR = (".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tbz2", ".tar.xz", ".txz")
_FIRST_BYTES = {
    b"PK": "a zip archive",
    b"\x1f\x8b": "compressed by gzip",
    b"Rar!": "a RAR archive",
    b"7z\xbc\xaf": "a 7-Zip archive",
    b"%PDF": "a PDF document",
    b"<": "a web page",
}


def is_archive(path: str | Path) -> bool:
    """Whether the path ends as a zip or tar archive's does."""
    return Path(path).name.lower().endswith((".zip", *_TAR))


@contextlib.contextmanager
def unpacked(archive: str | Path, limits: Limits = LIMITS) -> Iterator[Path]:
    """The archive's files in a new folder that nobody else can enter and that is removed at the end.

    Links, owners, modes and times are not unpacked, and what macOS adds is not either. Archives within the archive stay
    packed. Inside the block ``shown_path`` names the files as below the archive.

    Raises:
        UnsafeSubmission: a member leads out of the folder, is no file or folder, or all is too much; nothing is kept.
        LoadError: it is no intact archive.
        UsageError: it cannot be read, or nothing can be written.
    """
    archive = Path(archive)
    shown = shown_path(archive)
    with _private_folder() as folder:
        with _opened(archive, shown) as file, _told(archive, shown):
            _unpack(file, folder, limits, is_tar=_is_tar(archive))
        with shown_as(folder, shown):
            yield folder


def _unpack(file: IO[bytes], folder: Path, limits: Limits, *, is_tar: bool) -> None:
    packed = os.fstat(file.fileno()).st_size
    members = tar_members(file, limits) if is_tar else zip_members(file, limits)
    plan = planned(members, limits, packed)
    left = limits.most_bytes(packed)  # headers lie: what comes out is counted
    for parts in plan.folders:
        folder.joinpath(*parts).mkdir()
    for parts, member in plan.files.items():
        with folder.joinpath(*parts).open("wb") as target:
            for chunk in member.chunks():
                left -= len(chunk)
                if left < 0:
                    raise too_large(member.name, limits, packed)
                target.write(chunk)


@contextlib.contextmanager
def _told(archive: Path, shown: str) -> Iterator[None]:
    """Name the archive in what is wrong with it."""
    try:
        yield
    except Refused as why:
        raise UnsafeSubmission(f"{shown}: {why}", file=shown) from why
    except Damaged as why:
        kind = "tar" if _is_tar(archive) else "zip"
        text = (
            f"{shown} is no intact {kind} archive: {_seems(archive) or why}; pack the folder again, as .zip or .tar.gz"
        )
        raise LoadError(text, file=shown) from why
    except (OSError, UnicodeError) as error:  # no space, or a name that the file system cannot have
        said = printable(getattr(error, "strerror", None) or str(error))
        raise UsageError(f"{shown} could not be unpacked into {tempfile.gettempdir()}: {said}") from error


def _is_tar(archive: Path) -> bool:
    return archive.name.lower().endswith(_TAR)


def _seems(archive: Path) -> str | None:
    """What a file is by its first bytes, where that is no archive of the kind that its name says."""
    with archive.open("rb") as file:
        first = file.read(64).lstrip()
    own = b"\x1f\x8b" if _is_tar(archive) else b"PK"
    return next((f"it is {what}" for one, what in _FIRST_BYTES.items() if one != own and first.startswith(one)), None)


@contextlib.contextmanager
def _opened(archive: Path, shown: str) -> Iterator[IO[bytes]]:
    """The file; what is none is not opened, as a named pipe would keep us waiting."""
    if not is_file(archive):
        raise UsageError(f"there is no file {shown}")
    try:
        file = archive.open("rb")
    except OSError as error:
        raise UsageError(f"{shown} cannot be read: {error.strerror or error}") from error
    with file:
        yield file


@contextlib.contextmanager
def _private_folder() -> Iterator[Path]:
    """A new folder that only this user can enter, and that is gone afterwards, whatever was done to its modes."""
    try:
        folder = Path(tempfile.mkdtemp(prefix="modelcheck-")).resolve()
    except OSError as error:
        raise UsageError(f"no temporary folder can be made: {error.strerror or error}") from error
    try:
        yield folder
    finally:
        _remove(folder)


def _remove(folder: Path) -> None:
    with contextlib.suppress(OSError):
        folder.chmod(0o700)
    for parent, names, _ in os.walk(folder):
        for path in (Path(parent, name) for name in names):
            with contextlib.suppress(OSError):
                if not path.is_symlink():
                    path.chmod(0o700)
    shutil.rmtree(folder, ignore_errors=True)
