"""Finds the author's files in a folder, and refuses a folder that leads out of itself or has no end."""

from __future__ import annotations

import os
import re
from pathlib import Path

from modelcheck.author_trace import printable, shown_path
from modelcheck.errors import LoadError, UnsafeSubmission, UsageError
from modelcheck.intake.limits import LIMITS, Limits
from modelcheck.words import counted

_SUFFIXES = (".py", ".ipynb")
_SKIPPED = {
    "__MACOSX",
    "__pycache__",
    "build",
    "dist",
    "dist-packages",
    "env",
    "node_modules",
    "site-packages",
    "venv",
}
ENVIRONMENT = {"pyvenv.cfg", "conda-meta"}  # what shows that a folder is one, whatever it is called
_NAME_THEM = "name the file, or the folder of the submission alone"


def sources(folder: str | Path, limits: Limits = LIMITS) -> list[Path]:
    """The .py and .ipynb files that can be the author's: of each folder its files, then its folders.

    Names sort as a person would sort them: ``a2`` before ``a10``. Hidden files and folders are left out, and so are
    installed packages, virtual environments, and what is built. Links that stay in the folder are not followed: what
    they lead to is found where it is. The folder may be a link itself.

    Raises:
        UnsafeSubmission: a link leads out of the folder, or the folder is too deep or holds too much.
        LoadError: a folder in it cannot be read.
        UsageError: there is no such folder.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise UsageError(f"there is no folder {shown_path(folder)}")
    return _Search(folder, limits).files(folder, depth=0)


class _Search:
    """One walk through a folder, with what it came by so far."""

    def __init__(self, folder: Path, limits: Limits) -> None:
        self.shown = shown_path(folder)
        self.root = os.path.realpath(folder)
        self.limits = limits
        self.entries = 0

    def files(self, folder: Path, depth: int) -> list[Path]:
        """The sources in the folder and below."""
        entries = self._entries(folder)
        if depth and any(one.name in ENVIRONMENT for one in entries):
            return []
        if depth > self.limits.depth:
            raise self._unsafe(f"{shown_path(folder)} lies more than {counted(self.limits.depth, 'folder')} deep")
        entries = sorted((one for one in entries if not _is_skipped(one.name)), key=lambda one: _human(one.name))
        found = [Path(one.path) for one in entries if self._is_source(one)]
        for one in entries:
            if one.is_dir(follow_symlinks=False):
                found += self.files(Path(one.path), depth + 1)
        return found

    def _entries(self, folder: Path) -> list[os.DirEntry[str]]:
        kept = []
        try:
            with os.scandir(folder) as entries:
                for one in entries:
                    self.entries += 1
                    if self.entries > self.limits.entries:
                        raise self._unsafe(f"it holds more than {counted(self.limits.entries, 'file')}")
                    kept.append(one)
        except OSError as error:
            said = error.strerror or error
            raise LoadError(
                f"{shown_path(folder)} cannot be read: {said}; make it readable, or name the file"
            ) from error
        return kept

    def _is_source(self, entry: os.DirEntry[str]) -> bool:
        if entry.is_symlink():
            self._check_link(entry.path)
            return False
        return entry.name.lower().endswith(_SUFFIXES) and entry.is_file(follow_symlinks=False)

    def _check_link(self, path: str) -> None:
        if not Path(os.path.realpath(path)).is_relative_to(self.root):
            shown = shown_path(path)
            what = f"{shown} is a link that leads out of the folder, to {printable(str(Path(path).readlink()))}"
            raise UnsafeSubmission(f"{what}; put what it leads to in its place, or name the file", file=shown)

    def _unsafe(self, what: str) -> UnsafeSubmission:
        return UnsafeSubmission(f"{self.shown}: {what}; {_NAME_THEM}", file=self.shown)


def _is_skipped(name: str) -> bool:
    return name.startswith(".") or name in _SKIPPED or name.endswith(".egg-info")


def _human(name: str) -> tuple[list[str | int], str, str]:
    """Key by which names sort as a person would: without case, by value where there are numbers, the suffix last."""
    stem, suffix = os.path.splitext(name.casefold())  # noqa: PTH122 - a name is no path
    parts = re.split(r"([0-9]+)", stem)
    return [int(part) if odd % 2 else part for odd, part in enumerate(parts)], suffix, name
