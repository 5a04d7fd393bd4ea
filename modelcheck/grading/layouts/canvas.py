"""Canvas: ``lovelaceada_LATE_12345_678910_net.py``, the files of all students side by side.

Source: Canvas' lib/content_zipper.rb (add_submission): the sortable name, or the group's, in lower case and without
punctuation; LATE where it is; the user's number, or ``anon_`` and a code; the attachment's number; the file's name.
"""

from __future__ import annotations

import os
import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path

from modelcheck.grading.layouts import Author

_ENTRY = re.compile(
    r"(?:(?P<name>\w+?)_)??(?:LATE_)?(?:(?P<user>\d+)|anon_(?P<code>[0-9A-Za-z]{5}))_(?P<attachment>\d+)_(?P<file>.+)",
    re.DOTALL,
)


def authors(folder: Path, names: Sequence[str]) -> Mapping[str, Author]:
    """The student's number, and name as Canvas writes it.

    Canvas hands out the current attempt's files alone. Where several downloads lie in one folder, ``net-1.py`` and
    ``net-2.py`` are later attempts at the same student's ``net.py``: the last that was uploaded counts. In a group
    assignment the name is the group's, and the number is that of one of its members.
    """
    found = {name: match for name in names if (match := _ENTRY.fullmatch(name))}
    latest = _latest(found)
    return {
        name: Author(student=match["user"] or match["code"], name=match["name"], superseded_by=latest.get(name))
        for name, match in found.items()
    }


def user(name: str) -> str | None:
    """The number of the user whose file has that name; None where it is not Canvas'."""
    match = _ENTRY.fullmatch(name)
    return match["user"] if match else None


def _latest(found: Mapping[str, re.Match[str]]) -> dict[str, str]:
    """The last attempt by the names of those before it."""
    attempts: dict[tuple[str, str], list[str]] = defaultdict(list)
    for name, match in found.items():
        attempts[match["user"] or match["code"], match["file"]].append(name)
    for (student, file), again in list(attempts.items()):
        stem, suffix = os.path.splitext(file)  # noqa: PTH122 - a name is no path
        first = re.fullmatch(r"(.+)-\d+", stem, re.DOTALL)
        # layer-1.py and layer-2.py are files of one attempt where there is no layer.py
        if first and (student, first[1] + suffix) in attempts:
            attempts[student, first[1] + suffix] += again
    superseded: dict[str, str] = {}
    for several in attempts.values():
        last = max(several, key=lambda name: int(found[name]["attachment"]))
        superseded |= {name: last for name in several if name != last}
    return superseded
