"""What zip and tar archives say of their members, in one form; nothing of it is checked here."""

from __future__ import annotations

import bz2
import contextlib
import gzip
import io
import lzma
import posixpath
import stat
import tarfile
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from typing import IO, Literal, cast

from modelcheck.author_trace import printable
from modelcheck.intake.limits import Damaged, Limits, Refused

Kind = Literal["file", "folder", "link", "special"]

_CHUNK = 2**16
_LOCAL_HEADER_BYTES = 30
_LONGEST_LINK = 2**12
_LONGEST_PADDING = 2**20
_ENCRYPTED = 0x1
_UTF8 = 0x800
# bzip2 and LZMA are left out: zipfile unpacks up to 64 KiB of them at once, whatever that gives
_ZIP_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_COMPRESSIONS: dict[bytes, Callable[[IO[bytes]], io.BufferedIOBase]] = {
    b"\x1f\x8b": gzip.open,
    b"BZh": bz2.BZ2File,
    b"\xfd7zXZ\x00": lzma.LZMAFile,
}


@dataclass(frozen=True)
class Member:
    """One entry of an archive; ``size`` is what its header claims.

    Args:
        leads_to: where a link leads, as seen from the archive's root.
        open: gives the contents of a file.
    """

    name: str
    kind: Kind
    size: int
    leads_to: str
    open: Callable[[], IO[bytes]]

    def chunks(self) -> Iterator[bytes]:
        """The contents of a file, unpacked, piece by piece.

        Raises:
            Damaged: they cannot be read.
        """
        with _intact(), self.open() as content:
            while chunk := content.read(_CHUNK):
                yield chunk


class Metered:
    """A file of which bytes worth ``allowance`` are read and no more; all that is asked, where that is None.

    Both of Python's readers take into memory whatever a header announces, in one read.

    Args:
        cost: what the reading of a number of bytes is worth.
    """

    def __init__(self, file: IO[bytes] | io.BufferedIOBase, allowance: int, cost: Callable[[int], int]) -> None:
        self.allowance: int | None = allowance
        self._file = file
        self._cost = cost
        self.seek, self.tell, self.seekable = file.seek, file.tell, file.seekable

    def read(self, size: int = -1, /) -> bytes:
        """As any file's; raises Refused where the allowance does not reach."""
        if self.allowance is None:
            return self._file.read(size)
        if size < 0:  # zipfile's, of the last 64 KiB
            data = self._file.read(self.allowance)
            self.allowance -= self._cost(len(data))
            return data
        self.allowance -= self._cost(size)
        if self.allowance < 0:
            raise Refused("its list of members is too long; leave most of them out, and pack the rest again")
        return self._file.read(size)


def zip_members(file: IO[bytes], limits: Limits) -> Iterator[Member]:
    """The members of a zip archive, which can be opened once all are told.

    Raises:
        Refused: there is no end of them, they overlap, or one is encrypted.
        Damaged: it is no zip archive.
    """
    with _intact():
        meter = Metered(file, 2**17 + 2**10 * limits.members, int)
        archive = zipfile.ZipFile(cast(IO[bytes], meter))
        _check_overlap(archive.infolist())
        for info in archive.infolist():
            yield _zip_member(archive, info)
        meter.allowance = None


def tar_members(file: IO[bytes], limits: Limits) -> Iterator[Member]:
    """The members of a tar archive, which can be opened once all are told; its compression goes by its first bytes.

    Raises:
        Refused: what it says of its members is too long.
        Damaged: it is no tar archive, or breaks off.
    """
    with _intact():
        first = file.read(8)
        file.seek(0)
        opener = next((opener for magic, opener in _COMPRESSIONS.items() if first.startswith(magic)), None)
        meter = Metered(opener(file) if opener else file, 2**12 * limits.members, _header_cost)
        archive = tarfile.TarFile(fileobj=cast(IO[bytes], meter), encoding="utf-8", errors="surrogateescape")
        while (info := archive.next()) is not None:
            yield _tar_member(archive, info)
        # tarfile takes whatever is no header for the end
        meter.seek(archive.offset)
        if meter.read(tarfile.BLOCKSIZE) != bytes(tarfile.BLOCKSIZE):
            raise Damaged("it breaks off, or goes on with something else")
        meter.allowance = None
        meter.read(_LONGEST_PADDING)  # the checksum of what is compressed comes after it


