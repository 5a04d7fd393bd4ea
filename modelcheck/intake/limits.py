"""How much a submission may be."""

from __future__ import annotations

from dataclasses import dataclass


class Refused(Exception):
    """Why an archive is not safe to unpack, and what helps; whoever catches it adds the archive's name."""


class Damaged(Exception):
    """Why an archive cannot be read; whoever catches it adds the archive's name."""


@dataclass(frozen=True)
class Limits:
    """Bounds, each far above what honest submissions need.

    Args:
        members: files and folders in an archive, the folders that only paths imply included.
        unpacked_bytes: all that an archive unpacks to.
        ratio: how many times its own size an archive may unpack to, once that is over ``ratio_from_bytes``.
        ratio_from_bytes: what unpacks to less hurts nobody, whatever its ratio.
        depth: folders within each other.
        path_bytes: a member's path.
        entries: files and folders that a search of a folder comes by; a data set in single pictures has 70,000.
    """

    members: int = 10_000
    unpacked_bytes: int = 512 * 2**20
    ratio: int = 200
    ratio_from_bytes: int = 32 * 2**20
    depth: int = 32
    path_bytes: int = 1_000
    entries: int = 200_000

    def most_bytes(self, packed: int) -> int:
        """What an archive of ``packed`` bytes may unpack to."""
        return min(self.unpacked_bytes, max(self.ratio_from_bytes, self.ratio * packed))


LIMITS = Limits()
