"""Landlock: a process gives up the files, the connections and the signals that it needs no more (Linux 5.13)."""

from __future__ import annotations

import os
import stat
import struct
from collections.abc import Iterable, Iterator
from pathlib import Path

from modelcheck.grading.sandbox import kernel

_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446  # the same on all processors
_ASK_VERSION, _PATH_BENEATH = 1, 1

_EXECUTE, _WRITE_FILE, _READ_FILE, _READ_DIR = 1 << 0, 1 << 1, 1 << 2, 1 << 3
_TRUNCATE, _DEVICE_CONTROL = 1 << 14, 1 << 15
_ON_FILES = _EXECUTE | _WRITE_FILE | _READ_FILE | _TRUNCATE | _DEVICE_CONTROL
_READ = _EXECUTE | _READ_FILE
_RIGHTS = {1: 13, 2: 14, 3: 15, 4: 15, 5: 16}  # how many of them a version of Landlock knows
_TCP = 0b11
_ABSTRACT_SOCKETS_AND_SIGNALS = 0b11
_CONNECTIONS_FROM, SCOPES_FROM = 4, 6


def version() -> int:
    """The kernel's version of Landlock; 0 where it has none."""
    try:
        return kernel.syscall(_CREATE_RULESET, None, 0, _ASK_VERSION)
    except OSError:
        return 0


def restrict(readable: Iterable[Path], hidden: Iterable[Path], devices: Iterable[Path], writable: Path) -> None:
    """Leave this process, and all that it starts, these files alone, no TCP, and signals among themselves; for good.

    Args:
        readable: files and folders; whether there is a file in one of the folders can be seen everywhere below.
        hidden: folders below those, whose files cannot be read.
        devices: files that can be read and written.
        writable: the one folder where anything can be done.
    """
    known = version()
    everything = (1 << _RIGHTS[min(known, max(_RIGHTS))]) - 1
    connections = _TCP if known >= _CONNECTIONS_FROM else 0
    scopes = _ABSTRACT_SOCKETS_AND_SIGNALS if known >= SCOPES_FROM else 0
    sizes = 8 + 8 * (known >= _CONNECTIONS_FROM) + 8 * (known >= SCOPES_FROM)
    rules = kernel.syscall(_CREATE_RULESET, struct.pack("QQQ", everything, connections, scopes)[:sizes], sizes, 0)
    hidden = tuple(hidden)
    for path in readable:
        _allow(rules, path, _READ_DIR & everything)
        for one in _around(path, hidden):
            _allow(rules, one, _READ & everything)
    for path in devices:
        _allow(rules, path, (_READ_FILE | _WRITE_FILE | _DEVICE_CONTROL) & everything)
    _allow(rules, writable, everything)
    kernel.syscall(_RESTRICT_SELF, rules, 0)
    os.close(rules)


def _around(folder: Path, hidden: tuple[Path, ...]) -> Iterator[Path]:
    """What covers all in the folder but what is hidden."""
    if folder in hidden:
        return
    if not any(one.is_relative_to(folder) for one in hidden):
        yield folder
        return
    for one in folder.iterdir():
        if not one.is_symlink():
            yield from _around(one, hidden)


def _allow(rules: int, path: Path, rights: int) -> None:
    try:
        handle = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except OSError:  # not there, or not for us
        return
    try:
        if not stat.S_ISDIR(os.fstat(handle).st_mode):
            rights &= _ON_FILES
        if rights:
            kernel.syscall(_ADD_RULE, rules, _PATH_BENEATH, struct.pack("=Qi", rights, handle), 0)
    finally:
        os.close(handle)
