# mypy: disable-error-code="no-untyped-def,no-untyped-call,var-annotated"
"""What an author's code could try. Handed to a sandbox as a submission, it prints what it succeeded in.

It stands alone, as a submission does: none of modelcheck is imported here.
"""

import contextlib
import ctypes
import json
import os
import signal
import socket
import time
from pathlib import Path

from torch import nn

_CAPABILITIES = ("CapInh", "CapPrm", "CapEff", "CapAmb")
_NEW_USER, _NEW_NS, _REMOUNT_BIND = 0x10000000, 0x00020000, 4096 | 32
_SEIZE = 0x4206
_MOST_CHILDREN = 500
_VSOCK = 40


def network(given):
    """Connections to the grader, by every way that the machine itself has."""
    done = []
    for family, kind, address in (
        (socket.AF_INET, socket.SOCK_STREAM, ("127.0.0.1", given["tcp"])),
        (socket.AF_INET, socket.SOCK_DGRAM, ("127.0.0.1", given["udp"])),
        (socket.AF_UNIX, socket.SOCK_STREAM, "\0" + given["abstract"]),
    ):
        try:
            with socket.socket(family, kind) as one:
                one.settimeout(2)
                one.connect(address)
                one.send(b"here")
                done.append(f"reached {address!r}")
        except OSError:
            pass
    with contextlib.suppress(OSError), socket.socket(_VSOCK, socket.SOCK_STREAM):
        done.append("made a socket to the host of a virtual machine")
    return done


def files(given):
    """Reading what is the grader's, and writing anywhere outside the submission's own folder."""
    done = []
    for path in (given["secret_file"], "/etc/shadow", "/etc/passwd"):
        with contextlib.suppress(OSError):
            done.append(f"read {path} ({len(Path(path).read_bytes())} bytes)")
        with contextlib.suppress(OSError):
            os.utime(path)
            done.append(f"changed the times of {path}")
    for folder in (given["folder"], given["package"], given["python"], "/", "/etc", "/usr", "/dev", "/proc/sys/kernel"):
        try:
            Path(folder, given["marker"]).write_text("here")
            done.append(f"wrote into {folder}")
        except OSError:
            pass
        if not ctypes.CDLL(None).mount(None, folder.encode(), None, _REMOUNT_BIND, None):
            done.append(f"remounted {folder}")
    return done


def processes(given):
    """Seeing, stopping and reading other processes, the grader's and the one above this."""
    done = []
    libc = ctypes.CDLL(None)
    for number in {given["pid"], os.getppid()} - {0}:
        for name in ("environ", "mem", "maps"):
            try:
                with Path(f"/proc/{number}/{name}").open("rb") as file:
                    if name == "mem" or file.read(1):
                        done.append(f"opened /proc/{number}/{name}")
            except OSError:
                pass
        if libc.ptrace(_SEIZE, number, 0, 0) == 0:
            done.append(f"traced {number}")
    try:
        os.kill(given["pid"], 0)
        done.append(f"could signal {given['pid']}")
    except OSError:
        pass
    return done


def environment(given):
    """The grader's environment."""
    return [name for name, value in os.environ.items() if given["secret"] in value]


def capabilities(given):
    """Rights, and ways to get some."""
    status = dict(line.split(":\t", 1) for line in Path("/proc/self/status").read_text().splitlines() if ":\t" in line)
    done = [f"{name} {status[name]}" for name in _CAPABILITIES if int(status.get(name, "0"), 16) & ~given["rights"]]
    if status["NoNewPrivs"] != "1":
        done.append("may gain rights from files")
    if status["Seccomp"] != "2":
        done.append("may make any system call")
    libc = ctypes.CDLL(None, use_errno=True)
    done += [f"made a namespace ({flags:#x})" for flags in (_NEW_USER, _NEW_NS) if libc.unshare(flags) == 0]
    return done


def labels(given):
    """Labels, and a trained model, anywhere that can be read."""
    done = []
    paths = [Path(folder, name) for folder in given["hidden"] for name in given["names"]]
    for root in given["roots"]:
        for parent, folders, names in os.walk(root):
            folders[:] = [one for one in folders if root != "/" or one not in ("proc", "usr")]
            paths += [Path(parent, name) for name in names if name in given["names"]]
    for path in paths:
        with contextlib.suppress(OSError):
            done.append(f"{path} ({len(path.read_bytes())} bytes)")
    return done


def children(given):
    """More processes than there may be."""
    reading, writing = os.pipe()
    started = []
    try:
        while len(started) < _MOST_CHILDREN:
            pid = os.fork()
            if not pid:
                os.close(writing)
                os.read(reading, 1)
                os._exit(0)
            started.append(pid)
    except OSError:
        pass
    os.close(writing)
    for one in started:
        os.waitpid(one, 0)
    return [f"{len(started)} at the same time"] if len(started) > given["processes"] else []


def disk(given):
    """More on the disk than there may be."""
    written = 0
    for number in range(given["files"]):
        with contextlib.suppress(OSError), Path(f"much-{number}").open("wb", buffering=0) as file:
            for _ in range(3 * given["file_mib"]):
                written += file.write(bytes(2**20))
    for one in Path.cwd().glob("much-*"):
        one.unlink()
    return [f"{written >> 20} MiB"] if written >> 20 > 2 * given["file_mib"] else []


def memory(given):
    """More memory than there may be; said at once, as what succeeds is ended."""
    held = [bytearray(os.urandom(1024) * 2**16) for _ in range(2 * given["memory_mib"] // 64)]
    return [f"{64 * len(held)} MiB"]


def survival(given):
    """Going on for ever: deaf, stopped, in a session of its own, and with nobody above it."""
    ctypes.CDLL(None).prctl(15, given["marker"][:15].encode(), 0, 0, 0)
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGUSR1, signal.SIGXCPU):
        signal.signal(number, signal.SIG_IGN)
    for stopped in (False, True):
        try:
            pid = os.fork()
        except OSError:
            break  # where there are no other processes, this one goes on
        if pid == 0:
            os.setsid()
            if os.fork() == 0:
                if stopped:
                    os.kill(os.getpid(), signal.SIGSTOP)
                while True:
                    time.sleep(0.1)
            os._exit(0)
    while True:
        time.sleep(0.1)


_PROBES = {
    one.__name__: one
    for one in (network, files, processes, environment, capabilities, labels, children, disk, memory, survival)
}


class Net(nn.Module):
    """A model that tries what it is told to."""

    def __init__(self):
        super().__init__()
        given = json.loads(Path("probe/given.json").read_text())
        for name in given["probes"]:
            try:
                done = _PROBES[name](given)
            except BaseException as error:
                done = [f"stopped by {type(error).__name__}: {error}"] if name != "memory" else []
            print(json.dumps([name, done]), flush=True)
        self.linear = nn.Linear(1, 1)

    def forward(self, x):
        """Anything."""
        return self.linear(x)
