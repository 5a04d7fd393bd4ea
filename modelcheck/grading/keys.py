"""Keys: the SHA-256 of everything that a capture, a training or a grade hangs on, and of nothing else.

What has a key in the gradebook is not done again. Each step has its own: changed points train nothing, and a submission
that is moved is not captured again.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import msgspec

from modelcheck.grading.gradebook.captures import CaptureRecord
from modelcheck.grading.records import Submission
from modelcheck.inputs import Inputs
from modelcheck.isolated.protocol import Limits
from modelcheck.origin import Pick
from modelcheck.policy import Policy
from modelcheck.report import Tool

if TYPE_CHECKING:
    from modelcheck.training.datasets import Dataset
    from modelcheck.training.recipe import Recipe


def capture_key(
    content: str,
    *,
    inputs: Inputs | None,
    arguments: Mapping[str, object],
    pick: Pick | None,
    seed: int,
    limits: Limits,
    sandbox: str,
    weights: bool,
    tool: Tool,
) -> str:
    """Key of a capture.

    Args:
        content: the submission's, as ``Submission`` has it; its id and path are not part of it.
        inputs: what the policy or the command says that models take; None where it is inferred.
        arguments: for the constructor; Python literals.
        pick: which of several models is taken.
        seed: of the initialisation.
        limits: on the sandbox; how much of the output is kept decides nothing.
        sandbox: the kind that is used, as ``Sandboxed`` names it; never "auto".
        weights: whether it has the weights that were handed in.
        tool: modelcheck's and torch's versions.
    """
    bounds = {name: value for name, value in asdict(limits).items() if name != "output_kib"}
    given = {name: repr(value) for name, value in arguments.items()}
    return _key("capture", content, inputs, given, pick, seed, bounds, sandbox, weights, tool)


def training_key(
    capture_sha256: str,
    *,
    recipe: Recipe,
    epochs: int | None,
    seed: int,
    data: str,
    device: str,
    dtype: str,
    threads: int,
    tool: Tool,
) -> str:
    """Key of a training.

    Args:
        capture_sha256: of the capture's bytes.
        recipe: what is in it counts, not what it is called.
        epochs: in place of the recipe's.
        seed: of everything random.
        data: ``data_digest`` of the data set.
        device: torch's name of its kind: "cpu" or "cuda".
        dtype: what is computed in: the recipe's precision may leave that to the machine.
        threads: how many compute; another number sums in another order.
        tool: modelcheck's and torch's versions.
    """
    # precision is in dtype, epochs may be given in either way
    content = msgspec.structs.replace(recipe, name="", epochs=epochs or recipe.epochs, precision="auto")
    return _key("training", capture_sha256, content, seed, data, device, dtype, threads, tool)


def scoring_key(
    capture_sha256: str, *, normalize: bool, data: str, device: str, threads: int, dtype: str, tool: Tool
) -> str:
    """Key of the scoring of a capture with the weights that were handed in; arguments as of ``training_key``.

    Args:
        normalize: whether the weights want normalised pictures.
    """
    return _key("scoring", capture_sha256, normalize, data, device, dtype, threads, tool)


def grade_key(
    submission: Submission,
    captured: CaptureRecord | None,
    trainings: Sequence[str],
    *,
    policy: Policy,
    measured: bool,
    tool: Tool,
) -> str:
    """Key of a grade.

    Args:
        submission: with what the roster says of it; where it lies does not count.
        captured: what became of its capture; None where it cannot be read. How long that took does not count.
        trainings: keys of the trainings and scorings that the grade used.
        policy: as it is applied, with what is required of whatever is trained.
        measured: whether accuracies were asked for.
        tool: modelcheck's and torch's versions.
    """
    placeless = msgspec.structs.replace(submission, path="")
    timeless = captured and msgspec.structs.replace(captured, seconds=0.0)
    return _key("grade", placeless, timeless, trainings, policy, measured, tool)


def data_digest(dataset: Dataset) -> str:
    """SHA-256 of a data set: its images, its labels, and what they are normalised by. Takes a second for a gigabyte."""
    digest = hashlib.sha256()
    for tensor in (dataset.train_images, dataset.train_labels, dataset.test_images, dataset.test_labels):
        digest.update(f"{tensor.dtype} {tuple(tensor.shape)}\n".encode())
        digest.update(tensor.contiguous().numpy().data)
    return _key("data", dataset.name, dataset.classes, dataset.mean, dataset.std, digest.hexdigest())


def _key(kind: str, *parts: Any) -> str:
    return hashlib.sha256(msgspec.json.encode((kind, *parts), order="deterministic")).hexdigest()
