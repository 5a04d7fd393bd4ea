"""Marks all submissions: the one process that keeps the gradebook and writes the results."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Literal, Protocol

import msgspec

from modelcheck.author_trace import printable
from modelcheck.errors import UsageError
from modelcheck.files import write_beside
from modelcheck.formats.json import render
from modelcheck.grading.alike.findings import is_compared, with_likeness
from modelcheck.grading.alike.prints import Cluster
from modelcheck.grading.encoding import folder_name
from modelcheck.grading.exports import canvas, grades, gradescope, moodle
from modelcheck.grading.gradebook import CaptureFile, CaptureRecord, Gradebook, Keys, capture_file_is
from modelcheck.grading.keys import capture_key, grade_key
from modelcheck.grading.measuring import Ground, Scored
from modelcheck.grading.points import late_by, points
from modelcheck.grading.pool import Pool, worked
from modelcheck.grading.records import Grade, Submission
from modelcheck.grading.roster import Row
from modelcheck.grading.site.course import Course
from modelcheck.grading.site.index import write_index
from modelcheck.grading.site.submission import write_submission
from modelcheck.grading.work import Done, Job, Terms
from modelcheck.names import unknown_name
from modelcheck.report import Metrics, Report
from modelcheck.road import tool


class Watcher(Protocol):
    """Is told how the marking goes."""

    def on_start(self, submissions: int, unchanged: int) -> None:
        """So many are to be marked, and so many have their grade already."""

    def on_grade(self, grade: Grade) -> None:
        """A grade is in the gradebook."""


class Marked(msgspec.Struct, frozen=True, kw_only=True):
    """How a marking ended.

    Args:
        submissions: how many there are.
        marked: how many of them were marked now.
        gone: how many grades the gradebook keeps of submissions that were not named this time.
        missing: whom the roster has and who handed in nothing.
        out: the folder.
    """

    submissions: int
    marked: int
    gone: int
    missing: tuple[Row, ...]
    out: Path


class Entries(msgspec.Struct, frozen=True, kw_only=True):
    """What was handed in, and what is known beside it.

    Args:
        submissions: to be marked.
        templates: what the course gave out, which is no likeness.
        missing: whom the roster has and who handed in nothing.
        has_roster: whether a roster tells who the students are.
    """

    submissions: Sequence[Submission]
    templates: Sequence[Submission] = ()
    missing: tuple[Row, ...] = ()
    has_roster: bool = False


def mark(
    entries: Entries,
    terms: Terms,
    out: Path,
    *,
    pool: Pool,
    ground: Ground | None,
    regrade: Sequence[str] | Literal["all", "failed"] = (),
    watcher: Watcher,
) -> Marked:
    """Mark what has no grade yet, or another one by now, into the folder.

    A grade is durable as soon as the watcher is told, and what it takes (a capture, each attempt of a training) as soon
    as it is done; interrupted at any moment, the same call goes on.

    Raises:
        UsageError: another process marks into the folder, or what lies there is no gradebook, or nothing that is to be
            marked anew has that id.
    """
    with Gradebook.open(out) as book:
        if regrade:
            _check_ids(regrade, entries.submissions)
            book.forget(regrade)
        marking = _Marking(book, terms, out, entries, ground)
        left = [one for one in entries.submissions if not marking.is_graded(one)]
        watcher.on_start(len(entries.submissions), len(entries.submissions) - len(left))
        steps = _Steps(marking, left)
        for done in worked(steps, pool) if steps else ():
            if grade := marking.keep(done):
                watcher.on_grade(grade)
            elif done.submission.id not in marking.templates:
                steps.go_on(done.submission)
        clusters = marking.compare()
        gone = marking.write_tables(clusters)
    return Marked(submissions=len(entries.submissions), marked=len(left), gone=gone, missing=entries.missing, out=out)


def _check_ids(regrade: Sequence[str] | str, submissions: Iterable[Submission]) -> None:
    known = {one.id for one in submissions}
    for one in () if isinstance(regrade, str) else regrade:
        if one not in known:
            raise UsageError(f"--regrade: {printable(unknown_name('submission', one, sorted(known)))}")


class _Steps:
    """The jobs: what goes on comes first. An iterator that may have more after it had none."""

    def __init__(self, marking: _Marking, left: Sequence[Submission]) -> None:
        self.marking = marking
        new = [one for one in marking.templates.values() if not marking.is_known(one)]
        self.waiting = deque([*new, *left])

    def __bool__(self) -> bool:
        return bool(self.waiting)

    def __iter__(self) -> _Steps:
        return self

    def __next__(self) -> Job:
        if not self.waiting:
            raise StopIteration
        return self.marking.job(self.waiting.popleft())

    def go_on(self, submission: Submission) -> None:
        """Do what comes next for it."""
        self.waiting.appendleft(submission)


class _Marking:
    """The gradebook and the results' folder."""

    def __init__(self, book: Gradebook, terms: Terms, out: Path, entries: Entries, ground: Ground | None) -> None:
        self.book, self.terms, self.out, self.entries = book, terms, out, entries
        self.ids = frozenset(one.id for one in entries.submissions)
        self.course = Course(terms.policy)
        self.tool = tool()
        self.is_compared = is_compared(terms.policy)
        self.templates = {one.id: one for one in entries.templates if self.is_compared}
        measure = terms.measure
        self.policy = measure.asked(terms.policy) if measure else terms.policy
        self.data = ground.data if ground else ""
        self.test_images = ground.test_images if ground else None

    def job(self, submission: Submission) -> Job:
        """What is to be done next, with what is done already."""
        record = self.book.captured(self._capture_key(submission))
        file = self._folder(submission.id) / "capture.mcz"
        if record and isinstance(record.result, CaptureFile) and not capture_file_is(record, file):
            record = None
        if record is None or not isinstance(record.result, CaptureFile):
            return Job(submission=submission, record=record)
        known = tuple(self._measured(record))
        return Job(submission=submission, record=record, capture=file.read_bytes(), measured=known)

    def is_known(self, template: Submission) -> bool:
        """Whether it is known what is like the template."""
        return self.book.fingerprint(self._capture_key(template)) is not None

    def is_graded(self, submission: Submission) -> bool:
        """Whether the grade that it has hangs on nothing that has changed."""
        keys = self.book.keys(submission.id)
        record = self.book.captured(self._capture_key(submission)) if keys else None
        if keys is None or record is None or tuple(self._attempt_keys(record))[: len(keys.trainings)] != keys.trainings:
            return False
        return keys.grade == self._grade_key(submission, record, keys.trainings) and self._page(submission).is_file()

    def keep(self, done: Done) -> Grade | None:
        """The grade, in the gradebook, with its files written; None where what was done is a step on the way to it."""
        submission, key = done.submission, self._capture_key(done.submission)
        if submission.id in self.templates:
            self.book.keep_captured(key, done.record, done.fingerprint)
            return None
        folder = self._folder(submission.id)
        folder.mkdir(parents=True, exist_ok=True)
        file = folder / "capture.mcz"
        if done.capture is None:
            file.unlink(missing_ok=True)
        elif not capture_file_is(done.record, file):
            write_beside(file, done.capture)
        if done.fingerprint or self.book.captured(key) != done.record:
            self.book.keep_captured(key, done.record, done.fingerprint)
        trainings = tuple(name for name, _ in zip(self._attempt_keys(done.record), done.measured, strict=False))
        for name, metrics in zip(trainings, done.measured, strict=True):
            if self.book.trained(name) is None:
                self.book.keep_trained(name, metrics)
        if done.report is None:
            return None
        grade = self._grade(done, done.report)
        self._write_files(grade)
        keys = Keys(grade=self._grade_key(submission, done.record, trainings), capture=key, trainings=trainings)
        self.book.keep_grade(grade, keys)
        return grade

    def compare(self) -> tuple[Cluster, ...] | None:
        """What is alike, told in the report of each; None where the policy does not want it."""
        if not self.is_compared:
            return None
        from modelcheck.grading.alike.clusters import clusters

        given_out = filter(None, (self.book.fingerprint(self._capture_key(one)) for one in self.templates.values()))
        found = clusters((one for one in self.book.fingerprints() if one[0] in self.ids), tuple(given_out))
        own: dict[str, list[Cluster]] = {}
        for cluster in found:
            for id_ in cluster.ids:
                own.setdefault(id_, []).append(cluster)
        for grade in self._grades():
            report = with_likeness(grade.report, grade.id, own.get(grade.id, ()), len(self.ids))
            if report != grade.report:
                self._renew(msgspec.structs.replace(grade, report=report))
        return found

    def _renew(self, grade: Grade) -> None:
        keys = self.book.keys(grade.id)
        assert keys is not None
        self._write_files(grade)
        self.book.keep_grade(grade, keys)

    def write_tables(self, clusters: tuple[Cluster, ...] | None) -> int:
        """Write what is about all of them; how many grades are of submissions that were not named this time."""
        grades.write(self.out / "grades.csv", self._grades(), self.entries.missing)
        write_index(self.out, self.course, self._grades(), clusters, self.entries.missing)
        self._write_for_platforms()
        return self.book.count() - len(self.entries.submissions)

    def _write_for_platforms(self) -> None:
        """Write what the platform imports that the submissions are from; for either where only a roster tells."""
        submissions = self.entries.submissions
        of_canvas, of_moodle = any(map(canvas.is_theirs, submissions)), any(map(moodle.is_theirs, submissions))
        of_any = self.entries.has_roster and not (of_canvas or of_moodle)
        if of_canvas or of_any:
            canvas.write(self.out / "canvas.csv", self._grades(), self.course.title)
        if of_moodle or of_any:
            moodle.write(self.out / "moodle.csv", self._grades())

    def _grades(self) -> Iterator[Grade]:
        """Those of the submissions that were named, by id."""
        return (one for one in self.book.grades() if one.id in self.ids)

    def _write_files(self, grade: Grade) -> None:
        folder = self._folder(grade.id)
        write_beside(folder / "report.json", render(grade.report, width=80, color=False).encode())
        gradescope.write(folder / "results.json", grade, self.terms.policy)
        write_submission(folder, self.course, grade, self.test_images)

    def _grade(self, done: Done, report: Report) -> Grade:
        submission = done.submission
        late = late_by(submission, self.terms.policy.grading.late)
        given = points(report, self.terms.policy, late)
        measure = self.terms.measure
        accuracies = tuple(map(measure.counted, done.measured)) if measure else ()
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

    def _folder(self, id_: str) -> Path:
        return self.out / "submissions" / folder_name(id_)

    def _page(self, submission: Submission) -> Path:
        return self._folder(submission.id) / "index.html"

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
            weights=isinstance(terms.measure, Scored),
            tool=self.tool,
        )

    def _attempt_keys(self, record: CaptureRecord) -> Iterator[str]:
        """Of all that may be measured of a capture, in order."""
        measure = self.terms.measure
        if measure and isinstance(record.result, CaptureFile):
            yield from measure.keys(record, seed=self.terms.seed, data=self.data, tool=self.tool)

    def _measured(self, record: CaptureRecord) -> Iterator[Metrics]:
        """What the first attempts measured, up to one that was not made yet."""
        for key in self._attempt_keys(record):
            if (found := self.book.trained(key)) is None:
                return
            yield found

    def _grade_key(self, submission: Submission, record: CaptureRecord, trainings: tuple[str, ...]) -> str:
        return grade_key(
            submission,
            record,
            trainings,
            policy=self.policy,
            measured=self.terms.measure is not None,
            tool=self.tool,
        )
