from __future__ import annotations

import time
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from modelcheck.facts.structs import OutputKind
from modelcheck.report import Metrics, Mistake, TestAccuracy, finite_or_none
from modelcheck.training.augmentation import scale
from modelcheck.training.datasets import Dataset
from modelcheck.training.losses import check_output, classification_losses, run
from modelcheck.training.manners import mode, placed
from modelcheck.training.memory import keep_freed_memory
from modelcheck.training.precision import autocast, choose_dtype, dtype_name
from modelcheck.training.recipe import Precision

MISTAKES = 20  # as many as a person looks at


@dataclass(frozen=True, kw_only=True)
class Evaluation:
    """How a model does on the test set.

    ``loss`` is the mean; ``confusion[i][j]`` counts images of class i that were taken for class j; ``wrong`` has index,
    label, prediction and loss of those among the wrongly classified whose loss is highest, the worst first.
    """

    loss: float
    correct: int
    images: int
    confusion: tuple[tuple[int, ...], ...]
    wrong: tuple[tuple[int, int, int, float], ...]
    seconds: float

    @property
    def accuracy(self) -> float:
        """Fraction of the images that were taken for what they are."""
        return self.correct / self.images

    @property
    def mistakes(self) -> tuple[Mistake, ...]:
        """The worst mistakes, as the report has them."""
        return tuple(
            Mistake(index=index, label=label, predicted=predicted, loss=finite_or_none(loss))
            for index, label, predicted, loss in self.wrong
        )


@torch.no_grad()
def evaluate(
    model: nn.Module,
    dataset: Dataset,
    *,
    output_kind: OutputKind,
    device: torch.device,
    precision: Precision = "float32",
    normalize: bool = True,
    channels_last: bool = False,
    batch: int = 250,
) -> Evaluation:
    """Loss (mean negative log-likelihood, nats), accuracy and confusion on the test set, in evaluation mode.

    The model is left as it was found. Float32 is the default even after a training in bfloat16: the same
    weights then score the same wherever they are evaluated again.

    Args:
        model: (N, C, H, W) float to (N, classes).
        dataset: whose test images are taken.
        output_kind: what the model's output is; the loss follows from it.
        device: where to compute.
        precision: in what to compute.
        normalize: as the recipe of its training says; see ``Recipe``.
        channels_last: how weights and maps lie in memory; a forward that calls ``view`` on a map may refuse that.
        batch: images at a time.

    Raises:
        ForwardError: the model's output has another shape.
    """
    start = time.perf_counter()
    keep_freed_memory()
    cast = autocast(device, choose_dtype(precision, device))
    with placed(model, device, channels_last=channels_last), mode(model, training=False), cast:
        outputs = []
        for images in torch.split(dataset.test_images.to(device), batch):
            output = run(model, scale(images, dataset.mean, dataset.std, normalize=normalize))
            outputs.append(check_output(output, len(images), dataset.classes))
    output, labels = torch.cat(outputs).float(), dataset.test_labels.to(device)
    predicted, losses = output.argmax(1), classification_losses(output, labels, output_kind)
    confusion = _confusion(predicted, labels, dataset.classes)
    return Evaluation(
        loss=float(losses.mean()),
        correct=sum(confusion[label][label] for label in range(dataset.classes)),
        images=len(labels),
        confusion=confusion,
        wrong=_wrong(predicted, labels, losses),
        seconds=time.perf_counter() - start,
    )


def evaluation_metrics(
    evaluation: Evaluation, dataset: Dataset, *, device: torch.device, precision: Precision = "float32"
) -> Metrics:
    """The report's metrics for weights that were only scored: no recipe, no seed, no epochs.

    ``test_accuracy.best_epoch`` is 0; ``images_per_s`` is the evaluation's.
    """
    accuracy = evaluation.accuracy
    return Metrics(
        dataset=dataset.name,
        official=dataset.official,
        train_images=len(dataset.train_images),
        test_images=evaluation.images,
        recipe=None,
        seed=None,
        device=device.type,
        dtype=dtype_name(choose_dtype(precision, device)),
        threads=torch.get_num_threads(),
        epochs=(),
        test_accuracy=TestAccuracy(last=accuracy, best=accuracy, best_epoch=0),
        test_loss=finite_or_none(evaluation.loss),
        confusion=evaluation.confusion,
        mistakes=evaluation.mistakes,
        images_per_s=evaluation.images / evaluation.seconds,
        wall_s=evaluation.seconds,
    )


def _confusion(predicted: Tensor, labels: Tensor, classes: int) -> tuple[tuple[int, ...], ...]:
    counts = torch.bincount(labels * classes + predicted, minlength=classes * classes)
    return tuple(tuple(row) for row in counts.view(classes, classes).tolist())


def _wrong(predicted: Tensor, labels: Tensor, losses: Tensor) -> tuple[tuple[int, int, int, float], ...]:
    wrong = (predicted != labels).nonzero().flatten()
    worst = wrong[losses[wrong].argsort(descending=True, stable=True)[:MISTAKES]]
    columns = (worst, labels[worst], predicted[worst], losses[worst])
    return tuple(zip(*(column.tolist() for column in columns), strict=True))
