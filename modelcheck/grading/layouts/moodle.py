"""Moodle: ``Ada Lovelace_12345_assignsubmission_file_``, a folder for each student, or their files side by side.

Source: Moodle's mod/assign/classes/downloader.php, and before it mod/assign/locallib.php (download_submissions).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from modelcheck.grading.layouts import Author

_ENTRY = re.compile(
    r"(?P<name>.*?)(?:_(?P<student>\d+))?_assignsubmission_(?P<plugin>[a-z]+)(?:_(?P<file>.*))?", re.DOTALL
)


def authors(folder: Path, names: Sequence[str]) -> Mapping[str, Author]:
    """The student's or the group's name, and the number by which this assignment's worksheet calls a participant.

    In a group assignment the number is the group's, and nothing tells its members. Where an assignment hides names, a
    student is called Participant. What a student typed on the page (``onlinetext``) is no submission where there are
    files beside it. Only the latest attempt is in a download.
    """
    found = {name: match for name in names if (match := _ENTRY.fullmatch(name))}
    files = {_owner(match): name for name, match in found.items() if match["plugin"] == "file"}
    return {name: _author(match, files) for name, match in found.items()}


def participant(name: str) -> str | None:
    """The number of the participant, or of the group, whose entry has that name; None where it is not Moodle's."""
    match = _ENTRY.fullmatch(name)
    return match["student"] if match else None


def _author(match: re.Match[str], files: Mapping[tuple[str, str | None], str]) -> Author:
    name = None if match["name"] in ("", "Participant") else match["name"]
    instead = None if match["plugin"] == "file" else files.get(_owner(match))
    return Author(student=match["student"], name=name, superseded_by=instead)


def _owner(match: re.Match[str]) -> tuple[str, str | None]:
    return match["name"], match["student"]
