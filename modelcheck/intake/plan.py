"""Decides, before anything is written, whether an archive's members can be unpacked, and which files they give."""

from __future__ import annotations

import re
from collections.abc import Iterable

from modelcheck.author_trace import printable
from modelcheck.intake.limits import Limits, Refused
from modelcheck.intake.members import Kind, Member
from modelcheck.words import counted

Parts = tuple[str, ...]

_LONGEST_NAME_BYTES = 255
_LEAVE_OUT = "leave out data, trained weights and virtual environments, and pack the rest again"
_PLAIN_PATHS = "pack the folder again, with paths that start in it"


class Plan:
    """What is to be unpacked: ``folders``, and ``files`` in the archive's order; of two files of one name the last."""

    def __init__(self) -> None:
        self.files: dict[Parts, Member] = {}
        self.kinds: dict[Parts, Kind] = {}

    @property
    def folders(self) -> list[Parts]:
        """Every folder, after the one that holds it."""
        return [parts for parts, kind in self.kinds.items() if kind == "folder"]

    def add(self, parts: Parts, member: Member) -> None:
        """Take the member in, and the folders that its path implies.

        Raises:
            Refused: another member makes a folder of what is a file or a link, or the other way round.
        """
        for depth in range(1, len(parts)):
            self._take(parts[:depth], "folder", member)
        self._take(parts, member.kind, member)
        if member.kind == "file":
            self.files.pop(parts, None)
            self.files[parts] = member

    def _take(self, parts: Parts, kind: Kind, member: Member) -> None:
        if self.kinds.setdefault(parts, kind) != kind:
            told = f"is a {kind} in one place and a {self.kinds[parts]} in another"
            raise Refused(f"its member '{printable('/'.join(parts))}' {told}; give each a name of its own")


def planned(members: Iterable[Member], limits: Limits, packed: int) -> Plan:
    """What the members unpack to; links that stay inside and what macOS adds are left out.

    Args:
        packed: the archive's own size.
    Raises:
        Refused: the first member that leads out, is no file, folder or link, is not alone in its place, or is too much.
    """
    if packed > limits.unpacked_bytes:
        raise Refused(f"it is larger than {_size(limits.unpacked_bytes)}; {_LEAVE_OUT}")
    plan = Plan()
    claimed = 0
    for number, member in enumerate(members, start=1):
        parts = safe_parts(member.name, limits)
        _check_kind(member)
        claimed += member.size if member.kind == "file" else 0
        if claimed > limits.most_bytes(packed):
            raise too_large(member.name, limits, packed)
        if parts and "__MACOSX" not in parts and parts[-1] != ".DS_Store":
            plan.add(parts, member)
        if max(number, len(plan.kinds)) > limits.members:
            raise Refused(f"it has more than {counted(limits.members, 'member')}; {_LEAVE_OUT}")
    return plan


def safe_parts(name: str, limits: Limits) -> Parts:
    """The path's parts, none of which leads out; a backslash parts as it does for Windows.

    Raises:
        Refused: it is absolute, has a drive or a ``..``, or is too long or too deep.
    """
    shown = f"its member '{printable(name, 100)}'"
    path = name.replace("\\", "/")
    parts = tuple(part for part in path.split("/") if part not in ("", "."))
    if _is_absolute(path, parts):
        raise Refused(f"{shown} has an absolute path; {_PLAIN_PATHS}")
    if ".." in parts:
        raise Refused(f"{shown} leads out of the folder by its '..'; {_PLAIN_PATHS}")
    if "\0" in name:
        raise Refused(f"{shown} has a name that no file can have; rename it and pack again")
    sizes = [len(part.encode("utf-8", "surrogateescape")) for part in parts]
    if len(parts) > limits.depth:
        raise Refused(f"{shown} lies more than {counted(limits.depth, 'folder')} deep; {_LEAVE_OUT}")
    if sum(sizes) + len(sizes) - 1 > limits.path_bytes or max(sizes, default=0) > _LONGEST_NAME_BYTES:
        raise Refused(f"{shown} has too long a path; shorten its name and pack again")
    return parts


def too_large(name: str, limits: Limits, packed: int) -> Refused:
    """The refusal of an archive that unpacks to too much, with the member that was one too many."""
    at = f"up to its member '{printable(name, 100)}' it unpacks to"
    if limits.most_bytes(packed) == limits.unpacked_bytes:
        return Refused(f"{at} more than {_size(limits.unpacked_bytes)}; {_LEAVE_OUT}")
    return Refused(f"{at} more than {limits.ratio:,} times its own size, as a decompression bomb does; {_LEAVE_OUT}")


def _size(number: int) -> str:
    return f"{number / 2**20:,.0f} MiB" if number >= 2**20 else counted(number, "byte")


def _check_kind(member: Member) -> None:
    shown = f"its member '{printable(member.name, 100)}'"
    if member.kind == "special":
        raise Refused(f"{shown} is a device, a pipe or a sparse file; pack ordinary files and folders alone")
    if member.kind == "link" and _leads_out(member.leads_to):
        where = printable(member.leads_to, 100)
        raise Refused(f"{shown} is a link that leads out, to '{where}'; put the file itself in its place")


def _leads_out(path: str) -> bool:
    """Whether the path, seen from the archive's root, leaves it at any step."""
    path = path.replace("\\", "/")
    parts = tuple(part for part in path.split("/") if part not in ("", "."))
    depths = [0]
    for part in parts:
        depths.append(depths[-1] + (-1 if part == ".." else 1))
    return _is_absolute(path, parts) or min(depths) < 0


def _is_absolute(path: str, parts: Parts) -> bool:
    # a drive in any place starts anew where Windows joins paths
    return path.startswith("/") or any(re.match("[A-Za-z]:", part) for part in parts)
