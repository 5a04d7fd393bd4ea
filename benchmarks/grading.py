"""How long grading takes, how much memory, and what being killed costs it.

Run by hand, each for some minutes on a quiet machine:

    python benchmarks/grading.py speed [--submissions 300]     without training, beside a process each
    python benchmarks/grading.py training [--submissions 20]   with training, on all cores beside one by one
    python benchmarks/grading.py kills [--kills 20]            kill -9 at random moments, then the same command again

The submissions are those of tests/submissions/cases, as often as needed, each with other rates of dropout.
"""

from __future__ import annotations

import sys

sys.path.append(sys.path.pop(0))  # this folder last: it has an inspect.py, and everybody imports Python's

import argparse
import os
import random
import re
import signal
import sqlite3
import statistics
import subprocess
import tempfile
import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psutil

ROOT = Path(__file__).parent.parent
sys.path.append(str(ROOT / "tests"))

from submissions.bundle import all_cases

COMMAND = [sys.executable, "-m", "modelcheck"]
POLICY = "mnist-20k"
TRAINED = """extends = "mnist-20k"
[rules]
accuracy = { min = 0.5, attempts = 1 }
[training]
epochs = 1
"""
SINGLE = 24  # submissions that get a process each, to compare with
SEED = 0


def main() -> None:
    """Measure one of them and print it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("speed", "training", "kills"))
    parser.add_argument("--submissions", type=int)
    parser.add_argument("--kills", type=int, default=20)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        if given.what == "speed":
            speed(Path(folder), given.submissions or 300)
        elif given.what == "training":
            training(Path(folder), given.submissions or 20)
        else:
            kills(Path(folder), given.submissions or 80, given.kills)


def make(folder: Path, count: int, *, trainable: bool = False) -> list[Path]:
    """So many submissions in the folder, no two of them the same."""
    cases = [
        case for case in all_cases() if not trainable or (case.expected.output == (10,) and case.name in TRAINABLE)
    ]
    made = []
    for number in range(count):
        case = cases[number % len(cases)]
        place = folder / f"{number:05d}-{case.name}"
        place.mkdir(parents=True)
        case.write(place)
        for path in place.rglob("*.py"):
            path.write_text(changed(path.read_text(encoding="utf-8"), number), encoding="utf-8")
        (place / "NOTE.txt").write_text(f"submission {number}\n")
        made.append(place)
    return made


TRAINABLE = ("gap_adaptive", "gap_avgpool", "gap_functional", "sibling_modules")


def changed(source: str, number: int) -> str:
    """The source with rates of dropout that no other submission has."""
    rates = iter(range(1, 1000))
    return re.sub(
        r"(Dropout\w*\()0\.\d+\)", lambda found: f"{found[1]}{0.05 + 1e-4 * number + 1e-2 * next(rates):.4f})", source
    )


class Watch:
    """Notes when grades come, and how much memory all processes of the grading have then."""

    def __init__(self) -> None:
        self.times: list[float] = []
        self.memory: list[tuple[int, int]] = []  # grades, bytes
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._sample, daemon=True)

    def on_start(self, submissions: int, unchanged: int) -> None:
        """Begin to look at the memory."""
        self._thread.start()

    def on_grade(self, grade: object) -> None:
        """Note the time."""
        self.times.append(time.perf_counter())

    def end(self) -> None:
        """Look no more."""
        self._ended.set()
        self._thread.join()

    def _sample(self) -> None:
        while not self._ended.wait(1.0):
            self.memory.append((len(self.times), together()))


def together() -> int:
    """Bytes of memory of this process and all below it; what several share counts once (PSS)."""
    total = 0
    this = psutil.Process()
    for process in (this, *this.children(recursive=True)):
        try:
            total += process.memory_full_info().pss
        except (psutil.NoSuchProcess, psutil.AccessDenied):
            continue
    return total


def speed(folder: Path, count: int) -> None:
    """Without training: seconds for each submission, beside a process each, and memory as their number grows."""
    import modelcheck

    submissions = make(folder / "submissions", count)
    watch, start = Watch(), time.perf_counter()
    modelcheck.grade([folder / "submissions"], policy=POLICY, out=folder / "results", train=False, watcher=watch)
    whole = time.perf_counter() - start
    watch.end()
    each = (watch.times[-1] - watch.times[0]) / (len(watch.times) - 1)
    cores, few = len(os.sched_getaffinity(0)), min(SINGLE, count)
    alone = by_themselves(random.Random(SEED).sample(submissions, few))
    print(f"{count} submissions without training on {cores} cores, all sandboxed:")
    print(f"{whole:.0f} s from start to end, the first grade after {watch.times[0] - start:.1f} s")
    print(f"{each:.3f} s each once started; {alone:.2f} s with a process each ({few}, {cores} at a time, no sandbox)")
    print(f"ratio {alone / each:.1f}")
    for low, high in ((count // 10, count // 3), (count // 3, 2 * count // 3), (2 * count // 3, count)):
        found = [size for grades, size in watch.memory if low <= grades < high]
        print(f"memory of all processes, grades {low} to {high}: median {statistics.median(found) / 2**20:.0f} MiB")


def by_themselves(submissions: Sequence[Path]) -> float:
    """Seconds for each when every submission has ``modelcheck inspect`` of its own, as many at a time as cores."""
    start = time.perf_counter()
    with ThreadPoolExecutor(len(os.sched_getaffinity(0))) as pool:
        commands = ([*COMMAND, "inspect", str(one), "--policy", POLICY, "--format", "json"] for one in submissions)
        list(
            pool.map(
                lambda command: subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL), commands
            )
        )
    return (time.perf_counter() - start) / len(submissions)


def training(folder: Path, count: int) -> None:
    """With one epoch of training each: all cores with one thread a worker, beside one worker with the same."""
    make(folder / "submissions", count, trainable=True)
    (folder / "policy.toml").write_text(TRAINED)
    seconds = {}
    for jobs in (len(os.sched_getaffinity(0)), 1):
        start = time.perf_counter()
        run = [*grade_command(folder, f"results-{jobs}"), "--jobs", str(jobs)]
        subprocess.run(run, check=False, stdout=subprocess.DEVNULL)
        seconds[jobs] = time.perf_counter() - start
        rows = list(table(folder / f"results-{jobs}" / "gradebook.db"))
        accuracies = [accuracy for *_, accuracy in rows if accuracy is not None]
        print(f"{jobs} at a time: {seconds[jobs]:.0f} s, {len(accuracies)} of {len(rows)} with an accuracy", flush=True)
    same = len({repr(list(table(folder / f"results-{jobs}" / "gradebook.db"))) for jobs in seconds}) == 1
    print(f"the same grades: {same}")


def kills(folder: Path, count: int, times: int) -> None:
    """Kill the command and all below it at random moments, and compare the gradebook with an undisturbed one.

    A kill waits for some more grades, none for the first ones, and then for a moment within the next: so each meets
    work.
    """
    make(folder / "submissions", count)
    (folder / "policy.toml").write_text(f'extends = "{POLICY}"\n')
    start = time.perf_counter()
    subprocess.run(grade_command(folder, "calm"), check=False, stdout=subprocess.DEVNULL)
    whole = time.perf_counter() - start
    chance = random.Random(SEED)
    done = [0]
    for at in range(times):
        process = subprocess.Popen(
            grade_command(folder, "killed"), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        wanted = 0 if at < times // 4 else done[-1] + chance.randint(1, max(1, count // times))
        while graded(folder / "killed") < min(wanted, count) and process.poll() is None:
            time.sleep(0.01)
        time.sleep(chance.uniform(0, 0.3 if wanted else whole / 4))
        process.send_signal(signal.SIGKILL)
        process.wait()
        done.append(graded(folder / "killed"))
    subprocess.run(grade_command(folder, "killed"), check=False, stdout=subprocess.DEVNULL)
    equal = list(table(folder / "calm" / "gradebook.db")) == list(table(folder / "killed" / "gradebook.db"))
    print(f"{count} submissions, undisturbed {whole:.0f} s; grades after each of {times} kills: {done[1:]}")
    print(f"the gradebook equals the undisturbed one: {equal}")


def graded(out: Path) -> int:
    """How many grades a gradebook has, none where there is no book yet."""
    try:
        return len(table(out / "gradebook.db"))
    except sqlite3.OperationalError:
        return 0


def grade_command(folder: Path, out: str) -> list[str]:
    """The command that grades the folder's submissions."""
    given = [str(folder / "submissions"), "--policy", str(folder / "policy.toml"), "--out", str(folder / out)]
    return [*COMMAND, "grade", *given]


def table(path: Path) -> list[tuple[object, ...]]:
    """All grades but their seconds, in the order of their ids."""
    with sqlite3.connect(f"file:{path}?mode=ro", uri=True) as db:
        columns = [name for _, name, *_ in db.execute("PRAGMA table_info(grades)") if name != "seconds"]
        columns.sort(key=lambda name: name == "accuracy")  # last
        return db.execute(f"SELECT {', '.join(columns)} FROM grades ORDER BY id").fetchall()


if __name__ == "__main__":
    main()