@contextlib.contextmanager
def _intact() -> Iterator[None]:
    """Whatever Python's readers raise on bytes that somebody made to hurt them; they document a part of it."""
    try:
        yield
    except (Refused, Damaged):
        raise
    except Exception as error:
        raise Damaged(printable(str(error)) or type(error).__name__) from error


def _check_overlap(infos: list[zipfile.ZipInfo]) -> None:
    """One piece of data that stands for many members makes a bomb of an archive; later Pythons' zipfile sees it too."""
    spans = sorted((info.header_offset, info.compress_size) for info in infos)
    if any(start + _LOCAL_HEADER_BYTES + size > following for (start, size), (following, _) in pairwise(spans)):
        raise Refused("its members overlap, as a decompression bomb's do; pack the folder again")


def _zip_member(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> Member:
    name = _zip_name(info)
    if info.flag_bits & _ENCRYPTED:
        raise Refused(f"its member '{printable(name)}' is encrypted; pack the folder again, without a password")
    if info.compress_type not in _ZIP_METHODS:
        method = zipfile.compressor_names.get(info.compress_type, info.compress_type)  # type: ignore[attr-defined]
        raise Damaged(f"'{printable(name)}' is compressed by {method}, which is not read here")
    kind = _zip_kind(info, name)
    leads_to = ""
    if kind == "link":
        with archive.open(info) as content:
            leads_to = _from_root(name, content.read(_LONGEST_LINK).decode("utf-8", "surrogateescape"))
    return Member(name, kind, info.file_size, leads_to, partial(archive.open, info))


def _zip_name(info: zipfile.ZipInfo) -> str:
    """The name; macOS writes UTF-8 without saying so, which would otherwise be read as code page 437."""
    if info.flag_bits & _UTF8:
        return info.filename
    try:
        return info.filename.encode("cp437").decode("utf-8")
    except UnicodeError:
        return info.filename


def _zip_kind(info: zipfile.ZipInfo, name: str) -> Kind:
    mode = stat.S_IFMT(info.external_attr >> 16)
    if mode == stat.S_IFLNK:
        return "link"
    if mode == stat.S_IFDIR or name.endswith(("/", "\\")):
        return "folder"
    return "file" if mode in (0, stat.S_IFREG) else "special"


def _tar_member(archive: tarfile.TarFile, info: tarfile.TarInfo) -> Member:
    if info.size < 0:
        raise Damaged(f"'{printable(info.name)}' has a negative size")
    leads_to = info.linkname if info.islnk() else _from_root(info.name, info.linkname)
    return Member(info.name, _tar_kind(info), info.size, leads_to, partial(_tar_content, archive, info))


def _tar_kind(info: tarfile.TarInfo) -> Kind:
    if info.issym() or info.islnk():
        return "link"
    if info.isdir():
        return "folder"
    # a few bytes of a sparse file's header can stand for any number of zeros
    return "file" if info.isreg() and not info.issparse() else "special"


def _tar_content(archive: tarfile.TarFile, info: tarfile.TarInfo) -> IO[bytes]:
    content = archive.extractfile(info)
    assert content is not None, "only files are opened"
    return content


def _from_root(name: str, target: str) -> str:
    return posixpath.join(posixpath.dirname(name.replace("\\", "/")), target.replace("\\", "/"))


def _header_cost(size: int) -> int:
    """Older Pythons' tarfile takes a long header apart in quadratic time (CVE-2024-6232): 7 s for one of 64 KiB."""
    return max(size, size**2 // 256)
