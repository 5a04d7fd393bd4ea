"""The content of a submission as one number: nothing of it is run, followed or waited for."""

from __future__ import annotations

import hashlib
import os
import stat

from modelcheck.author_trace import printable
from modelcheck.intake import LIMITS, Limits
from modelcheck.intake.folders import ENVIRONMENT
from modelcheck.words import counted

# what systems and tools leave beside an author's files: it is neither hashed nor part of a submission
LEFT_OUT = frozenset(
    {".git", ".hg", ".svn", "__MACOSX", "__pycache__", "node_modules", ".DS_Store", "Thumbs.db", "desktop.ini"}
)

_CHUNK = 2**18
_LEAVE_OUT = "leave out data, trained weights and virtual environments"
_KINDS = {
    stat.S_IFLNK: "a link",
    stat.S_IFIFO: "a named pipe",
    stat.S_IFSOCK: "a socket",
    stat.S_IFBLK: "a device",
    stat.S_IFCHR: "a device",
}


class Unreadable(Exception):
    """Why an entry is no submission that can be read, and what helps."""


def content_of(path: str, limits: Limits = LIMITS) -> str:
    """The SHA-256 of the names and bytes of a file or a folder, in hexadecimal digits; times and modes do not count.

    Links in the folder are told apart by where they lead and are not followed.

    Raises:
        Unreadable: it is a link or no file, or holds what is no file; it cannot be read; it is more than the limits
            allow.
    """
    return _Walk(limits).digest(path, os.path.basename(path), depth=0).hex()  # noqa: PTH119 - names of any bytes


def nothing(problem: str) -> str:
    """What stands for the content of an entry that cannot be read: the hash of the reason."""
    return hashlib.sha256(b"unreadable" + problem.encode()).hexdigest()


class _Walk:
    """One walk through a submission: what of its limits is left."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self.entries = 0
        self.bytes_left = limits.unpacked_bytes

    def digest(self, path: str, name: str, depth: int) -> bytes:
        """The hash of the entry's kind, name and content; a folder's content is the hashes of its entries by name."""
        shown = printable(name, 100)
        try:
            mode = os.lstat(path).st_mode
            if stat.S_ISREG(mode):
                return _hash(b"file", name, self._file(path, shown))
            if stat.S_ISDIR(mode):
                return _hash(b"folder", name, *self._folder(path, shown, depth))
            if stat.S_ISLNK(mode) and depth:
                return _hash(b"link", name, os.fsencode(os.readlink(path)))  # noqa: PTH115
        except OSError as error:
            raise Unreadable(f"'{shown}' cannot be read: {error.strerror or error}; make it readable") from error
        kind = _KINDS.get(stat.S_IFMT(mode), "of an unknown kind")
        raise Unreadable(f"'{shown}' is {kind}; hand in ordinary files and folders alone")

    def _file(self, path: str, shown: str) -> bytes:
        digest = hashlib.sha256()
        with os.fdopen(_opened(path), "rb", buffering=0) as file:
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                raise Unreadable(f"'{shown}' is no file; hand in ordinary files and folders alone")
            while chunk := file.read(_CHUNK):
                self.bytes_left -= len(chunk)
                if self.bytes_left < 0:
                    most = f"{self.limits.unpacked_bytes / 2**20:,.0f} MiB"
                    raise Unreadable(f"with '{shown}' it is more than {most}; {_LEAVE_OUT}")
                digest.update(chunk)
        return digest.digest()

    def _folder(self, path: str, shown: str, depth: int) -> list[bytes]:
        if depth > self.limits.depth:
            raise Unreadable(f"'{shown}' lies more than {counted(self.limits.depth, 'folder')} deep; {_LEAVE_OUT}")
        names = []
        with os.scandir(path) as entries:
            for entry in entries:
                self.entries += 1
                if self.entries > self.limits.entries:
                    raise Unreadable(f"it holds more than {counted(self.limits.entries, 'file')}; {_LEAVE_OUT}")
                if entry.name not in LEFT_OUT:
                    names.append(entry.name)
        if depth and not ENVIRONMENT.isdisjoint(names):
            return []
        return [self.digest(os.path.join(path, name), name, depth + 1) for name in sorted(names, key=os.fsencode)]  # noqa: PTH118


def _opened(path: str) -> int:
    """A handle on what stood there as a file; a link is refused, and a pipe that took its place is not waited for."""
    flags = (getattr(os, name, 0) for name in ("O_NOFOLLOW", "O_NONBLOCK", "O_NOCTTY", "O_BINARY"))
    return os.open(path, os.O_RDONLY | sum(flags))


def _hash(kind: bytes, name: str, *parts: bytes) -> bytes:
    encoded = os.fsencode(name)
    return hashlib.sha256(b"%s %d %s" % (kind, len(encoded), encoded) + b"".join(parts)).digest()
