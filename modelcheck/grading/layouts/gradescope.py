"""Gradescope: ``submission_12345``, a folder for each submission, and ``submission_metadata.yml`` beside them.

Source: exports of submissions as public tools read them; Gradescope documents only the file of one submission
(gradescope-autograders.readthedocs.io, "Submission Metadata"). Names are Ruby's symbols: ``:submitters``, ``:sid``.
"""

from __future__ import annotations

import datetime
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from modelcheck.author_trace import printable, shown_path
from modelcheck.errors import UsageError
from modelcheck.grading.layouts import Author
from modelcheck.grading.records import Member

METADATA = "submission_metadata.yml"
_TIME = re.compile(r"(\d{4}-\d\d-\d\d)[ T](\d\d:\d\d:\d\d)(?:\.(\d{1,6})\d*)? ?(Z|UTC|[+-]\d\d:?\d\d)")


def authors(folder: Path, names: Sequence[str]) -> Mapping[str, Author]:
    """The submitters' numbers (else their addresses) and names, and when they handed it in; a group has several.

    Raises:
        UsageError: the file is no YAML, or cannot be read.
    """
    path = folder / METADATA
    if not path.is_file() or path.is_symlink():
        return {}
    try:
        with path.open("rb") as file:
            # the base loader makes strings of everything, and no objects of Ruby's or Python's
            table = yaml.load(file, Loader=getattr(yaml, "CBaseLoader", yaml.BaseLoader))
    except (OSError, UnicodeError, RecursionError, yaml.YAMLError) as error:
        said = printable(str(error)) or type(error).__name__
        raise UsageError(f"{shown_path(path)} cannot be read: {said}; download it from Gradescope again") from error
    if not isinstance(table, dict):
        return {}
    return {name: _author(table[name]) for name in names if isinstance(table.get(name), dict)}


def _author(entry: dict[str, Any]) -> Author:
    submitters = entry.get(":submitters")
    members = tuple(_member(one) for one in submitters if isinstance(one, dict)) if isinstance(submitters, list) else ()
    return Author(
        student=", ".join(one.student for one in members if one.student) or None,
        name=", ".join(one.name for one in members if one.name) or None,
        submitted=_time(entry.get(":created_at")),
        group=members if len(members) > 1 else (),
    )


def _member(entry: dict[str, Any]) -> Member:
    texts = {key: value for key, value in entry.items() if isinstance(value, str)}
    return Member(student=texts.get(":sid") or texts.get(":email") or None, name=texts.get(":name") or None)


def _time(value: Any) -> datetime.datetime | None:
    """The time, which Ruby writes alone or in a table of the time zone's; None where it is neither."""
    text = value.get("utc") if isinstance(value, dict) else value
    match = _TIME.fullmatch(text) if isinstance(text, str) else None
    if match is None:
        return None
    day, time, fraction, zone = match.groups()
    try:
        return datetime.datetime.fromisoformat(f"{day}T{time}.{fraction or 0:0<6}{'Z' if zone == 'UTC' else zone}")
    except ValueError:
        return None
