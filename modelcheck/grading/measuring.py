"""How a submission is trained, or scored as it was handed in: as the course says, and never twice."""

from __future__ import annotations

import copy
import functools
import math
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from modelcheck.errors import TimeLimit
from modelcheck.grading.bounded import limited, sparing
from modelcheck.grading.gradebook.captures import CaptureFile, CaptureRecord, Weights
from modelcheck.grading.keys import data_digest, scoring_key, training_key
from modelcheck.grading.redrawn import redraw, restart
from modelcheck.report import Metrics, Runs, Tool
from modelcheck.road import NORMALIZE, Prepared, Scoring, Training, Unscored
from modelcheck.rules.mc501_accuracy import AccuracyOptions

if TYPE_CHECKING:
    import numpy

    from modelcheck.facts.compute import Description
    from modelcheck.graph.capture import Capture
    from modelcheck.graph.model import GraphModel
    from modelcheck.policy import Policy
    from modelcheck.road import Rebuilt
    from modelcheck.training.datasets import Dataset
    from modelcheck.training.recipe import Recipe

NOISE = 2.0  # standard deviations of the sampling error
SCORED_S = 600.0  # for an evaluation, which takes seconds
SAMPLE_S = 0.5  # for two images forward and backward, which take milliseconds
STEP_S = 60.0  # for a batch of them, which nothing interrupts
_THREADS = 1
_TRAINED, _SCORED = "it could not be trained", "its weights could not be scored"


class Unfinished(Exception):
    """Something was measured that is to be kept before more is."""


@dataclass(frozen=True, kw_only=True)
class Trained(Training):
    """Trains a submission's capture.

    The entries of each weight are drawn anew first, by the hash of the capture itself: that keeps mean and spread as
    its author chose them, and nothing that was learnt. Who knew what is drawn could hand in weights that count on it,
    so no seed that can be guessed decides it.

    Args:
        content: the recipe, with a precision that does not depend on the machine.
        accuracy: what the policy asks for.
        seconds: that an attempt may take.
        record: of the capture that is trained.
        known: what the first attempts measured before.
        used: what the attempts measured that this took, known ones and at most a new one; filled by it.
    """

    recipe: None = None
    content: Recipe
    save: None = None
    weights: None = None
    accuracy: AccuracyOptions
    seconds: float
    record: CaptureRecord | None = None
    known: Sequence[Metrics] = ()
    used: list[Metrics] = field(default_factory=list)

    def asked(self, policy: Policy) -> Policy:
        """The policy with what is required of whatever is trained."""
        return policy.training_here(pretrained=False)

    def prepare(self) -> Prepared:
        """Data, device and recipe; the data are read once in a process."""
        return _prepared(self, self.content)

    def keys(self, record: CaptureRecord, *, seed: int, data: str, tool: Tool) -> Iterator[str]:
        """Those of all attempts that a capture may need, in their order."""
        assert isinstance(record.result, CaptureFile)
        for attempt in range(self.accuracy.attempts):
            yield training_key(
                record.result.sha256,
                recipe=self.content,
                epochs=self.epochs,
                seed=seed + attempt,
                data=data,
                device=self.device,
                dtype=self.content.precision,
                threads=_THREADS,
                tool=tool,
            )

    def run(
        self, captured: Capture, description: Description, prepared: Prepared, seed: int, rebuilt: Rebuilt
    ) -> Metrics:
        """What the best of the attempts measured; there is more than one only within the noise of the threshold.

        Raises:
            Unfinished: an attempt was trained, and it takes another one.
            TimeLimit: it takes too long.
            MemoryLimit: it takes too much.
        """
        while not self.used or (len(self.used) < self.accuracy.attempts and self._may_be_noise()):
            attempt = len(self.used)
            if attempt > len(self.known):
                raise Unfinished
            if attempt < len(self.known):
                self.used.append(self.known[attempt])
                continue
            with limited(self.seconds, _TRAINED, STEP_S), sparing(_TRAINED):
                self.used.append(self._train(captured, description, prepared, seed + attempt, None))
        best = max(self.used, key=self.counted)
        if len(self.used) == 1:
            return best
        return msgspec.structs.replace(best, runs=Runs.of([self.counted(one) for one in self.used]))

    def counted(self, metrics: Metrics) -> float:
        """The accuracy that the policy goes by; of several last epochs it is the last."""
        return metrics.test_accuracy.best if self.accuracy.of == "best" else metrics.test_accuracy.last

    def _may_be_noise(self) -> bool:
        """Whether no attempt reached the threshold, and one missed it by no more than chance may do."""
        reached, least = max(map(self.counted, self.used)), self.accuracy.min
        sampling_error = math.sqrt(reached * (1 - reached) / self.used[0].test_images)
        return least - NOISE * sampling_error <= reached < least

    def _model(
        self, captured: Capture, description: Description, prepared: Prepared
    ) -> tuple[GraphModel, dict[str, str]]:
        import numpy

        assert self.record is not None
        assert isinstance(self.record.result, CaptureFile)
        model, metadata = super()._model(captured, description, prepared)
        # torch's generator takes 32 bits of a seed
        redraw(model.parameters(), numpy.random.default_rng(int(self.record.result.sha256, 16)))
        restart(model)
        self._check_speed(model, prepared)
        return model, metadata

    def _check_speed(self, model: GraphModel, prepared: Prepared) -> None:
        """Look how long two images take: the clock of a training cannot stop a step that takes minutes.

        Raises:
            TimeLimit: they take too long.
        """
        import torch

        from modelcheck.training.losses import check_output, run
        from modelcheck.training.manners import mode

        trial = copy.deepcopy(model)
        images = torch.zeros(2, *prepared.dataset.input_shape)
        start = time.perf_counter()
        with mode(trial, training=True):
            output = check_output(run(trial, images), 2, prepared.dataset.classes)
            if output.requires_grad:
                output.sum().backward()  # type: ignore[no-untyped-call]  # torch leaves it without annotations
        seconds = time.perf_counter() - start
        if seconds > SAMPLE_S:
            raise TimeLimit(
                f"{_TRAINED}: two images take {seconds:.1f} s forward and backward, and at most {SAMPLE_S:g} s may be "
                f"taken; an epoch shows {len(prepared.dataset.train_images):,}"
            )


