"""Trains a model in place and scores it, by batches of tensors that lie where they are computed with."""

from __future__ import annotations

import contextlib
import copy
import hashlib
import time
import zlib
from dataclasses import asdict, dataclass, field
from functools import cached_property
from pathlib import Path

import msgspec
import torch
from torch import Tensor, nn

from modelcheck.errors import ForwardError, UsageError
from modelcheck.facts.structs import OutputKind
from modelcheck.graph.model import GraphModel
from modelcheck.report import Epoch, Metrics, Start, TestAccuracy, TrainAccuracy, finite_or_none
from modelcheck.training.augmentation import moves, random_affines, scale, warp
from modelcheck.training.checkpoint import read_checkpoint, write_checkpoint
from modelcheck.training.datasets import Dataset
from modelcheck.training.dropout import Masks, served
from modelcheck.training.evaluation import Evaluation, evaluate
from modelcheck.training.gradients import Gradients
from modelcheck.training.losses import check_output, classification_losses, run
from modelcheck.training.manners import Snapshot, mode, placed, seeded
from modelcheck.training.memory import keep_freed_memory
from modelcheck.training.observer import Observer, Silent
from modelcheck.training.optimizers import Updates, learning_rate
from modelcheck.training.precise_bn import averaging, keeps_statistics
from modelcheck.training.precision import autocast, choose_dtype, dtype_name
from modelcheck.training.progress import Progress
from modelcheck.training.recipe import Precision, Recipe
from modelcheck.training.sample import sampled
from modelcheck.training.selection import Order
from modelcheck.training.start import Beginning
from modelcheck.training.threads import Threads, computing_with

REPORT_EVERY = 10  # batches; to read a loss is to wait for it


@dataclass(frozen=True, kw_only=True)
class Options:
    """How a training runs, beside its recipe.

    Args:
        seed: of everything random.
        device: where to compute.
        epochs: instead of the recipe's; the learning rate's schedule is stretched to them.
        threads: None: torch's; "auto": as many as are fastest.
        exact_dropout: masks as torch draws them, and not out of a pool; see ``dropout.py``.
        checkpoint: where the state is written after each epoch.
        resume: go on from there, where there is one.
    """

    seed: int
    device: torch.device
    epochs: int | None = None
    threads: Threads = None
    exact_dropout: bool = False
    checkpoint: Path | None = None
    resume: bool = False


def train(
    model: nn.Module,
    dataset: Dataset,
    recipe: Recipe,
    options: Options,
    *,
    output_kind: OutputKind,
    training_output_kind: OutputKind | None = None,
    observer: Observer | None = None,
) -> Metrics:
    """What was measured while the model was trained, in place, on the training set.

    An epoch shows each image that the recipe selects once, in an order of its own; a last batch of one is left out,
    since batch norm refuses it. After each epoch the model is evaluated on the test set, in the training's precision;
    after the last one in float32, so that the same weights score the same wherever they are evaluated again. The same
    seed on the same machine with the same number of threads gives the same bits, and so does a training that goes on
    from a checkpoint. The caller's random state, and the model's device, modes and requires_grad, are as before.

    A loss that is not finite ends the training: the epoch it happened in is the last one of the metrics, and its
    ``train_loss`` is None. A KeyboardInterrupt after at least one epoch gives the metrics of the completed ones,
    ``interrupted``, and leaves the weights they were measured with.

    Args:
        model: (N, C, H, W) float to (N, classes).
        dataset: trained on its training images, evaluated on its test images.
        recipe: how to train.
        options: on what, and from where.
        output_kind: what the model's output is in evaluation mode; the loss follows from it.
        training_output_kind: what it is in training mode, where that is something else.
        observer: is told how it goes.

    Raises:
        ForwardError: no parameter can be trained, or the output has another shape.
        UsageError: there is less than one epoch, or are fewer than two images, to train for, or the checkpoint is of
            another training.
        KeyboardInterrupt: before the first epoch was complete.
    """
    count = recipe.epochs if options.epochs is None else options.epochs
    if count < 1 or len(dataset.train_images) < 2:
        raise UsageError(f"{count} epochs on {len(dataset.train_images)} images: expected at least 1 on at least 2")
    kind = training_output_kind or output_kind
    keep_freed_memory()

    def timed_step() -> None:
        trial = _Training(copy.deepcopy(model), dataset, recipe, options, output_kind, kind, count, Silent())
        with placed(trial.model, options.device, channels_last=recipe.channels_last):
            trial.try_one()

    with computing_with(options.threads, timed_step):
        training = _Training(model, dataset, recipe, options, output_kind, kind, count, observer or Silent())
        with placed(model, options.device, channels_last=recipe.channels_last):
            training.run()
        return training.metrics()


