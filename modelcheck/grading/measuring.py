"""How a submission is trained and scored: as the course says, from weights without memory, and never twice."""

from __future__ import annotations

import functools
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from modelcheck.grading.bounded import unlimited
from modelcheck.grading.keys import data_digest, training_key
from modelcheck.report import Metrics, Runs
from modelcheck.road import Prepared, Training, tool
from modelcheck.rules.mc501_accuracy import AccuracyOptions

if TYPE_CHECKING:
    from modelcheck.facts.compute import Description
    from modelcheck.graph.capture import Capture
    from modelcheck.graph.model import GraphModel
    from modelcheck.policy import Policy
    from modelcheck.road import Rebuilt
    from modelcheck.training.datasets import Dataset

NOISE = 2.0  # standard deviations of the sampling error


@dataclass(frozen=True, kw_only=True)
class Graded(Training):
    """Trains a submission's capture.

    The entries of each weight are put in another order first, by the hash of the capture itself: that keeps the
    distribution that its author chose, and nothing that was learnt. Who knew the order could hand in weights that it
    undoes, so no seed that can be guessed decides it.

    Args:
        accuracy: what the policy asks for.
        capture_sha256: of the capture that is trained.
        known: what was measured before, by key.
        found: what this measured, by key, in the order of the attempts; filled by it.
    """

    save: Path | None = None
    weights: Path | None = None
    accuracy: AccuracyOptions = field(default_factory=AccuracyOptions)
    capture_sha256: str = ""
    known: Mapping[str, Metrics] = field(default_factory=dict)
    found: dict[str, Metrics] = field(default_factory=dict)

    def asked(self, policy: Policy) -> Policy:
        """The policy with what is required of whatever is trained."""
        return policy.training_here(pretrained=False)

    def prepare(self) -> Prepared:
        """Data, device and recipe; the data are read once in a process."""
        import torch

        from modelcheck.training.recipe import DEFAULT_RECIPE, load_recipe

        recipe = load_recipe(self.recipe or DEFAULT_RECIPE)
        return Prepared(_dataset(self.dataset, self.data_dir), torch.device(self.device), recipe)

    def run(
        self, captured: Capture, description: Description, prepared: Prepared, seed: int, rebuilt: Rebuilt
    ) -> Metrics:
        """What the best of the attempts measured; there is more than one only within the noise of the threshold."""
        with unlimited():
            attempts = [self._attempt(captured, description, prepared, seed)]
            while len(attempts) < self.accuracy.attempts and self._may_be_noise(attempts):
                attempts.append(self._attempt(captured, description, prepared, seed + len(attempts)))
        best = max(attempts, key=self.counted)
        if len(attempts) == 1:
            return best
        return msgspec.structs.replace(best, runs=Runs.of([self.counted(one) for one in attempts]))

    def _attempt(self, captured: Capture, description: Description, prepared: Prepared, seed: int) -> Metrics:
        key = attempt_key(self, self.capture_sha256, prepared, seed)
        self.found[key] = self.known.get(key) or self._train(captured, description, prepared, seed, None)
        return self.found[key]

    def counted(self, metrics: Metrics) -> float:
        """The accuracy that the policy goes by; of several last epochs it is the last."""
        return metrics.test_accuracy.best if self.accuracy.of == "best" else metrics.test_accuracy.last

    def _may_be_noise(self, attempts: list[Metrics]) -> bool:
        """Whether no attempt reached the threshold, and one missed it by no more than chance may do."""
        reached, least = max(map(self.counted, attempts)), self.accuracy.min
        sampling_error = math.sqrt(reached * (1 - reached) / attempts[0].test_images)
        return least - NOISE * sampling_error <= reached < least

    def _model(
        self, captured: Capture, description: Description, prepared: Prepared
    ) -> tuple[GraphModel, dict[str, str]]:
        import numpy
        import torch

        model, metadata = super()._model(captured, description, prepared)
        generator = numpy.random.default_rng(int(self.capture_sha256, 16))  # torch's takes 32 bits of a seed
        with torch.no_grad():
            for parameter in model.parameters():
                order = torch.from_numpy(generator.permutation(parameter.numel()))
                parameter.copy_(parameter.reshape(-1)[order].reshape(parameter.shape))
        return model, metadata


def attempt_key(measure: Graded, capture_sha256: str, prepared: Prepared, seed: int) -> str:
    """The key of one training."""
    import torch

    from modelcheck.training.precision import choose_dtype, dtype_name

    assert prepared.recipe is not None
    return training_key(
        capture_sha256,
        recipe=prepared.recipe,
        epochs=measure.epochs,
        seed=seed,
        data=_digest(measure.dataset, measure.data_dir),
        device=prepared.device.type,
        dtype=dtype_name(choose_dtype(prepared.recipe.precision, prepared.device)),
        threads=measure.threads if isinstance(measure.threads, int) else torch.get_num_threads(),
        tool=tool(),
    )


@functools.cache
def _dataset(name: str, data_dir: Path | None) -> Dataset:
    from modelcheck.training.datasets import load_dataset

    return load_dataset(name, data_dir)


@functools.cache
def _digest(name: str, data_dir: Path | None) -> str:
    return data_digest(_dataset(name, data_dir))
