"""From what an instructor asks for to what is marked."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import msgspec

from modelcheck.errors import UsageError
from modelcheck.grading.cluster import connected
from modelcheck.grading.marking import Entries, Marked, Watcher, mark
from modelcheck.grading.measuring import Ground, Measure, Scored, Trained
from modelcheck.grading.pool import LocalPool
from modelcheck.grading.records import Grade, Submission
from modelcheck.grading.roster import read_roster
from modelcheck.grading.sandbox import choose
from modelcheck.grading.sandbox.choosing import SandboxName
from modelcheck.grading.submissions import find, single
from modelcheck.grading.work import Terms
from modelcheck.inputs import input_specs
from modelcheck.isolated.protocol import Limits
from modelcheck.policy import Policy
from modelcheck.rules.mc501_accuracy import AccuracyOptions

if TYPE_CHECKING:
    from modelcheck.training.recipe import Recipe

DATASET = "mnist"
_PAYS = 12  # submissions that are captured in the time in which one more worker gets ready


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
    entries = _entries(find(paths, out=out), roster, policy.grading.templates)
    policy = _placeless(policy)
    accuracy = policy.settings.get("accuracy")
    options = accuracy if isinstance(accuracy, AccuracyOptions) and accuracy.level != "off" else None
    measure, ground = _apart(policy, options) if train or (train is None and options) else (None, None)
    expected = policy.model.input or (ground.input_shape if ground else None)
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
        pool = cluster.pool(terms) if cluster else LocalPool(terms, jobs or _workers(len(entries.submissions), measure))
        return mark(entries, terms, out, pool=pool, ground=ground, regrade=regrade, watcher=watcher or _Silent())


def _entries(submissions: list[Submission], roster: str | Path | None, templates: Sequence[str]) -> Entries:
    try:
        given_out = [single(one) for one in templates]
    except UsageError as error:
        raise UsageError(f"the policy's grading.templates: {error}") from None
    if roster is None:
        return Entries(submissions=submissions, templates=given_out)
    enrolled = read_roster(roster)
    told, missing = enrolled.matched(submissions), tuple(enrolled.missing(submissions))
    return Entries(submissions=told, templates=given_out, missing=missing, has_roster=True)


def _placeless(policy: Policy) -> Policy:
    """The policy without where anything lies, which is nobody's business and decides nothing."""
    grading = msgspec.structs.replace(policy.grading, templates=())
    return replace(policy, name=policy.name and Path(policy.name).name, grading=grading)


def _apart(policy: Policy, accuracy: AccuracyOptions | None) -> tuple[Measure, Ground]:
    """The measure and its ground, by a process of its own: torch would take half a gigabyte of this one."""
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as apart:
        return apart.submit(_measure_and_ground, policy, accuracy).result()


def _measure_and_ground(policy: Policy, accuracy: AccuracyOptions | None) -> tuple[Measure, Ground]:
    measure = _measure(policy, accuracy)
    return measure, Ground.of(measure)


def _measure(policy: Policy, accuracy: AccuracyOptions | None) -> Measure:
    if policy.grading.score == "weights":
        if accuracy and accuracy.of.startswith("all"):
            raise UsageError(
                'the policy\'s training.accuracy: "last" is expected for `of`, as weights that are handed in have no '
                f'epochs; found "{accuracy.of}"'
            )
        return Scored(dataset=DATASET, data_dir=None, device="cpu")
    return Trained(
        content=_recipe(policy.training.recipe),
        epochs=policy.training.epochs,
        dataset=DATASET,
        data_dir=None,
        device="cpu",
        threads=1,
        observer=None,
        accuracy=accuracy or AccuracyOptions(),
        seconds=policy.grading.training_s,
    )


def _recipe(name: str | None) -> Recipe:
    """The recipe, which computes in the same numbers on all machines: in what this one is fast at."""
    import torch

    from modelcheck.training.precision import choose_dtype
    from modelcheck.training.recipe import DEFAULT_RECIPE, load_recipe

    recipe = load_recipe(name or DEFAULT_RECIPE)
    is_bfloat16 = choose_dtype(recipe.precision, torch.device("cpu")) == torch.bfloat16
    return msgspec.structs.replace(recipe, precision="bfloat16" if is_bfloat16 else "float32")


def _workers(submissions: int, measure: Measure | None) -> int:
    """How many workers are ready before fewer would be done."""
    return min(_cores(), submissions if measure else -(-submissions // _PAYS))


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


class _Silent:
    def on_start(self, submissions: int, unchanged: int) -> None:
        pass

    def on_grade(self, grade: Grade) -> None:
        pass
