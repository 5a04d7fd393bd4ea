"""Whether a sandbox holds on this machine: probes are handed in as a submission, and are seen to fail."""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import shutil
import socket
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec

from modelcheck.author_trace import printable
from modelcheck.grading.sandbox.choosing import Sandbox
from modelcheck.grading.sandbox.confinement import READS
from modelcheck.grading.sandbox.places import PACKAGE, guarded, is_readable_by_all, readable
from modelcheck.grading.sandbox.starter import Starter
from modelcheck.inputs import InputSpec
from modelcheck.isolated.proc import PROC, processes
from modelcheck.isolated.protocol import Limits

PROBES = Path(__file__).with_name("probes.py")
LIMITS = Limits(wall_s=60.0, cpu_s=60, memory_mib=1024, file_mib=64, processes=32)
SURVIVES_S = 2.0  # what runs longer than its limit by more than that is not held

_IN_ONE = ("network", "files", "processes", "environment", "capabilities", "labels", "children", "disk", "memory")
_TITLES = {
    "network": "no network",
    "files": "no files of others",
    "processes": "no other processes",
    "environment": "nothing of the grader's environment",
    "capabilities": "no rights",
    "labels": "no labels",
    "children": "limit on processes",
    "disk": "limit on files",
    "memory": "limit on memory",
    "survival": "limit on time",
}
_SHORT_S = 3.0
_MUCH_MIB = 16_384
_KINDS = {".gz", ".safetensors"}  # of files that are labels, images or weights
_INPUTS = (InputSpec((1,)),)


class Check(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that a sandbox is to keep the author's code from; ``evidence`` says what was tried and seen."""

    name: str
    holds: bool
    evidence: str


def check(sandbox: Sandbox) -> tuple[Check, ...]:
    """What holds in the sandbox on this machine; takes some ten seconds.

    Raises:
        UsageError: it cannot be started.
    """
    with _bait(sandbox.name) as (given, seen), sandbox.start(LIMITS) as starter:
        if not isinstance(starter, Starter):
            return tuple(Check(name=one, holds=False, evidence="there is no sandbox") for one in _TITLES.values())
        found = _done(starter, given, _IN_ONE)
        for one in seen():
            found.setdefault("network", []).append(one)
        return (*(_judged(name, found.get(name)) for name in _IN_ONE), _survival(starter, given))


def _judged(name: str, done: list[str] | None) -> Check:
    if name == "memory" and done is None:
        return Check(name=_TITLES[name], holds=True, evidence="was stopped")
    if done is None:
        return Check(name=_TITLES[name], holds=False, evidence="the probe did not come to its end")
    return Check(name=_TITLES[name], holds=not done, evidence=", ".join(done) or _TRIED[name])


_TRIED = {
    "network": "TCP, UDP and an abstract socket of this machine could not be reached",
    "files": "files of the grader and of the system could not be read, nor anything be written or mounted again",
    "processes": "the grader's process could not be read, traced or signalled",
    "environment": "a secret of the grader's environment was not there",
    "capabilities": "no capability but what the sandbox names, none to be gained, and no namespace to be made",
    "labels": "neither labels nor trained weights could be read anywhere",
    "children": f"no more than {LIMITS.processes} processes could be started",
    "disk": f"no more than {2 * LIMITS.file_mib} MiB could be written",
    "memory": f"{LIMITS.memory_mib:,} MiB could not be exceeded",
}


def _survival(starter: Starter, given: Mapping[str, Any]) -> Check:
    starter.limits = replace(LIMITS, wall_s=_SHORT_S, memory_mib=_MUCH_MIB)
    start = time.monotonic()
    _done(starter, given, ("survival",))
    over_s = time.monotonic() - start - _SHORT_S
    left = [one.pid for one in processes() if one.alive and _is_called(one.pid, given["marker"])]
    evidence = f"a loop that was deaf to signals, with daemons, ended {over_s:.1f} s after its limit; {len(left)} left"
    return Check(name=_TITLES["survival"], holds=over_s < SURVIVES_S and not left, evidence=evidence)


def _is_called(pid: int, name: str) -> bool:
    try:
        return (PROC / str(pid) / "comm").read_text().strip() == name
    except OSError:
        return False


def _done(starter: Starter, given: Mapping[str, Any], probes: tuple[str, ...]) -> dict[str, list[str]]:
    """What the probes say that they succeeded in; those that came to no end say nothing."""
    with tempfile.TemporaryDirectory(prefix="modelcheck-") as folder:
        submission = Path(folder, "probe")
        submission.mkdir()
        shutil.copy(PROBES, submission / "net.py")
        (submission / "given.json").write_text(json.dumps({**given, "probes": probes}))
        with starter.watched(submission, _INPUTS) as (ended, _):
            found = {}
            for line in ended.printed.decode("utf-8", "replace").splitlines():
                with contextlib.suppress(ValueError):
                    name, done = json.loads(line)
                    found[name] = [printable(one) for one in done]
            return found


@contextlib.contextmanager
def _bait(sandbox: str) -> Iterator[tuple[dict[str, Any], Any]]:
    """What there is to be found, and a function that says what of it was."""
    secret = secrets.token_hex(16)
    with contextlib.ExitStack() as kept:
        folder = Path(kept.enter_context(tempfile.TemporaryDirectory(prefix="modelcheck-")))
        folder.chmod(0o755)
        (folder / "secret").write_text(secret)
        tcp = kept.enter_context(socket.create_server(("127.0.0.1", 0)))
        udp = kept.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
        udp.bind(("127.0.0.1", 0))
        abstract = kept.enter_context(socket.socket(socket.AF_UNIX))
        abstract.bind(f"\0modelcheck-{secret}")
        abstract.listen()
        os.environ["MODELCHECK_SECRET"] = secret
        kept.callback(os.environ.pop, "MODELCHECK_SECRET", None)

        def seen() -> list[str]:
            found = []
            for one in (tcp, udp, abstract):
                one.setblocking(False)
                with contextlib.suppress(BlockingIOError):
                    one.recv(16) if one is udp else one.accept()[0].close()
                    found.append("the grader was reached")
            return found

        labels = guarded()
        reads = sandbox == "process" and os.getuid() == 0 and not is_readable_by_all()
        given = {
            "tcp": tcp.getsockname()[1],
            "udp": udp.getsockname()[1],
            "abstract": f"modelcheck-{secret}",
            "secret": secret,
            "secret_file": str(folder / "secret"),
            "folder": str(folder),
            "marker": f"mc{secret[:10]}",
            "package": str(PACKAGE),
            "python": sys.prefix,
            "pid": os.getpid(),
            "rights": 1 << READS if reads else 0,
            "roots": ["/", *map(str, readable())],
            "hidden": [str(one) for one in labels],
            "names": sorted({file.name for one in labels for file in one.iterdir() if file.suffix in _KINDS}),
            "processes": LIMITS.processes,
            "files": 1 if sandbox == "process" else 8,  # which limits each alone, and says so
            "file_mib": LIMITS.file_mib,
            "memory_mib": LIMITS.memory_mib,
        }
        yield given, seen
