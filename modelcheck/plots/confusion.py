"""Which class was taken for which."""

from __future__ import annotations

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from numpy.typing import NDArray

from modelcheck.plots.style import INK, PALE

_RIGHT, _NOTHING = "#DCEBF5", "#F7F7F7"
_MOST_NUMBERED = 25  # classes; of more the numbers would not be legible


def draw_confusion(axes: Axes, counts: NDArray[np.int64]) -> None:
    """Draw the matrix, (classes, classes) with the label in the rows, in the colours of its mistakes.

    What is right is a hundred times as much, and would leave all mistakes the same colour.
    """
    classes = range(len(counts))
    mistakes = np.where(np.eye(len(counts), dtype=bool), 0, counts)
    most = max(int(mistakes.max()), 1)
    colors = matplotlib.colormaps["Oranges"](0.1 + 0.75 * mistakes / most)
    colors[mistakes == 0] = matplotlib.colors.to_rgba(_NOTHING)
    colors[classes, classes] = matplotlib.colors.to_rgba(_RIGHT)
    axes.imshow(colors)
    axes.set(title="Confusion matrix", xlabel="prediction", ylabel="label")
    axes.grid(visible=False)
    axes.tick_params(which="both", length=0)
    axes.spines[:].set_visible(False)
    if len(counts) > _MOST_NUMBERED:
        return
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_ticks(classes)
        axis.set_ticks(np.arange(0.5, len(counts) - 1), minor=True)
    axes.grid(visible=True, which="minor", axis="both", color="white", linewidth=2)
    for (label, predicted), count in np.ndenumerate(counts):
        if count:
            color = PALE if label == predicted else "white" if count > most * 0.7 else INK
            axes.text(predicted, label, f"{count:,}", ha="center", va="center", fontsize=8, color=color)
