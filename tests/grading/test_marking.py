from __future__ import annotations

import contextlib
import csv
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import Executor, Future
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path
from typing import Any

import msgspec
import pytest

import modelcheck
from modelcheck.errors import Crashed, UsageError
from modelcheck.grading import pool
from modelcheck.grading.course import _measure, _workers
from modelcheck.grading.gradebook import CaptureFailure, CaptureRecord, Gradebook
from modelcheck.grading.pool import LocalPool, at_giving_up, at_work, worked
from modelcheck.grading.records import Grade, Sandboxed, Submission
from modelcheck.grading.work import Done, Job, Terms, Worker
from modelcheck.isolated.protocol import Limits
from modelcheck.policy import load_policy

from .made import report

LINEAR = """
import torch.nn as nn

class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(784, 10)

    def forward(self, x):
        return self.fc(x.flatten(1))
"""
POLICY = """
[model]
input = [1, 28, 28]
classes = 10
[rules]
parameter-budget = { max = 8000 }
[grading]
points = { parameter-budget = 4 }
"""


class Watched:
    def __init__(self) -> None:
        self.unchanged = 0
        self.grades: dict[str, Grade] = {}

    def on_start(self, submissions: int, unchanged: int) -> None:
        self.unchanged = unchanged

    def on_grade(self, grade: Grade) -> None:
        self.grades[grade.id] = grade


@pytest.fixture
def course(tmp_path: Path) -> Path:
    """Submissions that pass, fail, and are an error each."""
    folder = tmp_path / "submissions"
    folder.mkdir()
    (folder / "ada.py").write_text(LINEAR)
    (folder / "bob.py").write_text(LINEAR.replace("self.fc =", "self.more = nn.Linear(784, 20); self.fc ="))
    (folder / "<b>=eve.py").write_text("raise SystemExit(0)\n" + LINEAR.replace("784, 10", "784, ten"))
    return folder


def mark(course: Path, policy: str = POLICY, **options: Any) -> Watched:
    path, watched = course.parent / "policy.toml", Watched()
    path.write_text(policy)
    modelcheck.grade([course], policy=path, out=course.parent / "results", jobs=1, watcher=watched, **options)
    return watched


def test_a_course_is_marked_once_and_then_what_changed(course: Path) -> None:
    out = course.parent / "results"
    first = mark(course)
    assert {name: (one.report.verdict, one.points) for name, one in first.grades.items()} == {
        "ada.py": ("pass", 4),
        "bob.py": ("fail", 0),
        "<b>=eve.py": ("error", 0),
    }
    assert first.grades["ada.py"].sandboxed.sandbox == "bubblewrap"
    with (out / "grades.csv").open(newline="") as file:
        assert [(row["id"], row["verdict"]) for row in csv.DictReader(file)] == [
            ("<b>=eve.py", "error"),
            ("ada.py", "pass"),
            ("bob.py", "fail"),
        ]
    assert "&lt;b&gt;=eve.py" in (out / "index.html").read_text()
    for name in ("index.html", "report.json", "results.json", "capture.mcz"):
        assert (out / "submissions" / "ada.py" / name).is_file()
    assert (
        json.loads((out / "submissions" / "ada.py" / "report.json").read_text())["facts"]["parameters"]["total"] == 7850
    )

    again = mark(course)
    assert (again.unchanged, again.grades) == (3, {})

    (course / "bob.py").write_text(LINEAR)
    assert set(mark(course, regrade=["ada.py"]).grades) == {"ada.py", "bob.py"}


def test_changed_points_capture_and_train_nothing(course: Path) -> None:
    trained = POLICY + "[training]\nepochs = 1\naccuracy = { min = 0.5 }\n"
    for name in ("bob.py", "<b>=eve.py"):
        (course / name).unlink()
    first = mark(course, trained).grades["ada.py"]
    again = mark(course, trained.replace("= 4", "= 7")).grades["ada.py"]
    assert first.accuracy is not None
    assert 0.5 < first.accuracy == again.accuracy
    assert (first.points, again.points) == (4, 7)
    # the clock is the same to the last digit: nothing was measured again
    assert first.report.metrics == again.report.metrics
    with Gradebook.open(course.parent / "results") as book:
        found = book.grade("ada.py")
        assert found is not None
        assert len(found[1].trainings) == 1


def test_a_killed_grader_goes_on(course: Path) -> None:
    for number in range(12):
        (course / f"more{number:02}.py").write_text(LINEAR.replace("784, 10", "784, 10, bias=False"))
    (course.parent / "policy.toml").write_text(POLICY)
    policy = str(course.parent / "policy.toml")
    command = [sys.executable, "-m", "modelcheck", "grade", str(course), "--policy", policy, "--jobs", "1"]
    with subprocess.Popen(command, cwd=course.parent, stderr=subprocess.PIPE, start_new_session=True) as grading:
        assert grading.stderr is not None
        for _ in range(4):  # the header, and three grades
            grading.stderr.readline()
        grading.kill()
        grading.stderr.read()  # until no worker is left that could write
    watched = mark(course)
    assert 3 <= watched.unchanged < 15
    assert watched.unchanged + len(watched.grades) == 15
    with Gradebook.open(course.parent / "results") as book:
        assert len(list(book.grades())) == 15
    with pytest.raises(ProcessLookupError):
        os.killpg(grading.pid, signal.SIGKILL)  # neither workers nor sandboxes are left


