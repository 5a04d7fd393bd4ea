"""What a trusted worker does with one submission: has it captured in a sandbox, and judges and scores the capture.

It never imports the author's code. What takes long is a job of its own, so that what it gave is kept before the next.
"""

from __future__ import annotations

import contextlib
import io
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from multiprocessing.util import Finalize
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from modelcheck.errors import AuthorError, UnsafeSubmission
from modelcheck.facts.walked import Walked
from modelcheck.grading.alike.prints import Fingerprint
from modelcheck.grading.bounded import limited, sparing
from modelcheck.grading.gradebook.captures import CaptureFailure, CaptureFile, CaptureRecord
from modelcheck.grading.measuring import Measure, Scored, Unfinished
from modelcheck.grading.records import Sandboxed, Submission
from modelcheck.grading.sandbox import choose
from modelcheck.grading.sandbox.packing import unpack
from modelcheck.inputs import Inputs
from modelcheck.isolated.protocol import Limits
from modelcheck.policy import Policy
from modelcheck.report import Metrics, Report
from modelcheck.road import Road

if TYPE_CHECKING:
    from modelcheck.grading.sandbox.choosing import Capturer, SandboxName
    from modelcheck.graph.capture import Capture
    from modelcheck.origin import Origin

DESCRIBED_S = 120.0  # for the facts of one capture, which take a second
_DESCRIBED = "what was captured could not be described"


@dataclass(frozen=True, kw_only=True)
class Terms:
    """What all submissions of a course are graded by.

    Args:
        policy: resolved.
        inputs: what models take; None where it is inferred.
        sandbox: which; never "auto".
        limits: on the author's code.
        seed: of everything random.
        measure: how they are trained or scored; None where they are not.
    """

    policy: Policy
    inputs: Inputs | None
    sandbox: SandboxName
    limits: Limits
    seed: int
    measure: Measure | None


class Job(msgspec.Struct, frozen=True, kw_only=True):
    """One submission, with what is known of it already.

    ``record`` is of its capture, whose bytes are ``capture`` where there is one; ``measured`` are those of the attempts
    that were made before.
    ``files`` is what was handed in, packed, for a worker that cannot look at the submission's path.
    """

    submission: Submission
    record: CaptureRecord | None = None
    capture: bytes | None = None
    files: bytes | None = None
    measured: tuple[Metrics, ...] = ()


