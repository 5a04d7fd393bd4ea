"""What the author's code may see of the machine: Python, its libraries, and of modelcheck what captures."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

PACKAGE = Path(__file__).parents[2]
_SYSTEM = ("/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32", "/nix/store", "/gnu/store")
_SETTINGS = ("alternatives", "ld.so.cache", "ld.so.conf", "ld.so.conf.d", "localtime")
_DEBIANS_DATA = Path("/usr/share/datasets")  # of its packages, Fashion-MNIST with its labels among them
_PROCESSORS = "/sys/devices/system/cpu"
_SCRATCH = ("/tmp", "/var/tmp", "/scratch")


def readable() -> tuple[Path, ...]:
    """Folders and files that hold the system's programs and libraries, Python, what is installed for it, and us."""
    python = [sys.prefix, sys.exec_prefix, sys.base_prefix, sys.base_exec_prefix]
    python += [str(Path(sys.executable).parent), str(Path(sys.executable).resolve().parent)]
    python += installed()
    settings = [f"/etc/{name}" for name in _SETTINGS]
    paths = [Path(one) for one in (*_SYSTEM, *python, *settings, _PROCESSORS)] + [PACKAGE]
    return tuple(_outermost({*paths, *(one.resolve() for one in paths)}))


def scratch() -> Path:
    """Where the author's code has its own folder: /tmp, unless Python or we lie below it and would be covered."""
    folders = [Path(one) for one in _SCRATCH]
    return next(one for one in folders if not any(path.is_relative_to(one) for path in readable()))


def is_readable_by_all() -> bool:
    """Whether every user may enter the folders that those lie in, as is usual, but not below ``/root``."""
    return all(parent.stat().st_mode & 0o001 for path in readable() for parent in path.resolve().parents)


def installed() -> tuple[str, ...]:
    """Folders with installed packages."""
    return tuple(one for one in sys.path if one.endswith("-packages"))


def guarded() -> tuple[Path, ...]:
    """Folders with what decides a score: the labels with their images, and the reference model."""
    homes = [PACKAGE.parent, *map(Path, installed())]
    found = [PACKAGE / "training" / "datasets" / "files", _DEBIANS_DATA, *(home / "reference_model" for home in homes)]
    return tuple(sorted({one.resolve() for one in found if one.is_dir()}))


def hidden() -> tuple[Path, ...]:
    """Those of them that lie below what is readable; the author's code finds nothing there."""
    folders = readable()
    return tuple(one for one in guarded() if any(one.is_relative_to(folder) for folder in folders))


def _outermost(paths: Iterable[Path]) -> Iterator[Path]:
    """The paths that exist and do not lie below another one of them that is no link."""
    folders: list[Path] = []
    for path in sorted(paths):
        if path.exists() and path.parent != path and not any(path.is_relative_to(one) for one in folders):
            yield path
            if not os.path.islink(path):  # noqa: PTH114 - of the path as it is written
                folders.append(path)
