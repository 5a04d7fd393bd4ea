"""The layouts in which course platforms hand out submissions, one a file, found by the file's name.

Each says what a platform's names tell of who handed an entry in, and when. Nothing that a student could have written
into an entry is looked at.
"""

from __future__ import annotations

import datetime
import importlib
import pkgutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from modelcheck.grading.records import Member


@dataclass(frozen=True)
class Author:
    """Who handed an entry in, as far as the platform tells.

    Args:
        student: what the platform calls them, unique within it.
        superseded_by: the name of the entry beside it that counts instead.
    """

    student: str | None = None
    name: str | None = None
    submitted: datetime.datetime | None = None
    group: tuple[Member, ...] = ()
    superseded_by: str | None = None


class Layout(Protocol):
    """What a layout's file offers."""

    def authors(self, folder: Path, names: Sequence[str]) -> Mapping[str, Author]:
        """The authors of the folder's entries that are of this layout, by the entry's name; none where it is another.

        Args:
            folder: the folder of submissions; in a zip archive that is no folder, and only the names tell.
            names: its entries that could be submissions, as the file system calls them.
        """


def authors(folder: Path, names: Sequence[str]) -> Mapping[str, Author]:
    """The authors by the layout that knows most of the entries.

    None where that is less than half of them: there are course folders in which students choose their entries' names,
    and one who imitates a platform's would be taken for another.

    Raises:
        UsageError: the platform's own file beside the submissions cannot be read.
    """
    layouts: list[Layout] = [
        importlib.import_module(f"{__name__}.{one.name}") for one in pkgutil.iter_modules(__path__)
    ]
    found = max((layout.authors(folder, names) for layout in layouts), key=len)
    return found if 2 * len(found) >= len(names) else {}
