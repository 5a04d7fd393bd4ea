"""Linux system calls that Python has no function for, by the C library."""

from __future__ import annotations

import ctypes
import os

NEW_NS, NEW_UTS, NEW_IPC, NEW_USER, NEW_PID, NEW_NET = (
    0x00020000,
    0x04000000,
    0x08000000,
    0x10000000,
    0x20000000,
    0x40000000,
)
READ_ONLY, NO_SUID, NO_DEV, NO_EXEC, RECURSIVE, PRIVATE = 1, 2, 4, 8, 1 << 14, 1 << 18

_PARENT_DEATH_SIGNAL, _DUMPABLE, _DROP_BOUNDING, _SUBREAPER, _NO_NEW_PRIVILEGES, _AMBIENT = 1, 4, 24, 36, 38, 47
_CLEAR_ALL = 4
_KEEP_CAPABILITIES = 8
_CAPABILITY_VERSION = 0x20080522
_MOST_CAPABILITIES = 64

_libc = ctypes.CDLL(None, use_errno=True)


def unshare(flags: int) -> None:
    """Give the process namespaces of its own; of processes, to its next child."""
    _call("unshare", flags)


def return_to(namespace: int, kind: int) -> None:
    """Put the process, or for process numbers its next child, into the namespace of the file descriptor."""
    _call("setns", namespace, kind)


def mount(what: str, where: str, kind: str | None = None, flags: int = 0, data: str | None = None) -> None:
    """Mount a file system."""
    texts = [None if one is None else one.encode() for one in (what, where, kind, data)]
    _call("mount", texts[0], texts[1], texts[2], ctypes.c_ulong(flags), texts[3])


def unmount(where: str) -> None:
    """Take away what is mounted there."""
    _call("umount", where.encode())


def set_dumpable(dumpable: bool) -> None:
    """Say whether processes of the same user may look into this one."""
    prctl(_DUMPABLE, int(dumpable))


def die_with_parent(signal: int) -> None:
    """Be sent the signal when the thread that started this process ends."""
    prctl(_PARENT_DEATH_SIGNAL, signal)


def adopt_orphans() -> None:
    """Become the parent of descendants whose own has ended."""
    prctl(_SUBREAPER, 1)


def no_new_privileges() -> None:
    """Gain nothing from executing files that are set-uid or have capabilities; for good."""
    prctl(_NO_NEW_PRIVILEGES, 1)


def become(user: int) -> None:
    """Become that user, of no group but its own; rights that are kept can be taken up again."""
    prctl(_KEEP_CAPABILITIES, 1)
    os.setgroups([])
    os.setresgid(user, user, user)
    os.setresuid(user, user, user)
    set_dumpable(True)


def drop_bounding() -> None:
    """Let no file that is executed give any capability, for good."""
    for number in range(_MOST_CAPABILITIES):
        try:
            prctl(_DROP_BOUNDING, number)
        except OSError:  # there are no more, or it may not, and then executing a file cannot give it any either
            break


def keep_capabilities(kept: int = 0) -> None:
    """Give up all of them but those whose bit is set, for good."""
    prctl(_AMBIENT, _CLEAR_ALL)
    header = (ctypes.c_uint32 * 2)(_CAPABILITY_VERSION, 0)
    _call("capset", header, (ctypes.c_uint32 * 6)(kept, kept))


def prctl(option: int, *arguments: object) -> int:
    """Set an attribute of the process."""
    given = [ctypes.c_ulong(one) if isinstance(one, int) else one for one in arguments]
    padding = [ctypes.c_ulong(0)] * (4 - len(given))
    return _call("prctl", option, *given, *padding)


def syscall(number: int, *arguments: object) -> int:
    """Make the system call with that number."""
    return _call("syscall", ctypes.c_long(number), *arguments)


def _call(name: str, *arguments: object) -> int:
    result: int = getattr(_libc, name)(*arguments)
    if result == -1:
        number = ctypes.get_errno()
        raise OSError(number, f"{name}: {os.strerror(number)}")
    return result
