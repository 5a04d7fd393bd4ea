"""What a recipe's augmentation does, on one page: images, and below each what becomes of it."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from modelcheck.author_trace import printable
from modelcheck.plots.style import HEADING, look, parts, show_image
from modelcheck.training.recipe import Augmentation, Recipe

_GAP = 2  # pixels between images
_WHITE = 255.0


def augmented_figure(recipe: Recipe, originals: NDArray[np.uint8], augmented: NDArray[np.float32]) -> Figure:
    """The page.

    Args:
        recipe: whose augmentation it is.
        originals: a row of images, (K, C, H, W).
        augmented: rows of them, (R, K, C, H, W), on the scale of 0 to 255.
    """
    with look():
        figure = Figure(figsize=(8, 9.6), layout="constrained")
        said = ", ".join(_amounts(recipe.augmentation, augmented.shape[-1])) or "leaves images as they are"
        title = f"Augmentation of recipe {printable(recipe.name, 60)}"
        figure.suptitle(title, **{**HEADING, "fontsize": 12}, parse_math=False)
        (page,) = parts(figure)
        page.suptitle(said, x=0.01, ha="left", fontsize=9)
        above, below = page.subplots(2, 1, height_ratios=(1, len(augmented)))
        for axes, images, name in ((above, originals[None], "original"), (below, augmented, "augmented")):
            show_image(axes, _mosaic(images))
            axes.set_ylabel(name)
    return figure


def _mosaic(images: NDArray[np.generic]) -> NDArray[np.float32]:
    """Rows of images, (R, K, C, H, W), as one, (C, H', W'), with white between them."""
    padded = np.pad(images.astype(np.float32), [(0, 0)] * 3 + [(0, _GAP)] * 2, constant_values=_WHITE)
    rows, columns, channels, height, width = padded.shape
    whole = padded.transpose(2, 0, 3, 1, 4).reshape(channels, rows * height, columns * width)
    return whole[:, :-_GAP, :-_GAP]


def _amounts(options: Augmentation, width: int) -> Iterator[str]:
    """What is drawn from which range."""
    if options.degrees:
        yield f"rotation ±{options.degrees:g}°"
    if options.shift:
        yield f"shift ±{round(options.shift * width, 1):g} pixels"
    if options.zoom != (1.0, 1.0):
        low, high = options.zoom
        yield f"zoom {low:g} to {high:g}{'' if options.zoom_alike else ', each axis its own'}"
    if options.shear_degrees:
        yield f"shear ±{options.shear_degrees:g}°"
