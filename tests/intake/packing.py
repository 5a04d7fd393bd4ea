from __future__ import annotations

import io
import stat
import tarfile
import zipfile
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

FILE, LINK = stat.S_IFREG | 0o644, stat.S_IFLNK | 0o777
Files = Iterable[tuple[str, bytes]]


def zip_of(files: Files, path: str = "sub.zip", mode: int = FILE, method: int = zipfile.ZIP_DEFLATED) -> Path:
    with zipfile.ZipFile(path, "w", method) as archive:
        for name, data in files:
            info = zipfile.ZipInfo("x")
            info.filename = name
            info.external_attr = mode << 16
            info.compress_type = method
            archive.writestr(info, data)
    return Path(path)


def tar_of(files: Files, path: str = "sub.tar.gz", **fields: Any) -> Path:
    mode: Any = {"gz": "w:gz", "tgz": "w:gz", "bz2": "w:bz2", "xz": "w:xz", "tar": "w"}[path.rpartition(".")[2]]
    with tarfile.open(path, mode) as archive:
        for name, data in files:
            info = tarfile.TarInfo(name)
            info.size = len(data)
            info.type = tarfile.DIRTYPE if name.endswith("/") else tarfile.REGTYPE
            for field, value in fields.items():
                setattr(info, field, value)
            archive.addfile(info, io.BytesIO(data))
    return Path(path)


PACKERS: dict[str, Callable[[Files], Path]] = {"zip": zip_of, "tar": tar_of}


def link_in_zip(name: str, target: str) -> Path:
    return zip_of([(name, target.encode())], mode=LINK)


def symbolic_in_tar(name: str, target: str) -> Path:
    return tar_of([(name, b"")], type=tarfile.SYMTYPE, linkname=target)


def hard_in_tar(name: str, target: str) -> Path:
    return tar_of([(name, b"")], type=tarfile.LNKTYPE, linkname=target)


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
