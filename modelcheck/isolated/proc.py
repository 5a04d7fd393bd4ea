"""Other processes, as Linux tells of them in ``/proc``; elsewhere there are none to be seen."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

PROC = Path("/proc")
_PAGE_BYTES = os.sysconf("SC_PAGE_SIZE") if hasattr(os, "sysconf") else 4096
_DEAD = {"Z", "X", "x"}  # zombies, whom nobody has waited for yet, among them


@dataclass(frozen=True)
class Process:
    """One process: its parent, its group, whether it runs, and what it holds of memory and addresses, in bytes."""

    pid: int
    parent: int
    group: int
    alive: bool
    resident: int
    addresses: int

    def share(self) -> int:
        """What it holds of memory in bytes, where of what n processes share each holds one part in n.

        Where that is not ours to read, what is resident now: nothing of a process that has ended since, as many do
        that end together. Takes about 10 ms for a process with torch in it.
        """
        try:
            for line in (PROC / str(self.pid) / "smaps_rollup").read_text().splitlines():
                if line.startswith("Pss:"):
                    return int(line.split()[1]) * 1024
        except OSError:
            pass
        now = process(self.pid)
        return now.resident if now and now.alive else 0

    def has_in_environment(self, setting: str) -> bool:
        """Whether it was started with ``NAME=value`` in its environment; False where that is not ours to read."""
        try:
            return setting.encode() in (PROC / str(self.pid) / "environ").read_bytes().split(b"\0")
        except OSError:
            return False


def processes() -> Iterator[Process]:
    """All processes."""
    try:
        names = os.listdir(PROC)  # noqa: PTH208 - half the price of iterdir, many times a second
    except OSError:
        return
    for name in names:
        if name.isdecimal() and (found := process(int(name))):
            yield found


def process(pid: int) -> Process | None:
    """The process with that number; None where there is none."""
    try:
        with open(f"{PROC}/{pid}/stat", "rb") as file:  # noqa: PTH123 - likewise
            text = file.read().decode("ascii", "replace")
    except OSError:
        return None
    fields = text[text.rindex(")") + 2 :].split()  # the name before may hold anything: proc(5)
    return Process(
        pid,
        parent=int(fields[1]),
        group=int(fields[2]),
        alive=fields[0] not in _DEAD,
        resident=int(fields[21]) * _PAGE_BYTES,
        addresses=int(fields[20]),
    )


def is_alive(pid: int) -> bool:
    """Whether there is such a process and it still runs."""
    found = process(pid)
    return found is not None and found.alive


def family(pid: int) -> list[Process]:
    """What descends from the process with that number and runs; not itself."""
    children: dict[int, list[Process]] = {}
    for one in processes():
        children.setdefault(one.parent, []).append(one)
    found: list[Process] = []
    parents = [pid]
    while parents:
        of_one = children.pop(parents.pop(), [])
        found += (one for one in of_one if one.alive)
        parents += (one.pid for one in of_one)
    return found


def resident_bytes(group: int) -> int:
    """Memory that the processes of the group hold together; what they share counts in each."""
    return sum(one.resident for one in processes() if one.group == group and one.alive)
