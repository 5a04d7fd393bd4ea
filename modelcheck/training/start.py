from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from modelcheck.facts.structs import OutputKind
from modelcheck.report import Start, finite_or_none
from modelcheck.training.datasets import Dataset
from modelcheck.training.evaluation import Evaluation, evaluate
from modelcheck.training.recipe import Recipe
from modelcheck.training.sample import sampled


class Beginning:
    """What a model knows before its first step: an evaluation, and the first batch's loss."""

    def __init__(self) -> None:
        self._evaluation: Evaluation | None = None
        self._loss: Tensor | None = None
        self._restored: Start | None = None

    def measure(
        self, model: nn.Module, dataset: Dataset, recipe: Recipe, output_kind: OutputKind, device: torch.device
    ) -> None:
        """Evaluate the model on a sample of the test set, in the recipe's precision.

        Raises:
            ForwardError: as ``evaluate``.
        """
        self._evaluation = evaluate(
            model,
            sampled(dataset),
            output_kind=output_kind,
            device=device,
            precision=recipe.precision,
            normalize=recipe.normalize,
        )

    def note(self, losses: Tensor) -> None:
        """Take the losses of the first batch, (N,), where they lie; those of later ones are not taken."""
        if self._loss is None:
            self._loss = losses.detach().mean()

    def start(self) -> Start:
        """What is known, after the first step; reads the loss off the device."""
        if self._restored is not None:
            return self._restored
        assert self._evaluation is not None
        return Start(
            images=self._evaluation.images,
            test_accuracy=self._evaluation.accuracy,
            test_loss=finite_or_none(self._evaluation.loss),
            train_loss=finite_or_none(math.nan if self._loss is None else float(self._loss)),
        )

    def restore(self, start: Start) -> None:
        """Know what another process measured at the start of the same training."""
        self._restored = start