@dataclass
class _Training:
    """One training under way."""

    model: nn.Module
    dataset: Dataset
    recipe: Recipe
    options: Options
    output_kind: OutputKind
    training_output_kind: OutputKind
    count: int
    observer: Observer
    interrupted: bool = False
    epochs: list[Epoch] = field(default_factory=list)
    evaluation: Evaluation | None = None
    recall: Evaluation | None = None

    def __post_init__(self) -> None:
        self.start = time.perf_counter()
        self.device = self.options.device
        self.dtype = choose_dtype(self.recipe.precision, self.device)
        self.trainable = [parameter for parameter in self.model.parameters() if parameter.requires_grad]
        if not self.trainable:
            raise ForwardError("nothing to train: the model has no parameter that requires a gradient")

    def _prepare(self, generator: torch.Generator) -> None:
        """Put the data on the device, and make what a step needs, of the model as it lies now."""
        self.generator = generator
        self.images = self.dataset.train_images.to(self.device)
        self.labels = self.dataset.train_labels.to(self.device)
        self.order = Order(len(self.images), self.recipe.selection, generator, self.device)
        self.batches = [len(_split(torch.arange(self.order.count(n)), self.recipe.batch_size)) for n in self._numbers()]
        self.masks = torch.Generator().manual_seed(int(torch.randint(2**62, (), generator=generator)))
        self.updates = Updates(self.trainable, self.recipe.optimizer)
        self.beginning = Beginning()
        decays = self.recipe.optimizer.weight_decay > 0
        self.gradients = Gradients(self.model, sum(self.batches), decays=decays)
        self.updates.clear()  # what the caller left there is no gradient of this training
        self.completed = Snapshot(self.model)

    def _numbers(self) -> range:
        return range(1, self.count + 1)

    def try_one(self) -> None:
        """One step on the first images, to see how long it takes; the model is changed by it."""
        with seeded(0, self.device) as generator, mode(self.model, training=True):
            self._prepare(generator)
            with self._dropout():
                index = torch.arange(min(self.recipe.batch_size, len(self.images)), device=self.device)
                self._step(0, index, self._affines(len(index)), Progress())

    def run(self) -> None:
        """Train to the end, to a loss that is not finite, or to a KeyboardInterrupt."""
        with seeded(self.options.seed, self.device) as generator:
            self._prepare(generator)
            self._resume()
            if not self.epochs:
                self.beginning.measure(self.model, self.dataset, self.recipe, self.output_kind, self.device)
            self.observer.on_start(
                sum(self.batches[len(self.epochs) :]),
                self.count,
                len(self.images),
                self.device.type,
                dtype_name(self.dtype),
            )
            try:
                for number in self._numbers()[len(self.epochs) :]:
                    if not self._epoch(number):
                        break
                self.recall = self._evaluate(self.recipe.precision, sampled(self.dataset, training=True))
            except KeyboardInterrupt:
                if not self.epochs:
                    raise
                self.interrupted = True
                self.completed.restore()
                self.evaluation = self._evaluate("float32")
                self.epochs[-1] = _scored(self.epochs[-1], self.evaluation)

    def _epoch(self, number: int) -> bool:
        """Train and evaluate once; False where the loss is no longer finite."""
        progress = Progress()
        with mode(self.model, training=True), self._dropout():
            finite = self._train(number, progress)
        train_s = progress.seconds
        last = number == self.count or not finite
        if last and finite:
            self._estimate_statistics()
        self.evaluation = self._evaluate("float32" if last else self.recipe.precision)
        unscored = Epoch(
            epoch=number,
            images=progress.images,
            train_loss=finite_or_none(progress.loss),
            train_accuracy=progress.accuracy,
            test_loss=None,
            test_accuracy=0.0,
            train_s=train_s,
            eval_s=0.0,
        )
        self.gradients.compare(self.completed)
        self.completed.take()
        self.epochs.append(_scored(unscored, self.evaluation))
        self._checkpoint()
        self.observer.on_epoch(self.epochs[-1], self.evaluation.correct, self.evaluation.images)
        return finite

    def _estimate_statistics(self) -> None:
        """Estimate the running statistics of batch norm anew, as the recipe wants it."""
        model, count = self.model, min(self.recipe.precise_bn, len(self.images))
        if count < 2 or not isinstance(model, GraphModel) or not keeps_statistics(model.header.train):
            return
        order = torch.randperm(len(self.images), generator=self.generator)[:count].to(self.device)
        with torch.no_grad(), mode(model, training=True), averaging(model):
            for index, affines in self._batches(order):
                self._output(index, affines)

    def _dropout(self) -> contextlib.AbstractContextManager[None]:
        """Within it the model's dropouts are served."""
        if self.options.exact_dropout or self.device.type != "cpu" or not isinstance(self.model, GraphModel):
            return contextlib.nullcontext()
        return served(self.model, Masks(self.model.header.train, self.masks))

    def _evaluate(self, precision: Precision, dataset: Dataset | None = None) -> Evaluation:
        return evaluate(
            self.model,
            dataset or self.dataset,
            output_kind=self.output_kind,
            device=self.device,
            precision=precision,
            normalize=self.recipe.normalize,
            channels_last=self.recipe.channels_last,
        )

    def _train(self, number: int, progress: Progress) -> bool:
        """One pass over the epoch's images; False, and early, where the loss is no longer finite."""
        batches = self._batches(self.order.draw(number).to(self.device))
        before = sum(self.batches[: number - 1])
        for batch, (index, affines) in enumerate(batches, start=1):
            self._step(before + batch - 1, index, affines, progress)
            # a graphics card would wait
            if (batch % REPORT_EVERY or self.device.type != "cpu") and batch != len(batches):
                continue
            finite = progress.read()
            speed = progress.images / progress.seconds
            self.observer.on_batch(number, batch, len(batches), progress.loss, progress.accuracy, speed)
            if not finite:
                return False
        return True

    def _batches(self, order: Tensor) -> list[tuple[Tensor, Tensor | None]]:
        """The images of each batch, and an affine for each of them where the recipe moves images."""
        parts, affines = _split(order, self.recipe.batch_size), self._affines(len(order))
        if affines is None:
            return [(index, None) for index in parts]
        return list(zip(parts, torch.split(affines, self.recipe.batch_size)[: len(parts)], strict=True))

    def _affines(self, images: int) -> Tensor | None:
        """An affine for each image of an epoch, on the device; None where the recipe leaves images as they are."""
        options, size = self.recipe.augmentation, self.images.shape[-2:]
        return random_affines(images, size, options, self.generator).to(self.device) if moves(options) else None

    def _step(self, step: int, index: Tensor, affines: Tensor | None, progress: Progress) -> None:
        """One batch forward, backward and into the weights."""
        output, labels = self._output(index, affines), self.labels[index]
        losses = classification_losses(output, labels, self.training_output_kind)
        if not losses.requires_grad:
            raise ForwardError("nothing to train: no parameter that requires a gradient reaches the output")
        losses.mean().backward()  # type: ignore[no-untyped-call]  # torch leaves it without annotations
        self.gradients.look(step)
        self.beginning.note(losses)
        self.updates.step(learning_rate(self.recipe, step, sum(self.batches)), self.recipe.clip_norm)
        self.order.note(index, losses.detach())
        progress.add(losses.detach(), output, labels)

    def _output(self, index: Tensor, affines: Tensor | None) -> Tensor:
        """What the model makes of images of the training set, (N, classes)."""
        dataset, recipe = self.dataset, self.recipe
        images = self.images[index]
        if affines is not None:
            images = warp(images, affines, recipe.augmentation.interpolation, recipe.augmentation.fill)
        with autocast(self.device, self.dtype):
            made = run(self.model, scale(images, dataset.mean, dataset.std, normalize=recipe.normalize))
        return check_output(made, len(index), dataset.classes)

    @cached_property
    def _identity(self) -> dict[str, str]:
        """What a checkpoint of this training belongs to."""
        described = [f"{name} {tuple(value.shape)}" for name, value in self.model.state_dict().items()]
        graph = msgspec.json.encode(self.model.header.train) if isinstance(self.model, GraphModel) else b""
        data = self.dataset
        content = zlib.crc32(data.train_labels.numpy().tobytes(), zlib.crc32(data.train_images.numpy().tobytes()))
        return {
            "model": hashlib.sha256("\n".join(described).encode() + graph).hexdigest()[:16],
            "recipe": msgspec.json.encode(self.recipe).decode(),
            "data set": f"{data.name} {len(data.train_images)}+{len(data.test_images)} {content:08x}",
            "epochs": str(self.count),
            "seed": str(self.options.seed),
        }

    def _checkpoint(self) -> None:
        """Write down what is needed to go on; a full disk ends no training."""
        if self.options.checkpoint is None:
            return
        state = {
            "tensors": [value.cpu() for value in self.completed.values],
            "optimizers": self.updates.state(),
            "losses": self.order.losses.cpu(),
            "random": self._random(),
            "epochs": msgspec.json.encode(self.epochs).decode(),
            "start": msgspec.json.encode(self.beginning.start()).decode(),
            "gradients": self.gradients.state(),
            "evaluation": asdict(self.evaluation) if self.evaluation else {},
            "seconds": time.perf_counter() - self.start,
        }
        try:
            write_checkpoint(self.options.checkpoint, self._identity, state)
        except UsageError as error:
            self.observer.on_note(f"{error}; the training goes on without it")

    def _resume(self) -> None:
        """Go on from the checkpoint, where that is wanted and there is one."""
        path = self.options.checkpoint
        state = read_checkpoint(path, self._identity) if path and self.options.resume else None
        if state is None:
            return
        self.completed.values = state["tensors"]
        self.completed.restore()
        self.completed.take()  # which puts them on the device
        self.updates.restore(state["optimizers"])
        self.order.losses.copy_(state["losses"])
        self.epochs = msgspec.json.decode(state["epochs"], type=list[Epoch])
        self.beginning.restore(msgspec.json.decode(state["start"], type=Start))
        self.gradients.restore(state["gradients"])
        self.evaluation = Evaluation(**state["evaluation"])
        self.start -= state["seconds"]
        for generator, value in zip(self._generators(), state["random"], strict=True):
            generator.set_state(value)
        self.observer.on_note(f"going on after epoch {len(self.epochs)} of {self.count}, from {path}")

    def _generators(self) -> list[torch.Generator]:
        cuda = [torch.cuda.default_generators[self.device.index or 0]] if self.device.type == "cuda" else []
        return [self.generator, self.masks, torch.default_generator, *cuda]

    def _random(self) -> list[Tensor]:
        return [generator.get_state() for generator in self._generators()]

    def metrics(self) -> Metrics:
        """What was measured in the completed epochs, of which there is at least one."""
        assert self.evaluation is not None
        best = max(self.epochs, key=lambda epoch: epoch.test_accuracy)  # the first of equals
        return Metrics(
            dataset=self.dataset.name,
            official=self.dataset.official,
            train_images=len(self.images),
            test_images=self.evaluation.images,
            recipe=self.recipe.name,
            seed=self.options.seed,
            device=self.device.type,
            dtype=dtype_name(self.dtype),
            threads=torch.get_num_threads(),
            epochs=tuple(self.epochs),
            test_accuracy=TestAccuracy(last=self.evaluation.accuracy, best=best.test_accuracy, best_epoch=best.epoch),
            test_loss=finite_or_none(self.evaluation.loss),
            confusion=self.evaluation.confusion,
            mistakes=self.evaluation.mistakes,
            images_per_s=sum(epoch.images for epoch in self.epochs) / sum(epoch.train_s for epoch in self.epochs),
            wall_s=time.perf_counter() - self.start,
            interrupted=self.interrupted,
            start=self.beginning.start(),
            train_accuracy=TrainAccuracy(images=self.recall.images, last=self.recall.accuracy) if self.recall else None,
            dead_parameters=self.gradients.dead(),
            gradient_checks=self.gradients.checks,
        )


def _scored(epoch: Epoch, evaluation: Evaluation) -> Epoch:
    return msgspec.structs.replace(
        epoch,
        test_loss=finite_or_none(evaluation.loss),
        test_accuracy=evaluation.accuracy,
        eval_s=evaluation.seconds,
    )


def _split(order: Tensor, batch_size: int) -> tuple[Tensor, ...]:
    """The order in batches, without a last batch of one: batch norm refuses it."""
    batches = torch.split(order, batch_size)
    return batches[:-1] if len(batches[-1]) == 1 else batches
