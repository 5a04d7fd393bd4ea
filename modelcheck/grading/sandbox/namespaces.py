"""Inside bubblewrap: for each submission its own processes, files, network and messages, and no rights at all."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

from modelcheck.grading.sandbox import kernel
from modelcheck.grading.sandbox.seccomp import refuse_calls

USER = 1000  # as the author's code sees itself
_ANSWERS_TO = kernel.NEW_NS | kernel.NEW_IPC | kernel.NEW_NET | kernel.NEW_UTS
_PLAIN = kernel.NO_SUID | kernel.NO_DEV
_MOST_FILES = 300_000
_SHARED_MIB = 256
# bubblewrap makes these read-only for root; under them the kernel allows nobody else a view of the processes
_COVERS = ("/proc/sys", "/proc/sysrq-trigger", "/proc/irq", "/proc/bus")


class Namespaces:
    """What is done on the way from a trusted process to one that runs the author's code."""

    def __init__(self, user: int) -> None:
        self.user = user
        self.processes = -1

    def begin(self) -> None:
        """Become an ordinary user who may make namespaces, and nothing else, where root started this."""
        if os.getuid() == 0:
            self._leave_root()
        # of namespaces that bubblewrap has made for another user it could not take processes back
        kernel.unshare(kernel.NEW_NS | kernel.NEW_PID)
        if pid := os.fork():
            os._exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) and 1)
        kernel.mount("proc", "/proc", "proc", _PLAIN | kernel.NO_EXEC)
        self.processes = os.open("/proc/self/ns/pid", os.O_RDONLY | os.O_CLOEXEC)

    def _leave_root(self) -> None:
        """Go on in a process of that user, who rules over its own namespaces alone."""
        for one in _COVERS:
            with contextlib.suppress(OSError):
                kernel.unmount(one)
        kernel.become(self.user)
        kernel.keep_capabilities()
        kernel.unshare(kernel.NEW_USER)
        Path("/proc/self/setgroups").write_text("deny")
        Path("/proc/self/uid_map").write_text(f"{USER} {self.user} 1")
        Path("/proc/self/gid_map").write_text(f"{USER} {self.user} 1")

    def fork(self) -> int:
        """As ``os.fork``; the child is the first of its processes, and all of them end with it."""
        kernel.unshare(kernel.NEW_PID)
        pid = os.fork()
        if pid:
            kernel.return_to(self.processes, kernel.NEW_PID)  # or the next one would go there too
        return pid

    def enter(self, base: Path, disk_mib: int) -> None:
        """Have a view of its own, where nothing but an empty folder can be written to."""
        os.close(self.processes)
        kernel.unshare(_ANSWERS_TO)
        kernel.mount("none", "/", None, kernel.RECURSIVE | kernel.PRIVATE)
        kernel.mount("tmpfs", str(base), "tmpfs", _PLAIN, f"size={disk_mib}m,nr_inodes={_MOST_FILES},mode=0700")
        kernel.mount("tmpfs", "/dev/shm", "tmpfs", _PLAIN, f"size={_SHARED_MIB}m,nr_inodes=1000,mode=1777")
        kernel.mount("proc", "/proc", "proc", _PLAIN | kernel.NO_EXEC | kernel.READ_ONLY)

    def confine_all(self) -> None:
        """Give up all rights in the first process, for good, and so in those that follow."""
        kernel.drop_bounding()
        kernel.keep_capabilities()
        kernel.no_new_privileges()
        refuse_calls(own_namespaces=True, pid=0)

    def confine(self, base: Path) -> None:
        """Nothing is left to be given up in the author's process."""

    def others(self) -> int:
        """How many processes of its user's there may be beside the author's."""
        return 4  # the author's own, the server, the one above it, and the first process

    def end_rest(self) -> None:
        """What the author's process left ends with the first one."""
