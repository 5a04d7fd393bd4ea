"""Names that somebody mistyped."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

LONGEST_NAME = 80
MOST_LISTED = 20


def unknown_name(what: str, name: str, known: Iterable[str], *, listed_by: str = "") -> str:
    """One line that says what is unknown, the nearest known name where one is near, and all known ones.

    Many names are not listed: ``listed_by``, a command, tells where they are.
    """
    known = sorted(known)
    near = nearest(name, known)
    hint = f"; did you mean {near!r}?" if near else "."
    names = f"Known: {', '.join(known)}."
    if len(known) > MOST_LISTED:
        names = f"{listed_by} lists them all." if listed_by else f"{len(known)} are known."
    return f"unknown {what} {shortened(name)!r}{hint} {names}"


def nearest(name: str, known: Iterable[str]) -> str | None:
    """The known name that was most probably meant, whatever its case; None where none is near."""
    by_key = {one.lower(): one for one in known}
    near = difflib.get_close_matches(name[:LONGEST_NAME].lower(), by_key, n=1)
    return by_key[near[0]] if near else None


def shortened(text: str) -> str:
    """The text, cut where it is longer than a name would be."""
    return text if len(text) <= LONGEST_NAME else f"{text[:LONGEST_NAME]}…"