class Done(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a job: its capture's record and bytes, and what was measured, a new one last.

    ``fingerprint`` is what the submission is compared by, where it was captured now. Without a ``report`` there is more
    to do: a job that knows this much goes on. ``seconds`` is what all of it took, with what was done before.
    """

    submission: Submission
    record: CaptureRecord
    capture: bytes | None
    fingerprint: Fingerprint | None = None
    measured: tuple[Metrics, ...] = ()
    report: Report | None
    seconds: float


class Worker:
    """Works on one submission after the other, with a sandbox that is started for the first one that needs it."""

    def __init__(self, terms: Terms) -> None:
        self.terms = terms
        self._sandbox = choose(terms.sandbox)
        self._capturer: Capturer | None = None
        self._ends = contextlib.ExitStack()
        Finalize(self, self._ends.close, exitpriority=100)  # processes of a pool end without atexit

    def get_ready(self, job: Job) -> None:
        """Begin to start the sandbox where the job needs one that is not there.

        Raises:
            UsageError: it cannot be started.
        """
        if job.record is None and not job.submission.problem:
            self._started()

    def work(self, job: Job) -> Done:
        """The job, done; whatever the submission is, that is a result.

        Raises:
            UsageError: the sandbox cannot be started, or the data cannot be had.
        """
        start = time.perf_counter()
        found = self._captured(job) if job.record is None else None
        record, data, fingerprint = found or (job.record, job.capture, None)
        assert record is not None
        measure, report = None, None
        if self.terms.measure and isinstance(record.result, CaptureFile):
            measure = replace(self.terms.measure, record=record, known=job.measured, used=list[Metrics]())
        if measure is None or found is None:
            with contextlib.suppress(Unfinished):
                report = self._report(job.submission, record, data, measure)
        return Done(
            submission=job.submission,
            record=record,
            capture=data,
            fingerprint=fingerprint,
            measured=tuple(measure.used) if measure else (),
            report=report,
            seconds=time.perf_counter() - start + _before_s(job),
        )

    def failed(self, submission: Submission, error: AuthorError) -> Done:
        """What becomes of a submission that nothing could be done with."""
        record = self._record(CaptureFailure.of(error), None, time.perf_counter())
        report = self._report(submission, record, None, None)
        return Done(submission=submission, record=record, capture=None, report=report, seconds=0.0)

    def _captured(self, job: Job) -> tuple[CaptureRecord, bytes | None, Fingerprint | None]:
        """The capture, in a sandbox, and what it is compared by."""
        start = time.perf_counter()
        try:
            if job.submission.problem:
                raise UnsafeSubmission(job.submission.problem)
            with _handed_in(job) as path:
                return self._captured_in(path, start)
        except AuthorError as error:
            return self._record(CaptureFailure.of(error), None, start), None, None

    def _captured_in(self, path: Path, start: float) -> tuple[CaptureRecord, bytes | None, Fingerprint]:
        capturer = self._started()
        try:
            found, origin = capturer.capture(path, self.terms.inputs, self.terms.seed)
        except AuthorError as error:
            return self._record(CaptureFailure.of(error), None, start), None, self._fingerprint(None, path)
        if isinstance(found, Walked):
            return self._record(CaptureFailure.of(found), origin, start), None, self._fingerprint(None, path)
        weights = None
        if isinstance(self.terms.measure, Scored):
            from modelcheck.grading.handed_in import with_weights

            with limited(DESCRIBED_S, "the weights that were handed in could not be read"):
                found, weights = with_weights(found, path)
        data = found.to_bytes()
        record = self._record(CaptureFile.of(data), origin, start)
        record = msgspec.structs.replace(record, weights=weights)
        return record, data, self._fingerprint(found, path)

    def _started(self) -> Capturer:
        if self._capturer is None:
            self._capturer = self._ends.enter_context(self._sandbox.start(self.terms.limits))
        return self._capturer

    def _fingerprint(self, captured: Capture | None, path: Path) -> Fingerprint:
        from modelcheck.grading.alike.fingerprints import fingerprint
        from modelcheck.grading.alike.reading import source_texts

        try:
            with limited(DESCRIBED_S, _DESCRIBED), sparing(_DESCRIBED):
                return fingerprint(captured, source_texts(path))
        except AuthorError:
            return Fingerprint()  # what takes too long to be compared is like no other

    def _record(self, result: CaptureFile | CaptureFailure, origin: Origin | None, start: float) -> CaptureRecord:
        seconds = time.perf_counter() - start
        sandboxed = Sandboxed(sandbox=self._sandbox.name, weaker=self._sandbox.weaker)
        return CaptureRecord(result=result, origin=origin, seconds=seconds, sandboxed=sandboxed)

    def _report(
        self, submission: Submission, record: CaptureRecord, data: bytes | None, measure: Measure | None
    ) -> Report:
        def capture() -> tuple[Capture | Walked, Origin | None]:
            failure = record.result
            if not isinstance(failure, CaptureFailure):
                from modelcheck.graph.capture import capture_from_bytes

                assert data is not None
                return capture_from_bytes(data), record.origin
            if failure.walked:
                return Walked(failure.error(), failure.walked, failure.layers), record.origin
            raise failure.error()

        policy = self.terms.policy
        road = Road(submission.id, policy, None, None, (), (), False, self.terms.seed, capture=capture)
        with limited(DESCRIBED_S, _DESCRIBED), sparing(_DESCRIBED):
            return road.report(measure)


def _before_s(job: Job) -> float:
    """How long what the job knows took."""
    return (job.record.seconds if job.record else 0.0) + sum(one.wall_s for one in job.measured)


@contextlib.contextmanager
def _handed_in(job: Job) -> Iterator[Path]:
    """Where the submission lies."""
    if job.files is None:
        yield Path(job.submission.path)
        return
    with tempfile.TemporaryDirectory(prefix="modelcheck-", ignore_cleanup_errors=True) as folder:
        unpack(io.BytesIO(job.files), Path(folder))
        yield next(Path(folder).iterdir())
