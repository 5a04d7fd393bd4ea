"""From what an instructor asks for to what is marked."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from modelcheck.errors import UsageError
from modelcheck.grading.cluster import connected
from modelcheck.grading.marking import Marked, Watcher, mark
from modelcheck.grading.measuring import Graded
from modelcheck.grading.pool import LocalPool
from modelcheck.grading.records import Grade
from modelcheck.grading.roster import read_roster
from modelcheck.grading.sandbox import choose
from modelcheck.grading.sandbox.choosing import SandboxName
from modelcheck.grading.submissions import find
from modelcheck.grading.work import Terms
from modelcheck.inputs import input_specs
from modelcheck.isolated.protocol import Limits
from modelcheck.policy import Policy
from modelcheck.rules.mc501_accuracy import AccuracyOptions

DATASET = "mnist"


def mark_course(
    paths: Sequence[str | Path],
    *,
    policy: Policy,
    out: Path,
    train: bool | None,
    roster: str | Path | None,
    regrade: Sequence[str] | Literal["all", "failed"],
    jobs: int | None,
    scheduler: str | None,
    sandbox: Literal["auto"] | SandboxName,
    limits: Limits,
    seed: int,
    watcher: Watcher | None,
) -> Marked:
    """Mark all submissions in the paths; arguments as of ``modelcheck.grade``."""
    if scheduler and jobs:
        raise UsageError("--jobs is for this machine; --scheduler does as many at a time as its workers have threads")
    submissions = find(paths, out=out)
    if roster is not None:
        submissions = read_roster(roster).matched(submissions)
    accuracy = policy.settings.get("accuracy")
    options = accuracy if isinstance(accuracy, AccuracyOptions) and accuracy.level != "off" else None
    measure = _measure(policy, options) if train or (train is None and options) else None
    expected = policy.model.input
    if measure and expected is None:
        expected = measure.prepare().dataset.input_shape
    with contextlib.ExitStack() as kept:
        cluster = kept.enter_context(connected(scheduler, sandbox)) if scheduler else None
        terms = Terms(
            policy=policy,
            inputs=input_specs(expected),
            sandbox=cluster.sandboxed.sandbox if cluster else choose(sandbox).name,
            limits=limits,
            seed=seed,
            measure=measure,
        )
        pool = cluster.pool(terms) if cluster else LocalPool(terms, min(jobs or _cores(), len(submissions)))
        return mark(submissions, terms, out, pool=pool, regrade=regrade, watcher=watcher or _Silent())


def _measure(policy: Policy, accuracy: AccuracyOptions | None) -> Graded:
    return Graded(
        recipe=policy.training.recipe,
        epochs=policy.training.epochs,
        dataset=DATASET,
        data_dir=None,
        device="cpu",
        threads=1,
        observer=None,
        accuracy=accuracy or AccuracyOptions(),
    )


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


class _Silent:
    def on_start(self, submissions: int, unchanged: int) -> None:
        pass

    def on_grade(self, grade: Grade) -> None:
        pass
