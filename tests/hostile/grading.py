"""How the suite marks a submission: as ``grade`` does it, with one sandbox for each set of limits."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

from modelcheck.grading.sandbox import choose
from modelcheck.grading.submissions import find
from modelcheck.grading.work import Job, Terms, Worker
from modelcheck.inputs import input_specs
from modelcheck.isolated.protocol import Limits
from modelcheck.policy import load_policy
from modelcheck.report import Report

POLICY = Path(__file__).parent / "policy.toml"
LIMITS = Limits(wall_s=60, cpu_s=60, memory_mib=1536, file_mib=64, output_kib=16)
SHORT = Limits(wall_s=3, cpu_s=20, memory_mib=1536, file_mib=64, output_kib=16)


@dataclass(frozen=True)
class Graded:
    """A report, how long the author's code had, and how long all of it took."""

    report: Report
    author_s: float
    seconds: float


class Grader:
    """Marks one submission after the other."""

    def __init__(self) -> None:
        self._workers: dict[Limits, Worker] = {}

    def graded(self, path: Path, limits: Limits = LIMITS) -> Graded:
        """What a submission is given: a file, a folder or an archive."""
        submission = next(one for one in find([path.parent]) if one.path == str(path))
        before = time.monotonic()
        done = self._worker(limits).work(Job(submission=submission))
        return Graded(done.report, done.record.seconds, time.monotonic() - before)

    def _worker(self, limits: Limits) -> Worker:
        if limits not in self._workers:
            policy = load_policy(POLICY)
            self._workers[limits] = Worker(
                Terms(
                    policy=policy,
                    inputs=input_specs(policy.model.input),
                    sandbox=choose().name,
                    limits=limits,
                    seed=0,
                    measure=None,
                )
            )
        return self._workers[limits]
