"""A target taken apart: where it is, and which name in it."""

from __future__ import annotations

import difflib
import os
import re
import shlex
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from modelcheck.author_trace import is_file, printable, shown_path
from modelcheck.errors import UsageError
from modelcheck.intake import is_archive

FORMS = "give a file, a folder or a module, and a name in it: path/net.py:Net, path/book.ipynb:Net, pkg.mod:Net"

MOST_LISTED = 20
_SOURCES = {".py", ".ipynb"}


class TargetNotFound(UsageError):
    """Nothing has the name that the user gave: no such file, module or attribute."""


@dataclass(frozen=True)
class Place:
    """A target taken apart.

    Args:
        where: what was typed before the colon.
        name: the dotted name after it; empty where there is none.
        path: the file, folder or archive; None for a module.
        inner: the path inside an archive.
        module: the module's name.
        line: in the definition that is meant, where the target says so.
        cell: of the notebook, likewise.
    """

    where: str
    name: str
    path: Path | None = None
    inner: str = ""
    module: str = ""
    line: int | None = None
    cell: int | None = None

    def target(self, name: str, below: str = "") -> str:
        """Target for ``name`` in the same place, or in a file below it, ready to paste into a shell."""
        where = f"{self.where.rstrip('/')}/{below}" if below else self.where
        text = printable(f"{where}:{name}")
        quoted = shlex.quote(text)
        return f'"{text}"' if quoted != text and not set(text) & set('"$`\\!') else quoted


def parse(target: str) -> Place:
    """Take a target apart.

    Raises:
        UsageError: it is malformed or of a kind that cannot be read.
        TargetNotFound: there is no such file.
    """
    if not target.strip() or "\0" in target:
        raise UsageError(f"'{printable(target)}' names nothing: {FORMS}")
    where, name = _split(target)
    shown = printable(target)
    name, line, cell = _chosen(name, shown) if name is not None else ("", None, None)
    path = current_directory() / where
    if not where.strip() or _is_module(where, path):
        if not all(where.split(".")) or where != where.strip():
            raise UsageError(f"{shown}: no module's name before the colon: {FORMS}")
        if line or cell:
            raise UsageError(f"{shown}: a line or a cell is chosen in a file: path/net.py:Net@120")
        return Place(where, name, module=where)
    archive, inner = _archive_in(where)
    if archive:
        return Place(where, name, current_directory() / archive, inner, line=line, cell=cell)
    return Place(where, name, _existing(path, shown), line=line, cell=cell)


def _split(target: str) -> tuple[str, str | None]:
    """What stands before the colon of a name, and the name; drive letters and colons in folders do no harm."""
    if _exists(target):
        return target, None
    where, colon, name = target.rpartition(":")
    if colon and _exists(where):
        return where, name
    if parts := re.fullmatch(r"(?s)(.+?\.(?:py|ipynb|zip|tar|tgz|tar\.\w+))(?::([^/\\]*))?", target, re.IGNORECASE):
        return parts[1], parts[2]
    return (where, name) if colon and not _looks_like_path(name) else (target, None)


def _exists(where: str) -> bool:
    return bool(where) and (is_file(where) or is_folder(where))


def _is_module(where: str, path: Path) -> bool:
    """Whether it is to be imported: a dotted name, or a package in the current directory."""
    if _looks_like_path(where) or Path(where).suffix.lower() in _SOURCES or is_archive(Path(where)) or is_file(path):
        return False
    return not is_folder(path) or is_file(path / "__init__.py")


def _looks_like_path(where: str) -> bool:
    return "/" in where or "\\" in where or where in {".", ".."}


def is_folder(path: str | Path) -> bool:
    """Whether there is such a folder."""
    return os.path.isdir(path)  # noqa: PTH112 - Path.is_dir raises where a name is too long


def _chosen(name: str, shown: str) -> tuple[str, int | None, int | None]:
    """The name, and the line or the cell after its ``@``."""
    name, at, which = unicodedata.normalize("NFKC", name).partition("@")  # as Python reads names
    if not name:
        raise UsageError(f"{shown}: no name after the colon: {FORMS}")
    if "(" in name:
        raise UsageError(f"{shown}: give the name alone, without a call; arguments go into --arg NAME=VALUE")
    if not all(part.isidentifier() for part in name.split(".")):
        raise UsageError(f"{shown}: '{printable(name)}' cannot be a name in Python: {FORMS}")
    found = re.fullmatch(r"(cell)?([1-9][0-9]{0,8})", which)
    if at and not found:
        raise UsageError(f"{shown}: a line or a cell is expected after the @, as in {name}@120 or {name}@cell7")
    number = int(found[2]) if found else None
    return (name, None, number) if found and found[1] else (name, number, None)


def _archive_in(where: str) -> tuple[str, str]:
    """The archive that the path names or leads into, and the path inside; both are empty where there is none."""
    path = Path(where)
    for outer in (path, *path.parents):
        if is_archive(outer) and is_file(outer):
            return str(outer), str(path.relative_to(outer)) if path != outer else ""
    return "", ""


def _existing(path: Path, shown: str) -> Path:
    """``path``, if it is a folder or a file that can be read."""
    if is_folder(path):
        return path
    if is_file(path):
        if path.suffix.lower() in _SOURCES:
            return path
        raise UsageError(f"{shown}: files of the kind '{printable(path.suffix)}' cannot be read: {FORMS}")
    try:
        files = {p.stem: p for p in sorted(path.parent.iterdir()) if p.suffix.lower() in _SOURCES}
    except OSError:
        files = {}
    near = nearest(path.stem, files)
    if near:
        hint = "did you mean " + " or ".join(shown_path(files[name]) for name in near) + "?"
    elif files:
        hint = "there are " + ", ".join(shown_path(p) for p in list(files.values())[:MOST_LISTED])
    else:
        hint = f"there is no .py file and no notebook in {shown_path(path.parent)}"
    raise TargetNotFound(f"{shown}: no such file; {hint}")


def current_directory() -> Path:
    """The current directory.

    Raises:
        UsageError: it has been removed.
    """
    try:
        return Path.cwd()
    except OSError as exc:
        raise UsageError("the current directory no longer exists: change to another one") from exc


def nearest(name: str, known: Iterable[str]) -> list[str]:
    """Up to three of the known names that resemble ``name``, whatever their case."""
    originals = {candidate.casefold(): candidate for candidate in known}
    return [originals[near] for near in difflib.get_close_matches(name.casefold(), originals, n=3)]
