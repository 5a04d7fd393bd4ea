from __future__ import annotations

import time
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn

from modelcheck.errors import ForwardError, UsageError
from modelcheck.facts.structs import OutputKind
from modelcheck.report import Epoch, Metrics, TestAccuracy, finite_or_none
from modelcheck.training.augmentation import augment, scale
from modelcheck.training.datasets import Dataset
from modelcheck.training.evaluation import Evaluation, evaluate
from modelcheck.training.losses import check_output, classification_loss, run
from modelcheck.training.manners import Snapshot, mode, placed, seeded
from modelcheck.training.observer import Observer, Silent
from modelcheck.training.optimizers import learning_rate, make_optimizer, update
from modelcheck.training.precision import autocast, choose_dtype, dtype_name
from modelcheck.training.progress import Progress
from modelcheck.training.recipe import Recipe

REPORT_EVERY = 10  # batches; to read a loss is to wait for it


def train(
    model: nn.Module,
    dataset: Dataset,
    recipe: Recipe,
    *,
    output_kind: OutputKind,
    training_output_kind: OutputKind | None = None,
    seed: int,
    device: torch.device,
    epochs: int | None = None,
    observer: Observer | None = None,
) -> Metrics:
    """What was measured while the model was trained, in place, on the training set.

    Every image is seen once an epoch, in an order of its own; a last batch of one is left out, since batch
    norm refuses it. After each epoch the model is evaluated on the test set, in float32. The same seed on the
    same machine with the same number of threads gives the same bits; the caller's random state, and the
    model's device, modes and requires_grad, are as before afterwards.

    A loss that is not finite ends the training: the epoch it happened in is the last one of the metrics, and
    its ``train_loss`` is None. A KeyboardInterrupt after at least one epoch gives the metrics of the
    completed ones, ``interrupted``, and leaves the weights they were measured with.

    Args:
        model: (N, C, H, W) float to (N, classes).
        dataset: trained on its training images, evaluated on its test images.
        recipe: how to train.
        output_kind: what the model's output is in evaluation mode; the loss follows from it.
        training_output_kind: what it is in training mode, where that is something else.
        seed: of everything random.
        device: where to compute.
        epochs: instead of the recipe's; the learning rate's schedule is stretched to them.
        observer: is told how it goes.

    Raises:
        ForwardError: no parameter can be trained, or the output has another shape.
        UsageError: there is less than one epoch, or are fewer than two images, to train for.
        KeyboardInterrupt: before the first epoch was complete.
    """
    count = recipe.epochs if epochs is None else epochs
    if count < 1 or len(dataset.train_images) < 2:
        raise UsageError(f"{count} epochs on {len(dataset.train_images)} images: expected at least 1 on at least 2")
    with placed(model, device, channels_last=recipe.channels_last), seeded(seed, device) as generator:
        training = _Training(
            model,
            dataset,
            recipe,
            output_kind,
            training_output_kind or output_kind,
            device,
            count,
            observer or Silent(),
            generator,
        )
        training.run()
    return training.metrics(seed)


