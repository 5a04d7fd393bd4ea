"""Which journal a database needs where it lies: a write-ahead log wants memory that all its readers share."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Literal

Journal = Literal["wal", "truncate"]

MOUNTS = Path("/proc/self/mountinfo")
# Disks and memory of this machine. On all else, known as a network's (nfs, cifs, ceph, lustre, fuse.sshfs) or unknown,
# as 9p and virtiofs, behind which another machine's files may lie, a rollback journal is right too.
# fmt: off
_LOCAL = frozenset({
    "apfs", "bcachefs", "btrfs", "exfat", "ext2", "ext3", "ext4", "f2fs", "fuseblk", "hfsplus", "jfs", "msdos",
    "nilfs2", "ntfs", "ntfs3", "overlay", "ramfs", "reiserfs", "tmpfs", "ubifs", "udf", "ufs", "vfat", "xfs",
    "zfs",
})
# fmt: on


def journal_for(folder: Path) -> Journal:
    """Write-ahead log on a disk of this machine, else a rollback journal, which is safe on a network's file system.

    The latter is emptied, not removed, at each commit: with ``synchronous=FULL`` SQLite waits for the disk to have
    done that, but not for a file's removal.
    """
    return "wal" if file_system(folder) in _LOCAL else "truncate"


def file_system(folder: Path) -> str | None:
    """Type of the file system where the folder lies, as ``ext4`` or ``nfs4``; None where the system does not say."""
    try:
        mounts = MOUNTS.read_text(encoding="utf-8", errors="surrogateescape")
        folder = folder.resolve()
        number = folder.stat().st_dev
    except OSError:
        return None
    device = f"{os.major(number)}:{os.minor(number)}"
    best, found = (False, -1), None
    for line in mounts.splitlines():
        mount, _, source = line.partition(" - ")
        fields = mount.split(" ")
        if len(fields) < 5 or not folder.is_relative_to(point := _unescaped(fields[4])):
            continue
        # a mount may lie below one that came later; btrfs gives each subvolume a device number of its own
        rank = (fields[2] == device, len(point))
        if rank >= best:
            best, found = rank, source.split(" ")[0]
    return found


def _unescaped(text: str) -> str:
    """The path; spaces, tabs, line breaks and backslashes are written as octal numbers."""
    return re.sub(r"\\([0-7]{3})", lambda match: chr(int(match[1], 8)), text)
