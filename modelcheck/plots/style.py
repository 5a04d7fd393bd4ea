"""How all figures look, and how they get into files."""

from __future__ import annotations

import io
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from matplotlib import style
from matplotlib.axes import Axes
from matplotlib.figure import Figure, FigureBase, SubFigure
from numpy.typing import NDArray

from modelcheck.files import write_beside

# Okabe & Ito's colours, which all kinds of colour vision tell apart
TRAINING, TEST = "#0072B2", "#D55E00"
INK, PALE = "#222222", "#6B6B6B"
HEADING = {"x": 0.01, "ha": "left", "fontsize": 10, "fontweight": "bold"}  # of a part of a figure
_LOOK = {
    "font.size": 9,
    "axes.titlesize": 10,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": PALE,
    "axes.labelcolor": INK,
    "axes.grid": True,
    "axes.grid.axis": "y",
    "axes.axisbelow": True,
    "grid.color": "#E5E5E5",
    "grid.linewidth": 0.8,
    "text.color": INK,
    "xtick.color": PALE,
    "ytick.color": PALE,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "legend.frameon": False,
    "lines.linewidth": 1.6,
    "lines.markersize": 4,
}


@contextmanager
def look() -> Iterator[None]:
    """Within it figures look as ours do, whatever the user's own settings are; these are as before afterwards."""
    with style.context(["default", _LOOK]):
        yield


def write_figure(figure: Figure, path: Path) -> None:
    """Write the figure, whole or not at all, in the format of the file's ending.

    Raises:
        UsageError: the file cannot be written.
    """
    buffer = io.BytesIO()
    with look(), warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph")  # a box stands for what the font does not have
        figure.savefig(buffer, format=path.suffix[1:].lower(), dpi=150)
    write_beside(path, buffer.getvalue())


def parts(figure: FigureBase, rows: Sequence[float] = (1,), columns: Sequence[float] = (1,)) -> list[SubFigure]:
    """Figures within the figure, row by row; the numbers are their heights and widths in proportion."""
    made = figure.subfigures(
        len(rows), len(columns), height_ratios=rows, width_ratios=columns, hspace=0.03, wspace=0.04, squeeze=False
    )
    return list(made.flat)


def show_image(axes: Axes, image: NDArray[np.generic]) -> None:
    """Show one image, (C, H, W) with one or three channels on the scale of 0 to 255, and no ticks."""
    levels = (image.astype(np.float32) / 255).clip(0, 1)  # interpolation may give 255.0001
    shown = levels[0] if len(levels) == 1 else levels.transpose(1, 2, 0)
    axes.imshow(shown, cmap="gray", vmin=0, vmax=1, interpolation="nearest")
    axes.set(xticks=[], yticks=[])
    axes.spines[:].set_visible(False)