@dataclass
class _Training:
    """One training under way."""

    model: nn.Module
    dataset: Dataset
    recipe: Recipe
    output_kind: OutputKind
    training_output_kind: OutputKind
    device: torch.device
    count: int
    observer: Observer
    generator: torch.Generator
    interrupted: bool = False
    epochs: list[Epoch] = field(default_factory=list)
    evaluation: Evaluation | None = None

    def __post_init__(self) -> None:
        self.start = time.perf_counter()
        self.dtype = choose_dtype(self.recipe.precision, self.device)
        self.images = self.dataset.train_images.to(self.device)
        self.labels = self.dataset.train_labels.to(self.device)
        self.batches = len(_split(torch.arange(len(self.images)), self.recipe.batch_size))
        trainable = [parameter for parameter in self.model.parameters() if parameter.requires_grad]
        if not trainable:
            raise ForwardError("nothing to train: the model has no parameter that requires a gradient")
        self.optimizer = make_optimizer(trainable, self.recipe.optimizer)
        self.optimizer.zero_grad(set_to_none=True)  # what the caller left there is no gradient of this training

    def run(self) -> None:
        """Train to the end, to a loss that is not finite, or to a KeyboardInterrupt."""
        total = self.batches * self.count
        dtype = dtype_name(self.dtype)
        self.observer.on_start(total, self.count, len(self.images), self.device.type, dtype)
        completed = Snapshot(self.model)
        try:
            for number in range(1, self.count + 1):
                finite = self._epoch(number, completed)
                if not finite:
                    break
        except KeyboardInterrupt:
            if not self.epochs:
                raise
            self.interrupted = True
            completed.restore()

    def _epoch(self, number: int, completed: Snapshot) -> bool:
        """Train and evaluate once; False where the loss is no longer finite."""
        progress = Progress()
        with mode(self.model, training=True):
            finite = self._train(number, progress)
        train_s = progress.seconds
        evaluation = evaluate(
            self.model,
            self.dataset,
            output_kind=self.output_kind,
            device=self.device,
            normalize=self.recipe.normalize,
        )
        epoch = Epoch(
            epoch=number,
            images=progress.images,
            train_loss=finite_or_none(progress.loss),
            train_accuracy=progress.accuracy,
            test_loss=finite_or_none(evaluation.loss),
            test_accuracy=evaluation.accuracy,
            train_s=train_s,
            eval_s=evaluation.seconds,
        )
        completed.take()
        self.evaluation = evaluation
        self.epochs.append(epoch)
        self.observer.on_epoch(epoch, evaluation.correct, evaluation.images)
        return finite

    def _train(self, number: int, progress: Progress) -> bool:
        """One pass over the training set; False, and early, where the loss is no longer finite."""
        order = torch.randperm(len(self.images), generator=self.generator)
        for batch, index in enumerate(_split(order, self.recipe.batch_size), start=1):
            self._step((number - 1) * self.batches + batch - 1, index.to(self.device), progress)
            if batch % REPORT_EVERY and batch != self.batches:
                continue
            finite = progress.read()
            speed = progress.images / progress.seconds
            self.observer.on_batch(number, batch, self.batches, progress.loss, progress.accuracy, speed)
            if not finite:
                return False
        return True

    def _step(self, step: int, index: Tensor, progress: Progress) -> None:
        """One batch forward, backward and into the weights."""
        dataset, recipe = self.dataset, self.recipe
        images = augment(self.images[index], recipe.augmentation, self.generator)
        labels = self.labels[index]
        with autocast(self.device, self.dtype):
            made = run(self.model, scale(images, dataset.mean, dataset.std, normalize=recipe.normalize))
        output = check_output(made, len(index), dataset.classes)
        loss = classification_loss(output, labels, self.training_output_kind)
        if not loss.requires_grad:
            raise ForwardError("nothing to train: no parameter that requires a gradient reaches the output")
        loss.backward()  # type: ignore[no-untyped-call]  # torch leaves it without annotations
        rate = learning_rate(recipe, step, self.batches * self.count)
        update(self.optimizer, rate, recipe.clip_norm)
        progress.add(loss, output, labels)

    def metrics(self, seed: int) -> Metrics:
        """What was measured in the completed epochs, of which there is at least one."""
        assert self.evaluation is not None
        best = max(self.epochs, key=lambda epoch: epoch.test_accuracy)  # the first of equals
        return Metrics(
            dataset=self.dataset.name,
            official=self.dataset.official,
            train_images=len(self.images),
            test_images=self.evaluation.images,
            recipe=self.recipe.name,
            seed=seed,
            device=self.device.type,
            dtype=dtype_name(self.dtype),
            threads=torch.get_num_threads(),
            epochs=tuple(self.epochs),
            test_accuracy=TestAccuracy(last=self.evaluation.accuracy, best=best.test_accuracy, best_epoch=best.epoch),
            test_loss=finite_or_none(self.evaluation.loss),
            confusion=self.evaluation.confusion,
            images_per_s=sum(epoch.images for epoch in self.epochs) / sum(epoch.train_s for epoch in self.epochs),
            wall_s=time.perf_counter() - self.start,
            interrupted=self.interrupted,
        )


def _split(order: Tensor, batch_size: int) -> tuple[Tensor, ...]:
    """The order in batches, without a last batch of one: batch norm refuses it."""
    batches = torch.split(order, batch_size)
    return batches[:-1] if len(batches[-1]) == 1 else batches
