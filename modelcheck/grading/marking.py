"""Marks all submissions: the one process that keeps the gradebook and writes the results."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Literal, Protocol

import msgspec

from modelcheck.files import write_beside
from modelcheck.formats.json import render
from modelcheck.grading.encoding import folder_name
from modelcheck.grading.exports import grades, gradescope
from modelcheck.grading.gradebook import CaptureFile, CaptureRecord, Gradebook, Keys, capture_file_is
from modelcheck.grading.keys import capture_key, grade_key
from modelcheck.grading.measuring import attempt_key
from modelcheck.grading.points import late_by, points
from modelcheck.grading.pool import Pool, worked
from modelcheck.grading.records import Grade, Submission
from modelcheck.grading.site.course import Course
from modelcheck.grading.site.index import write_index
from modelcheck.grading.site.submission import write_submission
from modelcheck.grading.work import Done, Job, Terms
from modelcheck.road import tool


class Watcher(Protocol):
    """Is told how the marking goes."""

    def on_start(self, submissions: int, unchanged: int) -> None:
        """So many are to be marked, and so many have their grade already."""

    def on_grade(self, grade: Grade) -> None:
        """A grade is in the gradebook."""


class Marked(msgspec.Struct, frozen=True, kw_only=True):
    """How a marking ended: how many submissions there are, and how many of them were marked now."""

    submissions: int
    marked: int
    out: Path


def mark(
    submissions: Sequence[Submission],
    terms: Terms,
    out: Path,
    *,
    pool: Pool,
    regrade: Sequence[str] | Literal["all", "failed"] = (),
    watcher: Watcher,
) -> Marked:
    """Mark what has no grade yet, or another one by now, into the folder.

    A grade is durable as soon as the watcher is told; interrupted at any moment, the same call goes on.

    Raises:
        UsageError: another process marks into the folder, or what lies there is no gradebook.
    """
    with Gradebook.open(out) as book:
        if regrade:
            book.forget(regrade)
        marking = _Marking(book, terms, out)
        left = [one for one in submissions if not marking.is_graded(one)]
        watcher.on_start(len(submissions), len(submissions) - len(left))
        for done in worked(map(marking.job, left), pool) if left else ():
            watcher.on_grade(marking.keep(done))
        marking.write_tables()
    return Marked(submissions=len(submissions), marked=len(left), out=out)


class _Marking:
    """The gradebook and the results' folder."""

    def __init__(self, book: Gradebook, terms: Terms, out: Path) -> None:
        self.book, self.terms, self.out = book, terms, out
        self.course = Course(terms.policy)
        self.tool = tool()
        measure = terms.measure
        self.policy = measure.asked(terms.policy) if measure else terms.policy
        self.prepared = measure.prepare() if measure else None
        self.test_images = self.prepared.dataset.test_images.numpy() if self.prepared else None

    def job(self, submission: Submission) -> Job:
        """What is to be done, with what is done already."""
        record = self.book.captured(self._capture_key(submission))
        file = self._folder(submission) / "capture.mcz"
        if record and isinstance(record.result, CaptureFile) and not capture_file_is(record, file):
            record = None
        if record is None or not isinstance(record.result, CaptureFile):
            return Job(submission=submission, record=record)
        known = {key: found for key in self._attempt_keys(record.result.sha256) if (found := self.book.trained(key))}
        return Job(submission=submission, record=record, capture=file.read_bytes(), trained=known)

    def is_graded(self, submission: Submission) -> bool:
        """Whether the grade that it has hangs on nothing that has changed."""
        found = self.book.grade(submission.id)
        record = self.book.captured(self._capture_key(submission)) if found else None
        if found is None or record is None:
            return False
        keys = found[1]
        if isinstance(record.result, CaptureFile) and self.prepared:
            first = next(self._attempt_keys(record.result.sha256))
            if keys.trainings and keys.trainings[0] != first:
                return False
        return keys.grade == self._grade_key(submission, record, keys.trainings) and self._page(submission).is_file()

    def keep(self, done: Done) -> Grade:
        """The grade, in the gradebook, with its files written."""
        submission, key = done.submission, self._capture_key(done.submission)
        folder = self._folder(submission)
        folder.mkdir(parents=True, exist_ok=True)
        file = folder / "capture.mcz"
        if done.capture is None:
            file.unlink(missing_ok=True)
        elif not capture_file_is(done.record, file):
            write_beside(file, done.capture)
        self.book.keep_captured(key, done.record)
        for name, metrics in done.trained.items():
            self.book.keep_trained(name, metrics)
        grade = self._grade(done)
        write_beside(folder / "report.json", render(grade.report, width=80, color=False).encode())
        gradescope.write(folder / "results.json", grade, self.terms.policy)
        write_submission(folder, self.course, grade, self.test_images)
        trainings = tuple(done.trained)
        keys = Keys(grade=self._grade_key(submission, done.record, trainings), capture=key, trainings=trainings)
        self.book.keep_grade(grade, keys)
        return grade

    def write_tables(self) -> None:
        """Write what is about all of them."""
        grades.write(self.out / "grades.csv", self.book.grades())
        write_index(self.out, self.course, self.book.grades())

    def _grade(self, done: Done) -> Grade:
        submission, report = done.submission, done.report
        late = late_by(submission, self.terms.policy.grading.late)
        given = points(report, self.terms.policy, late)
        measure = self.terms.measure
        accuracies = tuple(map(measure.counted, done.trained.values())) if measure else ()
        report = msgspec.structs.replace(report, score=given)
        return Grade(
            id=submission.id,
            content=submission.content,
            student=submission.student,
            name=submission.name,
            submitted=submission.submitted,
            group=submission.group,
            points=given.points if given else None,
            max_points=given.max_points if given else None,
            late=late,
            accuracy=measure.counted(report.metrics) if measure and report.metrics else None,
            accuracies=accuracies,
            seconds=done.seconds,
            sandboxed=done.record.sandboxed,
            report=report,
        )

    def _folder(self, submission: Submission) -> Path:
        return self.out / "submissions" / folder_name(submission.id)

    def _page(self, submission: Submission) -> Path:
        return self._folder(submission) / "index.html"

    def _capture_key(self, submission: Submission) -> str:
        terms = self.terms
        return capture_key(
            submission.content,
            inputs=terms.inputs,
            arguments={},
            pick=None,
            seed=terms.seed,
            limits=terms.limits,
            sandbox=terms.sandbox,
            tool=self.tool,
        )

    def _attempt_keys(self, capture_sha256: str) -> Iterator[str]:
        """Of all the trainings that a capture may need."""
        measure, prepared = self.terms.measure, self.prepared
        if measure and prepared:
            for attempt in range(measure.accuracy.attempts):
                yield attempt_key(measure, capture_sha256, prepared, self.terms.seed + attempt)

    def _grade_key(self, submission: Submission, record: CaptureRecord, trainings: tuple[str, ...]) -> str:
        return grade_key(
            submission,
            record,
            trainings,
            policy=self.policy,
            measured=self.terms.measure is not None,
            tool=self.tool,
        )
