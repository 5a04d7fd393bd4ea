"""Loss and accuracy over the epochs."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import FigureBase
from matplotlib.ticker import FixedLocator, MaxNLocator, NullLocator
from numpy.typing import NDArray

from modelcheck.plots.style import TEST, TRAINING
from modelcheck.plots.ticks import ACCURACIES, LOSSES, enclosing
from modelcheck.report import Epoch


def draw_curves(part: FigureBase, epochs: Sequence[Epoch], test_images: int) -> None:
    """Draw the loss above the accuracy, each of training and test.

    Good models differ in what they get wrong, so that the accuracy's axis goes by the logarithm of the error. One image
    is added to it: then all right has a place too.
    """
    losses, accuracies = part.subplots(2, 1, sharex=True)
    losses.set_title("Loss")
    losses.set_yscale("log")
    _pair(losses, [one.train_loss for one in epochs], [one.test_loss for one in epochs], LOSSES, "{:g}".format)
    losses.legend(loc="upper right")
    accuracies.set(title="Accuracy", xlabel="epoch")
    accuracies.set_yscale("function", functions=_by_error(1 / test_images))
    _pair(
        accuracies,
        [one.train_accuracy for one in epochs],
        [one.test_accuracy for one in epochs],
        ACCURACIES,
        lambda value, _: f"{value * 100:g} %",
    )
    accuracies.set_xlim(0.5, len(epochs) + 0.5)
    accuracies.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))


def _pair(
    axes: Axes,
    training: Sequence[float | None],
    test: Sequence[float | None],
    ticks: Sequence[float],
    shown: Callable[..., str],
) -> None:
    numbers = range(1, len(test) + 1)
    values = np.array([training, test], float)  # None is no number, and leaves a gap
    values = values.clip(ticks[0], ticks[-1])  # what is beyond the axis is shown at its end
    axes.plot(numbers, values[0], "o--", color=TRAINING, label="training, while it learns", clip_on=False)
    axes.plot(numbers, values[1], "s-", color=TEST, label="test, after the epoch", clip_on=False)
    known = values[np.isfinite(values)]
    if known.size:
        axes.set_ylim(enclosing(ticks, known.min(), known.max()))
    axes.yaxis.set_major_locator(FixedLocator(ticks))
    axes.yaxis.set_minor_locator(NullLocator())
    axes.yaxis.set_major_formatter(shown)


Numbers = NDArray[np.float64]


def _by_error(least: float) -> tuple[Callable[[Numbers], Numbers], Callable[[Numbers], Numbers]]:
    """A scale by the logarithm of the error plus the least one, and its inverse."""
    return (lambda accuracy: -np.log10(np.maximum(1 - accuracy, 0) + least), lambda place: 1 + least - 10.0**-place)
