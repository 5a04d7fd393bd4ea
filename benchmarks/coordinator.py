"""The coordinator's memory and time for very many submissions, whose sandboxed part is replaced by a stub.

Run by hand: python benchmarks/coordinator.py [--submissions 100000]. A scheduler and two workers of Dask's are started
on this machine, and the real command grades a folder of that many files, which it finds, hashes, packs, sends, keeps in
the gradebook and shows on pages as it always does. Only the workers give the same answer to all: the capture and the
report of one model. Printed is the most that the command's process held, as the kernel counted it (VmHWM).
"""

from __future__ import annotations

import argparse
import json
import platform
import subprocess
import sys
import tempfile
import time
from importlib.metadata import version
from pathlib import Path

ROOT = Path(__file__).parent.parent
WORKERS = ("--nworkers", "2", "--nthreads", "1")
NET = """# submission {}
import torch.nn as nn


class Net(nn.Sequential):
    def __init__(self):
        super().__init__(nn.Flatten(), nn.Linear(784, 10))
"""
POLICY = """
extends = "mnist-20k"
[grading]
points = { parameter-budget = 50, batch-norm = 50 }
"""
# what the workers load at their start: the first job is done as always, and all others get a copy of what it gave
STUB = """
import threading
import msgspec
from modelcheck.grading import remote
from modelcheck.grading.work import Done, Job

remote.really = getattr(remote, "really", remote.handed_on)  # Dask loads this twice
lock, first = threading.Lock(), []

def handed_on(course, function, *arguments):
    with lock:
        if not first:
            first.append(remote.really(course, function, *arguments))
    text, capture = first[0]
    job = msgspec.json.decode(arguments[0][0], type=Job)
    done = msgspec.structs.replace(msgspec.json.decode(text, type=Done), submission=job.submission)
    return msgspec.json.encode(done), capture

remote.handed_on = handed_on
"""
# prints what the process held at most, whatever becomes of it
GRADE = """
import sys
from pathlib import Path
from modelcheck.cli import main

told = Path(sys.argv.pop())
try:
    main()
finally:
    lines = Path("/proc/self/status").read_text().splitlines()
    told.write_text(next(line.split()[1] for line in lines if line.startswith("VmHWM")))
"""


def main() -> None:
    """Measure, and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--submissions", type=int, default=100_000)
    number = parser.parse_args().submissions
    with tempfile.TemporaryDirectory(prefix="modelcheck-coordinator-", dir="/var/tmp") as folder:
        print(f"modelcheck {version('modelcheck')}, distributed {version('distributed')}, {platform.machine()}")
        measure(Path(folder), number)


def measure(folder: Path, number: int) -> None:
    """Grade that many, and print what it took."""
    submissions = folder / "submissions"
    submissions.mkdir()
    for one in range(number):
        (submissions / f"student{one:06}.py").write_text(NET.format(one))
    (folder / "stub.py").write_text(STUB)
    (folder / "policy.toml").write_text(POLICY)
    file = folder / "scheduler.json"
    local = ["--host", "127.0.0.1", "--port", "0"]
    grade = [sys.executable, "-c", GRADE, "grade", str(submissions), "--policy", str(folder / "policy.toml")]
    grade += ["--out", str(folder / "results"), "--scheduler"]
    with (
        _dask(folder, "scheduler", *local, "--scheduler-file", str(file)) as scheduler,
        _dask(
            folder, "worker", "--scheduler-file", str(file), *WORKERS, "--preload", str(folder / "stub.py")
        ) as workers,
    ):
        try:
            while not (file.is_file() and file.read_text().endswith("}")):  # it is written in two steps
                time.sleep(0.1)
            address = json.loads(file.read_text())["address"]
            began = time.perf_counter()
            subprocess.run([*grade, address, str(folder / "held")], check=True, stderr=subprocess.DEVNULL)
            seconds = time.perf_counter() - began
        finally:
            workers.terminate()
            scheduler.terminate()
    held_mb = int((folder / "held").read_text()) * 1024 / 1e6
    index_mb = (folder / "results" / "index.html").stat().st_size / 1e6
    print(
        f"{number:,} submissions: the coordinator held {held_mb:.0f} MB at most, and took {seconds:.0f} s, "
        f"{1000 * seconds / number:.1f} ms for each; index.html has {index_mb:.1f} MB"
    )


def _dask(folder: Path, *command: str) -> subprocess.Popen[bytes]:
    line = [sys.executable, "-m", "dask", *command, "--no-dashboard"]
    return subprocess.Popen(line, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


if __name__ == "__main__":
    main()
