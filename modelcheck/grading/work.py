"""What a trusted worker does with one submission: has it captured in a sandbox, and judges and scores the capture.

It never imports the author's code.
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
from modelcheck.grading.bounded import limited
from modelcheck.grading.gradebook.captures import CaptureFailure, CaptureFile, CaptureRecord
from modelcheck.grading.measuring import Graded
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


@dataclass(frozen=True, kw_only=True)
class Terms:
    """What all submissions of a course are graded by.

    Args:
        policy: resolved.
        inputs: what models take; None where it is inferred.
        sandbox: which; never "auto".
        limits: on the author's code.
        seed: of everything random.
        measure: how they are trained; None where they are not.
    """

    policy: Policy
    inputs: Inputs | None
    sandbox: SandboxName
    limits: Limits
    seed: int
    measure: Graded | None


class Job(msgspec.Struct, frozen=True, kw_only=True):
    """One submission, with what is known of it already.

    ``record`` is of its capture, whose bytes are ``capture`` where there is one; ``trained`` are measurements by key.
    ``files`` is what was handed in, packed, for a worker that cannot look at the submission's path.
    """

    submission: Submission
    record: CaptureRecord | None = None
    capture: bytes | None = None
    files: bytes | None = None
    trained: dict[str, Metrics] = {}


class Done(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a job: its capture's record and bytes, what was measured by key, and the report."""

    submission: Submission
    record: CaptureRecord
    capture: bytes | None
    trained: dict[str, Metrics]
    report: Report
    seconds: float


class Worker:
    """Works on one submission after the other, with a sandbox that is started for the first one that needs it."""

    def __init__(self, terms: Terms) -> None:
        self.terms = terms
        self._sandbox = choose(terms.sandbox)
        self._capturer: Capturer | None = None
        self._ends = contextlib.ExitStack()
        Finalize(self, self._ends.close, exitpriority=100)  # processes of a pool end without atexit

    def work(self, job: Job) -> Done:
        """The job, done; whatever the submission is, that is a result.

        Raises:
            UsageError: the sandbox cannot be started, or the data cannot be had.
        """
        start = time.perf_counter()
        record, data = (job.record, job.capture) if job.record else self._captured(job)
        measure = None
        if self.terms.measure and isinstance(record.result, CaptureFile):
            measure = replace(
                self.terms.measure, capture_sha256=record.result.sha256, known=job.trained, found=dict[str, Metrics]()
            )
        report = self._report(job.submission, record, data, measure)
        return Done(
            submission=job.submission,
            record=record,
            capture=data,
            trained=measure.found if measure else {},
            report=report,
            seconds=time.perf_counter() - start,
        )

    def failed(self, submission: Submission, error: AuthorError) -> Done:
        """What becomes of a submission that nothing could be done with."""
        record = self._record(CaptureFailure.of(error), None, 0.0)
        report = self._report(submission, record, None, None)
        return Done(submission=submission, record=record, capture=None, trained={}, report=report, seconds=0.0)

    def _captured(self, job: Job) -> tuple[CaptureRecord, bytes | None]:
        start = time.perf_counter()
        try:
            if job.submission.problem:
                raise UnsafeSubmission(job.submission.problem)
            if self._capturer is None:
                self._capturer = self._ends.enter_context(self._sandbox.start(self.terms.limits))
            with _handed_in(job) as path:
                found, origin = self._capturer.capture(path, self.terms.inputs, self.terms.seed)
        except AuthorError as error:
            return self._record(CaptureFailure.of(error), None, time.perf_counter() - start), None
        seconds = time.perf_counter() - start
        if isinstance(found, Walked):
            return self._record(CaptureFailure.of(found), origin, seconds), None
        data = found.to_bytes()
        return self._record(CaptureFile.of(data), origin, seconds), data

    def _record(self, result: CaptureFile | CaptureFailure, origin: Origin | None, seconds: float) -> CaptureRecord:
        sandboxed = Sandboxed(sandbox=self._sandbox.name, weaker=self._sandbox.weaker)
        return CaptureRecord(result=result, origin=origin, seconds=seconds, sandboxed=sandboxed)

    def _report(
        self, submission: Submission, record: CaptureRecord, data: bytes | None, measure: Graded | None
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
        with limited(DESCRIBED_S):
            return road.report(measure)


@contextlib.contextmanager
def _handed_in(job: Job) -> Iterator[Path]:
    """Where the submission lies."""
    if job.files is None:
        yield Path(job.submission.path)
        return
    with tempfile.TemporaryDirectory(prefix="modelcheck-", ignore_cleanup_errors=True) as folder:
        unpack(io.BytesIO(job.files), Path(folder))
        yield next(Path(folder).iterdir())
