"""The public API: what the commands do, as functions. Importing this imports no torch."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from modelcheck.author_trace import printable
from modelcheck.errors import UsageError
from modelcheck.facts.walked import Walked
from modelcheck.inputs import Given
from modelcheck.isolated.protocol import Limits
from modelcheck.policy import Policy, load_policy
from modelcheck.report import Report
from modelcheck.road import CAPTURE_SUFFIX, Device, Road, Scoring, Training, capture_target, target_name, tool

if TYPE_CHECKING:
    from modelcheck.grading.marking import Marked, Watcher
    from modelcheck.grading.sandbox.choosing import SandboxName
    from modelcheck.graph.capture import Capture
    from modelcheck.origin import Pick
    from modelcheck.road import Target
    from modelcheck.training.observer import Observer
    from modelcheck.training.threads import Threads


def inspect(
    target: Target,
    *,
    policy: Policy | str | Path | None = None,
    input: Given | Sequence[Given] | None = None,  # noqa: A002 — the contract's name
    arguments: Mapping[str, object] | None = None,
    select: Iterable[str] = (),
    ignore: Iterable[str] = (),
    strict: bool = False,
    isolated: bool = False,
    pick: Pick | None = None,
) -> Report:
    """The report on a model: its facts and what the policy says of them. The caller's model is left as it was.

    Args:
        target: an ``nn.Module``, a class, or a TARGET as on the command line.
        policy: a preset's name, a file, or a Policy; without one the nearest ``modelcheck.toml`` or
            ``[tool.modelcheck]``.
        input: one sample's shape (C, H, W), or as the command has it ("tokens:128:int64"), or a list of these for
            several inputs; else the policy's, else what the first layer suggests.
        arguments: for the target's constructor.
        select, ignore: codes, names or prefixes of codes of the rules that run, or do not.
        strict: advice counts against the verdict.
        pick: which of several models to take where the target names none and none is clearly meant: "primary", the
            likeliest, or "largest", the one with most parameters; by default that is an error (MC605).
        isolated: run the author's code in a process of its own, with limits on time and memory (no sandbox); of a
            TARGET only.
    Raises:
        UsageError: the policy or an option is wrong, or nothing has the target's name. What goes wrong in the author's
            code is no exception but a report whose verdict is "error".
    """
    road = Road(target, _policy(policy), input, arguments, select, ignore, strict, isolated=isolated, pick=pick)
    return road.report()


def candidates(target: str) -> tuple[str, ...]:
    """The targets of all models in a file, a notebook, a folder or an archive; nothing in it is run.

    A target that names a model, or is a module's name, is given back as it is.

    Raises:
        UsageError: nothing has that name.
        UnsafeSubmission: a link or a path leads out of it, or it is far too much.
    """
    from modelcheck.target import candidates as found

    return found(target)


def capture(
    target: Target,
    *,
    input: Given | Sequence[Given] | None = None,  # noqa: A002 — the contract's name
    arguments: Mapping[str, object] | None = None,
) -> Capture:
    """The model's graphs and weights; ``.save("net.mcz")`` writes them.

    Without an input, the nearest policy's is taken, else what the first layer suggests, as by ``inspect``.

    Raises:
        UsageError: nothing has the target's name.
        AuthorError: the author's code could not be loaded, captured or run.
    """
    captured, _ = capture_target(target, input, arguments, expected=load_policy().model.input)
    if isinstance(captured, Walked):
        raise captured.failure
    return captured


def train_eval(
    target: Target,
    *,
    policy: Policy | str | Path | None = None,
    input: Given | Sequence[Given] | None = None,  # noqa: A002 — the contract's name
    arguments: Mapping[str, object] | None = None,
    select: Iterable[str] = (),
    ignore: Iterable[str] = (),
    strict: bool = False,
    isolated: bool = False,
    recipe: str | Path | None = None,
    dataset: str = "mnist",
    data_dir: str | Path | None = None,
    download: bool = False,
    epochs: int | None = None,
    seed: int = 0,
    runs: int = 1,
    device: Device = "auto",
    threads: Threads = None,
    exact_dropout: bool = False,
    weights: str | Path | None = None,
    save: str | Path | None = None,
    resume: bool = False,
    min_accuracy: float | None = None,
    plot: str | Path | None = None,
    log: str | Path | None = None,
    observer: Observer | None = None,
) -> Report:
    """Train the captured graph, score it on the test set, and report both; further arguments are ``inspect``'s.

    Args:
        recipe: a preset's name or a file; else the policy's, else ``fast``.
        dataset: a data set's name.
        data_dir: read the data from there, in torchvision's layout, instead of from the package, which has MNIST only.
        download: fetch the data set into ``data_dir``, unless it is there; nothing is downloaded unasked.
        epochs: else the policy's, else the recipe's.
        seed: of the initialisation (where the target is built here), the order, the augmentation and dropout.
        runs: how often, each time built anew under the seed after; ``metrics.runs`` has mean and standard deviation,
            and all else is the first run's.
        device: where to train.
        threads: how many compute; None: as many as torch takes, which are the cores; "auto": as many as are fastest.
        exact_dropout: dropout masks as torch draws them; by default they come from a pool, which costs much less.
        weights: start from these instead of the initialisation.
        save: write the trained weights there, as safetensors under the author's names, and a checkpoint beside them
            after each epoch.
        resume: go on from that checkpoint, where there is one, to the same result as without interruption.
        min_accuracy: the least accuracy, in place of the policy's.
        plot: draw curves, confusion matrix and the worst mistakes there; the file's ending is .png, .svg or .pdf.
        log: write a line of JSON there for the start and, as soon as it is completed, for each epoch; with ``resume``
            after what is there.
        observer: is told how it goes: an ``Observer`` of your own, or ``TrainingProgress``, which shows a person.
    Raises:
        UsageError: as ``inspect``, or data, recipe, weights or device cannot be had.
    """
    if runs > 1 and (not isinstance(target, str | type) or str(target).endswith(CAPTURE_SUFFIX)):
        raise UsageError(f"several runs build the model anew under each seed, and {target!s:.200} is built already")
    resolved = _policy(policy, min_accuracy)
    road = Road(target, resolved, input, arguments, select, ignore, strict, seed, isolated=isolated)
    training = Training(
        recipe=recipe or resolved.training.recipe,
        epochs=resolved.training.epochs if epochs is None else epochs,
        runs=runs,
        threads=threads,
        exact_dropout=exact_dropout,
        dataset=dataset,
        data_dir=Path(data_dir) if data_dir else None,
        download=download,
        device=device,
        weights=Path(weights) if weights else None,
        save=Path(save) if save else None,
        resume=resume,
        plot=Path(plot) if plot else None,
        observer=observer,
    )
    if log is None:
        return road.report(training)
    from modelcheck.training.log import Logged

    described = {"tool": tool(), "target": printable(target_name(target)), "dataset": dataset}
    with Logged(Path(log), described, observer, append=resume) as logged:
        return road.report(replace(training, observer=logged))


def evaluate(
    target: Target,
    *,
    weights: str | Path,
    policy: Policy | str | Path | None = None,
    input: Given | Sequence[Given] | None = None,  # noqa: A002 — the contract's name
    arguments: Mapping[str, object] | None = None,
    select: Iterable[str] = (),
    ignore: Iterable[str] = (),
    strict: bool = False,
    isolated: bool = False,
    dataset: str = "mnist",
    data_dir: str | Path | None = None,
    download: bool = False,
    device: Device = "auto",
    min_accuracy: float | None = None,
    plot: str | Path | None = None,
) -> Report:
    """Score weights that somebody trained, on the test set; arguments as of ``train_eval``."""
    resolved = _policy(policy, min_accuracy)
    road = Road(target, resolved, input, arguments, select, ignore, strict, isolated=isolated)
    scoring = Scoring(
        dataset=dataset,
        data_dir=Path(data_dir) if data_dir else None,
        download=download,
        device=device,
        weights=Path(weights),
        plot=Path(plot) if plot else None,
    )
    return road.report(scoring)


def grade(
    paths: Sequence[str | Path],
    *,
    policy: Policy | str | Path | None = None,
    out: str | Path = "results",
    train: bool | None = None,
    roster: str | Path | None = None,
    regrade: Sequence[str] | Literal["all", "failed"] = (),
    jobs: int | None = None,
    scheduler: str | None = None,
    sandbox: Literal["auto"] | SandboxName = "auto",
    time_limit_s: float = 60.0,
    memory_limit_mib: int = 4096,
    seed: int = 0,
    watcher: Watcher | None = None,
) -> Marked:
    """Mark every submission in the paths into the folder ``out``, whose gradebook goes on from what is there.

    The authors' code runs in the sandbox alone; facts, training and scores come from what it captures.

    Args:
        paths: folders of submissions, and single ones.
        policy: as of ``inspect``.
        out: the gradebook, the pages and the tables.
        train: train each model, or score its weights where the policy says so; None: where it asks for an accuracy.
        roster: a CSV file with the columns id, name, submitted and due: what is late, and who handed in nothing.
        regrade: mark these anew although they have not changed: ids, "all", or "failed" for those that did not pass.
        jobs: how many at a time; by default as many as there are cores, and fewer for few submissions.
        scheduler: the address of a Dask scheduler, ``tcp://HOST:PORT``, whose workers do the work instead.
        sandbox: "auto" is the strongest that the machine allows, and never "none".
        time_limit_s: seconds on the clock for the author's code of one submission.
        memory_limit_mib: memory for it, beyond torch's own.
        seed: of everything random.
        watcher: is told how it goes.
    Raises:
        UsageError: the policy or an option is wrong, there are no submissions, no sandbox can be had, another process
            marks into the folder, or the scheduler or its workers cannot be used.
    """
    from modelcheck.grading.course import mark_course

    return mark_course(
        paths,
        policy=_policy(policy),
        out=Path(out),
        train=train,
        roster=roster,
        regrade=regrade,
        jobs=jobs,
        scheduler=scheduler,
        sandbox=sandbox,
        limits=Limits(wall_s=time_limit_s, cpu_s=math.ceil(time_limit_s), memory_mib=memory_limit_mib),
        seed=seed,
        watcher=watcher,
    )


def _policy(policy: Policy | str | Path | None, min_accuracy: float | None = None) -> Policy:
    resolved = policy if isinstance(policy, Policy) else load_policy(policy)
    return resolved if min_accuracy is None else resolved.requiring_accuracy(min_accuracy)
