"""A target taken apart: where it is, and which name in it."""

from __future__ import annotations

import difflib
import os
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from modelcheck.author_trace import is_file, printable, shown_path
from modelcheck.errors import UsageError

FORMS = "give a .py file or a module, and a name in it: path/net.py:Net, pkg.mod:Net"


MOST_LISTED = 20


class TargetNotFound(UsageError):
    """Nothing has the name that the user gave: no such file, module or attribute."""


@dataclass(frozen=True)
class Place:
    """A target taken apart: ``where`` is what was typed before the colon, and either a file or a module."""

    where: str
    name: str
    file: Path | None = None
    module: str = ""

    def target(self, name: str) -> str:
        """Target for ``name`` in the same place, ready to paste into a shell."""
        text = printable(f"{self.where}:{name}")
        return f'"{text}"' if " " in text else text


def parse(target: str) -> Place:
    """Take a target apart.

    Raises:
        UsageError: it is malformed or of a kind that cannot be read.
        TargetNotFound: there is no such file.
    """
    if not target.strip() or "\0" in target:
        raise UsageError(f"'{printable(target)}' names nothing: {FORMS}")
    # the colon of a name follows the suffix, so that drive letters and colons in folders do no harm
    parts = re.fullmatch(r"(?s)(.+?\.(?:py|ipynb))(?::([^/\\]*))?", target, re.IGNORECASE)
    where, name = (parts[1], parts[2]) if parts else _split_at_colon(target)
    shown = printable(target)
    if where.lower().endswith(".ipynb") or (_looks_like_path(where) and is_folder(where)):
        raise UsageError(f"{shown}: notebooks and folders cannot be read yet: {FORMS}")
    if name is not None:
        _check_name(name, shown)
    if parts or _looks_like_path(where):
        return Place(where, name or "", file=_existing_file(current_directory() / where, shown))
    if not all(where.split(".")) or where != where.strip():
        raise UsageError(f"{shown}: no module's name before the colon: {FORMS}")
    return Place(where, name or "", module=where)


def _split_at_colon(target: str) -> tuple[str, str | None]:
    where, colon, name = target.rpartition(":")
    return (where, name) if colon and not _looks_like_path(name) else (target, None)


def _looks_like_path(where: str) -> bool:
    return "/" in where or "\\" in where or where in {".", ".."}


def is_folder(path: str | Path) -> bool:
    """Whether there is such a folder."""
    return os.path.isdir(path)  # noqa: PTH112 - Path.is_dir raises where a name is too long


def _check_name(name: str, shown: str) -> None:
    if not name:
        raise UsageError(f"{shown}: no name after the colon: {FORMS}")
    if "@" in name:
        raise UsageError(f"{shown}: a line or a cell cannot be chosen yet: give the name alone")
    if "(" in name:
        raise UsageError(f"{shown}: give the name alone, without a call; arguments go into --arg NAME=VALUE")
    if not all(part.isidentifier() for part in name.split(".")):
        raise UsageError(f"{shown}: '{printable(name)}' cannot be a name in Python: {FORMS}")


def _existing_file(path: Path, shown: str) -> Path:
    """``path``, if there is a file that Python can run."""
    if is_file(path):
        if path.suffix.lower() == ".py":
            return path
        raise UsageError(f"{shown}: files of the kind '{printable(path.suffix)}' cannot be read: {FORMS}")
    if is_folder(path):
        raise UsageError(f"{shown}: folders cannot be read yet: give a .py file in it")
    try:
        files = {p.stem: p for p in sorted(path.parent.glob("*.py"))}
    except OSError:
        files = {}
    near = nearest(path.stem, files)
    if near:
        hint = "did you mean " + " or ".join(shown_path(files[name]) for name in near) + "?"
    elif files:
        hint = "there are " + ", ".join(shown_path(p) for p in list(files.values())[:MOST_LISTED])
    else:
        hint = f"there is no .py file in {shown_path(path.parent)}"
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
