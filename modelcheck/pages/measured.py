"""What was measured of a submission, as its page shows it."""

from __future__ import annotations

import statistics
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from markupsafe import Markup
from numpy.typing import NDArray

from modelcheck.pages.charts import Curves, accuracy_curves, loss_curves
from modelcheck.pages.pictures import data_uri
from modelcheck.report import Metrics, Mistake
from modelcheck.words import counted, loss_text, percent

_MOST_CLASSES = 25  # of more, nobody reads the matrix
_SHADES = 4


@dataclass(frozen=True, kw_only=True)
class Measured:
    """The numbers in words, the curves, the confusion matrix, and the worst mistakes with their pictures.

    ``matrix`` is None where there are too many classes. ``pictures`` says whether there are any.
    """

    rows: tuple[tuple[str, str], ...]
    accuracy: Curves | None
    loss: Curves | None
    matrix: tuple[_Class, ...] | None
    which: str
    mistakes: tuple[tuple[Mistake, Markup | None], ...]
    pictures: bool


@dataclass(frozen=True)
class _Cell:
    """One count of the confusion matrix, and how it looks."""

    count: int
    look: str


@dataclass(frozen=True)
class _Class:
    """One label's row of the confusion matrix; ``right`` is the fraction that was recognised."""

    cells: tuple[_Cell, ...]
    right: float | None


def measured(
    metrics: Metrics,
    test_images: NDArray[np.uint8] | None = None,
    *,
    attempts: Sequence[float] = (),
    counting: float | None = None,
) -> Measured:
    """What was measured, as a page shows it.

    Args:
        metrics: of the report.
        test_images: (N, C, H, W); None: there are no pictures.
        attempts: the accuracies of all trainings, where there were several.
        counting: the one of them that counts.
    """
    return Measured(
        rows=tuple(_rows(metrics, attempts, counting)),
        accuracy=_accuracy(metrics) if metrics.epochs else None,
        loss=_loss(metrics) if metrics.epochs else None,
        matrix=_matrix(metrics.confusion),
        which=_which(metrics),
        mistakes=tuple(
            (one, None if test_images is None else data_uri(test_images[one.index])) for one in metrics.mistakes
        ),
        pictures=test_images is not None and bool(metrics.mistakes),
    )


def _rows(metrics: Metrics, attempts: Sequence[float], counting: float | None) -> Iterator[tuple[str, str]]:
    data = metrics.dataset if metrics.official else f"{metrics.dataset} (not the published data)"
    accuracy = metrics.test_accuracy
    shown = (
        f"{percent(accuracy.last)} of {metrics.test_images:,} {data} test images, loss {loss_text(metrics.test_loss)}"
    )
    yield "test accuracy", shown
    if len(attempts) > 1:
        mean, spread = statistics.mean(attempts), statistics.stdev(attempts)
        yield "attempts", f"{', '.join(map(percent, attempts))}; mean {mean * 100:.2f} % ± {spread * 100:.2f}"
        if counting is not None:
            yield "counted", percent(counting)
    if metrics.epochs:
        stopped = " (interrupted)" if metrics.interrupted else ""
        yield (
            "training",
            f"{counted(len(metrics.epochs), 'epoch')}{stopped} of recipe {metrics.recipe}, seed {metrics.seed}",
        )
        yield "best epoch", f"{percent(accuracy.best)} after epoch {accuracy.best_epoch}"
    else:
        yield "training", "none: the weights that were handed in were scored"
    machine = f"{metrics.device}, {counted(metrics.threads, 'thread')}, {metrics.dtype}"
    yield "time", f"{metrics.wall_s:.1f} s ({machine})"


def _accuracy(metrics: Metrics) -> Curves:
    training, test = zip(*((one.train_accuracy, one.test_accuracy) for one in metrics.epochs), strict=True)
    return accuracy_curves(training, test, metrics.test_images)


def _loss(metrics: Metrics) -> Curves | None:
    training, test = zip(*((one.train_loss, one.test_loss) for one in metrics.epochs), strict=True)
    return loss_curves(training, test)


def _matrix(confusion: Sequence[Sequence[int]]) -> tuple[_Class, ...] | None:
    if len(confusion) > _MOST_CLASSES:
        return None
    wrong = (count for label, row in enumerate(confusion) for place, count in enumerate(row) if label != place)
    most = max(wrong, default=0)
    return tuple(
        _Class(
            tuple(_Cell(count, _look(count, most, label == place)) for place, count in enumerate(row)),
            row[label] / sum(row) if sum(row) else None,
        )
        for label, row in enumerate(confusion)
    )


def _look(count: int, most: int, is_right: bool) -> str:
    if is_right:
        return "right"
    return f"w{-(-count * _SHADES // most)}" if count else "zero"


def _which(metrics: Metrics) -> str:
    wrong = metrics.test_images - sum(row[label] for label, row in enumerate(metrics.confusion))
    shown = len(metrics.mistakes)
    return f"The worst {shown} of {wrong:,} by loss." if wrong > shown else f"All {wrong}, by loss."
