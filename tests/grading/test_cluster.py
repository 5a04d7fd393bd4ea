"""A real scheduler of Dask's, with two workers, on this machine."""

from __future__ import annotations

import contextlib
import csv
import json
import logging
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest

import modelcheck
from modelcheck.errors import UsageError
from modelcheck.grading import cluster
from modelcheck.grading.cluster import ClusterPool, connected
from modelcheck.grading.course import _measure
from modelcheck.grading.gradebook import CaptureFailure, Gradebook
from modelcheck.grading.pool import Parcel, at_giving_up, at_work, worked
from modelcheck.grading.records import Grade, Submission
from modelcheck.grading.remote import Course, handed_on
from modelcheck.grading.work import Job, Terms
from modelcheck.isolated.protocol import Limits
from modelcheck.policy import load_policy
from modelcheck.report import Tool
from tests.interrupting import heeds_interrupts

from .test_marking import LINEAR, POLICY, Watched, done

distributed = pytest.importorskip("distributed")
ROOT = Path(__file__).parent.parent.parent
PATH = f"{ROOT}:{ROOT / 'tests'}"  # where workers look for what stands in this file
ENVIRONMENT = {**os.environ, "PYTHONPATH": PATH, "DASK_DISTRIBUTED__SCHEDULER__ALLOWED_FAILURES": "1"}
TERMS = Terms(policy=load_policy("mnist-20k"), inputs=None, sandbox="bubblewrap", limits=Limits(), seed=0, measure=None)


@contextlib.contextmanager
def started(*command: str) -> Iterator[subprocess.Popen[bytes]]:
    with subprocess.Popen([sys.executable, "-m", "dask", *command], env=ENVIRONMENT, stderr=subprocess.DEVNULL) as one:
        try:
            yield one
        finally:
            one.terminate()


