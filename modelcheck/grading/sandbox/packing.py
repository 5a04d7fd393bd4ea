"""What an author handed in, as bytes that can be sent to where its code runs."""

from __future__ import annotations

import contextlib
import os
import stat
import tarfile
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from modelcheck.author_trace import printable
from modelcheck.errors import LoadError, UnsafeSubmission
from modelcheck.grading.contents import LEFT_OUT
from modelcheck.intake import LIMITS, Limits
from modelcheck.intake.folders import ENVIRONMENT
from modelcheck.words import counted

_ADVICE = "leave out data, trained weights and virtual environments, and hand in the rest"


@contextlib.contextmanager
def packed(path: Path, limits: Limits = LIMITS) -> Iterator[IO[bytes]]:
    """A file with the submission's files, folders and links in it; links are not followed, and the rest is left out.

    So are the histories of version control, virtual environments, and what was compiled: of that it is not known what
    it was compiled from.

    Raises:
        UnsafeSubmission: it is a link itself, or far too much.
        LoadError: it cannot be read.
    """
    with tempfile.TemporaryFile() as file:
        with tarfile.open(
            fileobj=file, mode="w", format=tarfile.GNU_FORMAT, encoding="utf-8", errors="surrogateescape"
        ) as tar:
            try:
                _Packing(tar, limits, printable(path.name)).add(path, _name(path), 0)
            except OSError as error:
                shown = printable(path.name)
                raise LoadError(
                    f"{shown} cannot be read: {printable(error.strerror or str(error))}", file=shown
                ) from error
        file.flush()
        file.seek(0)
        yield file


def target_of(path: Path) -> str:
    """What was handed in, as a target where it is unpacked; with its slash a folder is never taken for a module."""
    return f"{_name(path)}/" if path.is_dir() else _name(path)


def _name(path: Path) -> str:
    """What it is called where it is unpacked: its own name, with escapes for bytes that are no UTF-8."""
    return os.fsencode(path.name).decode("utf-8", "backslashreplace")


def unpack(file: IO[bytes], folder: Path) -> None:
    """Write into the folder what was packed."""
    with tarfile.open(fileobj=file, mode="r:", encoding="utf-8", errors="surrogateescape") as tar:
        if trusted := getattr(tarfile, "fully_trusted_filter", None):  # Python 3.11.2, which is Debian's, has none
            tar.extraction_filter = trusted
        tar.extractall(folder)


class _Packing:
    def __init__(self, tar: tarfile.TarFile, limits: Limits, shown: str) -> None:
        self.tar, self.limits, self.shown = tar, limits, shown
        self.entries = self.bytes = 0

    def add(self, path: Path, name: str, depth: int) -> None:
        found = path.lstat()
        self._count(found.st_size if stat.S_ISREG(found.st_mode) else 0, depth)
        if stat.S_ISLNK(found.st_mode):
            if not depth:
                raise self._unsafe("it is a link; put what it leads to in its place")
            info = self._info(name, tarfile.SYMTYPE, 0o777)
            info.linkname = str(path.readlink())
            self.tar.addfile(info)
        elif stat.S_ISREG(found.st_mode):
            self._add_file(path, name)
        elif stat.S_ISDIR(found.st_mode):
            self.tar.addfile(self._info(name, tarfile.DIRTYPE, 0o755))
            self._add_folder(path, name, depth)
        elif not depth:
            raise self._unsafe("it is neither a file nor a folder")

    def _add_folder(self, path: Path, name: str, depth: int) -> None:
        with os.scandir(path) as entries:
            names = sorted(one.name for one in entries)
        if depth and not ENVIRONMENT.isdisjoint(names):
            return
        for one in names:
            if one not in LEFT_OUT:
                self.add(path / one, f"{name}/{one}", depth + 1)

    def _add_file(self, path: Path, name: str) -> None:
        # what was a file may have become a named pipe since, or a link
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        with os.fdopen(handle, "rb") as file:
            found = os.fstat(handle)
            if stat.S_ISREG(found.st_mode):
                info = self._info(name, tarfile.REGTYPE, 0o644)
                info.size = found.st_size
                self.tar.addfile(info, file)

    def _info(self, name: str, kind: bytes, mode: int) -> tarfile.TarInfo:
        info = tarfile.TarInfo(name)
        info.type, info.mode = kind, mode
        return info

    def _count(self, size: int, depth: int) -> None:
        self.entries += 1
        self.bytes += size
        if depth > self.limits.depth:
            raise self._unsafe(f"its folders are more than {counted(self.limits.depth, 'folder')} deep; {_ADVICE}")
        if self.entries > self.limits.entries:
            raise self._unsafe(f"it holds more than {counted(self.limits.entries, 'file')}; {_ADVICE}")
        if self.bytes > self.limits.unpacked_bytes:
            raise self._unsafe(f"it holds more than {self.limits.unpacked_bytes >> 20:,} MiB; {_ADVICE}")

    def _unsafe(self, what: str) -> UnsafeSubmission:
        return UnsafeSubmission(f"{self.shown}: {what}", file=self.shown)