@dataclass(frozen=True, kw_only=True)
class Scored(Scoring):
    """Scores the weights that were handed in, which the capture has; further arguments as of ``Trained``."""

    weights: None = None
    record: CaptureRecord | None = None
    known: Sequence[Metrics] = ()
    used: list[Metrics] = field(default_factory=list)

    def prepare(self) -> Prepared:
        """Data and device; the data are read once in a process."""
        return _prepared(self, None)

    def keys(self, record: CaptureRecord, *, seed: int, data: str, tool: Tool) -> Iterator[str]:
        """The one of the scoring; none where there is nothing to score. No seed decides anything."""
        assert isinstance(record.result, CaptureFile)
        if record.weights and record.weights.file:
            yield scoring_key(
                record.result.sha256,
                normalize=record.weights.normalize,
                data=data,
                device=self.device,
                dtype="float32",
                threads=_THREADS,
                tool=tool,
            )

    def run(
        self, captured: Capture, description: Description, prepared: Prepared, seed: int, rebuilt: Rebuilt
    ) -> Metrics:
        """What the weights reach.

        Raises:
            Unscored: there are none that can be scored.
        """
        weights = self._weights()
        if weights.problem:
            raise Unscored(weights.problem)
        with limited(SCORED_S, _SCORED, STEP_S), sparing(_SCORED):
            self.used.append(
                self.known[0] if self.known else super().run(captured, description, prepared, seed, rebuilt)
            )
        return msgspec.structs.replace(self.used[0], weights=weights.file)

    def counted(self, metrics: Metrics) -> float:
        """The accuracy that the policy goes by."""
        return metrics.test_accuracy.last

    def _model(
        self, captured: Capture, description: Description, prepared: Prepared
    ) -> tuple[GraphModel, dict[str, str]]:
        model, _ = super()._model(captured, description, prepared)
        return model, {NORMALIZE: "true" if self._weights().normalize else "false"}

    def _weights(self) -> Weights:
        assert self.record is not None
        return self.record.weights or Weights()


Measure = Trained | Scored


@dataclass(frozen=True)
class Ground:
    """What a measure stands on: the hash of its data set, the shape of its pictures, and those that are scored by."""

    data: str
    input_shape: tuple[int, ...]
    test_images: numpy.ndarray

    @classmethod
    def of(cls, measure: Measure) -> Ground:
        """Read it, which imports torch.

        Raises:
            UsageError: the data cannot be had.
        """
        dataset = measure.prepare().dataset
        return cls(data_digest(dataset), dataset.input_shape, dataset.test_images.numpy())


def _prepared(measure: Measure, recipe: Recipe | None) -> Prepared:
    import torch

    return Prepared(_dataset(measure.dataset, measure.data_dir), torch.device(measure.device), recipe)


@functools.cache
def _dataset(name: str, data_dir: Path | None) -> Dataset:
    from modelcheck.training.datasets import load_dataset

    return load_dataset(name, data_dir)