@contextlib.contextmanager
def scheduler(folder: Path) -> Iterator[str]:
    file = folder / "scheduler.json"
    options = ["--host", "127.0.0.1", "--port", "0", "--no-dashboard", "--scheduler-file", str(file)]
    with started("scheduler", *options):
        while not file.is_file():
            time.sleep(0.1)
        yield json.loads(file.read_text())["address"]


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A scheduler with two workers."""
    folder = tmp_path_factory.mktemp("dask")
    options = ["--nworkers", "2", "--nthreads", "1", "--no-dashboard", "--local-directory", str(folder)]
    with scheduler(folder) as found, started("worker", found, *options):
        with distributed.Client(found, set_as_default=False) as client:
            client.wait_for_workers(2, timeout=60)
        yield found


@pytest.fixture
def course(tmp_path: Path) -> Path:
    """Submissions of several kinds."""
    folder = tmp_path / "submissions"
    (folder / "dora").mkdir(parents=True)
    (folder / "ada.py").write_text(LINEAR)
    (folder / "bob.py").write_text(LINEAR.replace("self.fc =", "self.more = nn.Linear(784, 20); self.fc ="))
    (folder / "<b>=eve.py").write_text("raise SystemExit(0)\n" + LINEAR.replace("784, 10", "784, ten"))
    (folder / "dora" / "net.py").write_text("from layer import Layer as Net")
    (folder / "dora" / "layer.py").write_text(LINEAR.replace("Net", "Layer"))
    (folder / os.fsdecode(b"of \xff.py")).write_text(LINEAR)
    (folder / "link.py").symlink_to("/etc/passwd")
    shutil.make_archive(str(folder / "zoe"), "zip", folder / "dora")
    return folder


def mark(course: Path, out: str, **options: Any) -> dict[str, Grade]:
    path, watched = course.parent / "policy.toml", Watched()
    path.write_text(POLICY)
    modelcheck.grade([course], policy=path, out=course.parent / out, watcher=watched, **options)
    return {name: timeless(one) for name, one in watched.grades.items()}


def timeless(grade: Grade) -> Grade:
    return msgspec.structs.replace(grade, seconds=0.0)


def rows(out: Path) -> list[dict[str, str]]:
    with (out / "grades.csv").open(newline="") as file:
        return [{key: value for key, value in row.items() if key != "seconds"} for row in csv.DictReader(file)]


def test_grades_are_the_same_as_here_though_workers_share_no_disk(
    course: Path, address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = mark(course, "here", jobs=1)
    ready = ClusterPool.ready

    def ready_and_gone(self: ClusterPool, job: Job) -> Job:
        found = ready(self, job)
        place = Path(job.submission.path)
        shutil.rmtree(place) if place.is_dir() else place.unlink()
        return found

    monkeypatch.setattr(ClusterPool, "ready", ready_and_gone)
    assert mark(course, "there", scheduler=address) == here
    assert not list(course.iterdir())
    assert len(here) == 7
    assert rows(course.parent / "here") == rows(course.parent / "there")


def test_a_killed_worker_costs_no_submission(course: Path, address: str) -> None:
    for number in range(8):
        (course / f"more{number}.py").write_text(LINEAR.replace("784, 10", "784, 10, bias=False"))
    pids = workers(address)

    class Killing(Watched):
        def on_grade(self, grade: Grade) -> None:
            super().on_grade(grade)
            if len(self.grades) in (1, 4):
                os.kill(pids.pop(), signal.SIGKILL)

    watched = Killing()
    (course.parent / "policy.toml").write_text(POLICY)
    modelcheck.grade(
        [course], policy=course.parent / "policy.toml", out=course.parent / "out", watcher=watched, scheduler=address
    )
    assert not pids
    verdicts = {one.id: one.report.verdict for one in watched.grades.values()}
    assert len(verdicts) == 15
    assert {verdicts[f"more{number}.py"] for number in range(8)} == {"pass"}
    assert [name for name, one in verdicts.items() if one != "pass"] != []


def workers(address: str) -> list[int]:
    with distributed.Client(address, set_as_default=False) as client:
        client.wait_for_workers(2, timeout=60)
        return list(client.run(os.getpid).values())


def at_a_deadly_one(course: Course, function: Callable[..., Parcel], parcel: Parcel) -> Parcel:
    """In place of a worker's process: the whole worker is killed by one submission."""
    submission = msgspec.json.decode(parcel[0], type=Job).submission
    if submission.id == "3" and function is at_work:
        os.kill(os.getpid(), signal.SIGKILL)
    return msgspec.json.encode(done(submission, function is at_giving_up)), None