class Breaking(Executor):
    """Does all jobs but one, of which it dies."""

    def __init__(self, deadly: str) -> None:
        self.deadly, self.broken = deadly, False

    def submit(self, function: Any, /, *args: Any, **_: Any) -> Future[Any]:
        if self.broken:
            raise BrokenProcessPool
        future: Future[Any] = Future()
        submission = msgspec.json.decode(args[0][0], type=Job).submission
        if submission.id == self.deadly and function is at_work:
            self.broken = True
            future.set_exception(BrokenProcessPool())
        else:
            future.set_result((msgspec.json.encode(done(submission, function is at_giving_up)), None))
        return future


class BreakingPool(LocalPool):
    """As a local one, without processes."""

    def __init__(self, deadly: str) -> None:
        self.deadly, self.opened = deadly, 0

    def window(self) -> int:
        return 4

    @contextlib.contextmanager
    def executor(self, *, alone: bool = False) -> Iterator[Executor]:
        self.opened += 1
        yield Breaking(self.deadly)


def done(submission: Submission, given_up: bool) -> Done:
    record = CaptureRecord(
        result=CaptureFailure.of(Crashed("given up" if given_up else "worked")),
        seconds=0,
        sandboxed=Sandboxed(sandbox="process"),
    )
    return Done(submission=submission, record=record, capture=None, report=report(), seconds=0)


def job(**options: Any) -> Job:
    return Job(submission=Submission(id="ada", path="ada.py", content="", **options))


def test_the_sandbox_gets_ready_while_a_worker_imports(monkeypatch: pytest.MonkeyPatch) -> None:
    order = []

    class Told:
        def get_ready(self, _: Job) -> None:
            order.append("sandbox")

        def work(self, given: Job) -> Done:
            order.append("work")
            return done(given.submission, False)

    monkeypatch.setattr(pool, "worker", Told)
    monkeypatch.setattr(pool, "_import_all", lambda: order.append("imports"))
    at_work((msgspec.json.encode(job()), None))
    assert order == ["sandbox", "imports", "work"]


def test_a_sandbox_is_started_once_and_where_there_is_something_to_capture(monkeypatch: pytest.MonkeyPatch) -> None:
    started = []

    class Counted:
        def start(self, _: Limits) -> contextlib.AbstractContextManager[object]:
            started.append(self)
            return contextlib.nullcontext(self)

    monkeypatch.setattr("modelcheck.grading.work.choose", lambda _: Counted())
    policy = load_policy("mnist-20k")
    terms = Terms(policy=policy, inputs=None, sandbox="process", limits=Limits(), seed=0, measure=None)
    worker = Worker(terms)
    captured = done(job().submission, False).record
    for one in (job(problem="no file"), msgspec.structs.replace(job(), record=captured)):
        worker.get_ready(one)
    assert not started
    for _ in range(2):
        worker.get_ready(job())
    assert len(started) == 1


def test_a_worker_that_cannot_import_torch_is_no_submission_s_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    class Told:
        def get_ready(self, _: Job) -> None:
            pass

    pool._import_all.cache_clear()
    monkeypatch.setattr(pool, "worker", Told)
    monkeypatch.setitem(sys.modules, "torch._dynamo", None)
    with pytest.raises(UsageError, match=r"a worker process cannot import what it needs: .*torch\._dynamo"):
        at_work((msgspec.json.encode(job()), None))


@pytest.mark.parametrize(
    ("submissions", "trains", "workers"), [(1, False, 1), (12, False, 1), (13, False, 2), (300, False, 4), (3, True, 3)]
)
def test_few_submissions_have_few_workers(
    submissions: int, trains: bool, workers: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("modelcheck.grading.course._cores", lambda: 4)
    measure = _measure(load_policy("mnist-20k"), None) if trains else None
    assert _workers(submissions, measure) == workers


@pytest.mark.parametrize("deadly", ["0", "3", "9", "none"])
def test_what_a_dying_pool_had_in_hand_is_done_again_and_what_it_dies_of_is_given_up(deadly: str) -> None:
    path = os.fsdecode(b"/of \xff")  # which is no text
    jobs = [Job(submission=Submission(id=str(number), path=path, content="")) for number in range(10)]
    breaking, found = BreakingPool(deadly), {}
    for one in worked(jobs, breaking):
        assert one.submission.path == path
        assert isinstance(one.record.result, CaptureFailure)
        found[one.submission.id] = one.record.result.message
    assert found == {str(number): "given up" if str(number) == deadly else "worked" for number in range(10)}
    assert breaking.opened == 1 or deadly != "none"


def test_a_fault_of_modelcheck_s_ends_no_batch(monkeypatch: pytest.MonkeyPatch) -> None:
    policy = load_policy("mnist-20k")
    worker = Worker(Terms(policy=policy, inputs=None, sandbox="none", limits=Limits(), seed=0, measure=None))
    monkeypatch.setattr(pool, "worker", lambda: worker)
    monkeypatch.setattr(Worker, "_captured", lambda *_: {}["nothing"])
    job = Job(submission=Submission(id="ada.py", path="ada.py", content=""))
    found = msgspec.json.decode(at_work((msgspec.json.encode(job), None))[0], type=Done)
    assert isinstance(found.record.result, CaptureFailure)
    assert "a fault of modelcheck's and not of the submission: KeyError: 'nothing'" in found.record.result.message
    assert found.report is not None
    assert found.report.verdict == "error"