def test_what_kills_worker_after_worker_is_a_result(
    address: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(cluster, "handed_on", at_a_deadly_one)
    (tmp_path / "net.py").write_text("")
    jobs = [
        Job(submission=Submission(id=str(number), path=str(tmp_path / "net.py"), content="")) for number in range(6)
    ]
    found = {}
    with connected(address, "auto") as there:
        for one in worked(jobs, there.pool(TERMS)):
            assert isinstance(one.record.result, CaptureFailure)
            found[one.submission.id] = one.record.result.message
    assert found == {str(number): "given up" if number == 3 else "worked" for number in range(6)}


def test_a_worker_that_would_grade_otherwise_is_refused(
    address: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    with connected(address, "auto") as there:
        pool = there.pool(TERMS)
        for tried, text in {
            Course(Tool(name="modelcheck", version="0", torch="2"), pool.course.terms): "install the same there",
            there.pool(replace(TERMS, measure=without_data(tmp_path))).course: str(tmp_path),
        }.items():
            with pytest.raises(UsageError, match=f"worker tcp://127.0.0.1.*{text}"):
                there.client.submit(handed_on, tried, len, "", pure=False).result()
    monkeypatch.setattr(cluster, "tool", lambda: Tool(name="modelcheck", version="0", torch="2"))
    with pytest.raises(UsageError, match=r"(?s)2 workers of 2 .* it has modelcheck .*install the same there"):
        connected(address, "auto").__enter__()


def without_data(folder: Path) -> Any:
    return replace(_measure(load_policy("mnist-20k"), None), data_dir=folder)


def test_where_nobody_works_the_error_says_what_to_start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cluster, "_FIRST_WORKER_S", 1)
    with scheduler(tmp_path) as lonely, pytest.raises(UsageError, match=r"has no workers\. Start some.*dask worker"):
        connected(lonely, "auto").__enter__()
    with pytest.raises(UsageError, match=r"no scheduler answers there.*`dask scheduler`"):
        connected(lonely, "auto").__enter__()
    for wrong in ("nonsense", "tcp://127.0.0.1", "gopher://127.0.0.1:1"):
        with pytest.raises(UsageError, match="no scheduler answers there"):
            connected(wrong, "auto").__enter__()


def test_interrupted_it_takes_back_what_it_sent(course: Path, address: str) -> None:
    for number in range(8):
        (course / f"more{number}.py").write_text(LINEAR + "\nimport time; time.sleep(3)")
    (course.parent / "policy.toml").write_text(POLICY)
    command = ["modelcheck", "grade", str(course), "--policy", str(course.parent / "policy.toml")]
    command += ["--scheduler", address, "--out", str(course.parent / "out")]
    with subprocess.Popen(
        [sys.executable, "-m", *command],
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=heeds_interrupts,
    ) as grading:
        assert grading.stderr is not None
        for _ in range(2):  # the header, and a grade
            grading.stderr.readline()
        grading.send_signal(signal.SIGINT)
        said = grading.stderr.read()
    assert grading.returncode == 130, said
    assert "Traceback" not in said
    assert "the same command goes on" in said.splitlines()[-1]
    with distributed.Client(address, set_as_default=False) as client:
        assert client.run_on_scheduler(lambda dask_scheduler: len(dask_scheduler.tasks)) == 0
    with Gradebook.open(course.parent / "out") as book:
        assert 1 <= len(list(book.grades())) < 15


def test_an_interruption_before_dask_begins_logs_nothing(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    class Interrupted(threading.Event):
        def wait(self, timeout: float | None = None) -> bool:
            raise KeyboardInterrupt

    said, kept, gate = [], logging.Handler(), threading.Event()
    kept.emit = said.append  # type: ignore[method-assign]
    log = logging.getLogger("tornado.application")
    log.addHandler(kept)
    try:
        with connected(address, "auto") as found:
            with monkeypatch.context() as patched:
                patched.setattr(
                    "distributed.utils.threading", SimpleNamespace(Event=Interrupted, get_ident=threading.get_ident)
                )
                found.client.loop.add_callback(gate.wait)  # so that nothing of it has run when it is cancelled
                with pytest.raises(KeyboardInterrupt):
                    found.threads()
            gate.set()
            assert found.threads() == 2
    finally:
        log.removeHandler(kept)
    assert not said


PAGE = (ROOT / "docs" / "cluster.md").read_text(encoding="utf-8")


def test_the_page_s_commands_for_a_laptop_run(course: Path) -> None:
    (block,) = re.findall(r"^<!-- laptop -->\n```bash\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        block = block.replace("8786", str(free.getsockname()[1]))
    where = {**ENVIRONMENT, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    subprocess.run(["bash", "-euo", "pipefail", "-c", block], cwd=course.parent, env=where, check=True, timeout=200)
    assert len(rows(course.parent / "results")) == 7


def test_the_page_s_other_blocks_say_why_they_are_not_run() -> None:
    marked = re.findall(r"^<!-- (?:laptop|not run: .+) -->\n```(?:bash|python)$", PAGE, re.MULTILINE)
    assert len(marked) == len(re.findall(r"^```[a-z]", PAGE, re.MULTILINE)) > 2
