from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from modelcheck.plots.augmented import augmented_figure
from modelcheck.training.recipe import Augmentation, OptimizerOptions, Recipe


def recipe(**amounts: Any) -> Recipe:
    optimizer = OptimizerOptions(name="sgd", learning_rate=0.1)
    return Recipe(name="mine", epochs=1, batch_size=2, optimizer=optimizer, augmentation=Augmentation(**amounts))


def images(*shape: int) -> np.ndarray[Any, Any]:
    return np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)


@pytest.mark.parametrize("channels", [1, 3])
def test_ten_rows_of_ten_below_their_originals(channels: int) -> None:
    originals, augmented = images(10, channels, 28, 28), images(10, 10, channels, 28, 28)
    above, below = augmented_figure(recipe(), originals, augmented.astype(np.float32)).axes
    assert (above.get_ylabel(), below.get_ylabel()) == ("original", "augmented")
    top, grid = (np.rint(axes.get_images()[0].get_array() * 255) for axes in (above, below))
    assert top.shape[:2] == (28, 298)
    assert grid.shape[:2] == (298, 298)
    for row, column in ((0, 0), (0, 9), (3, 7), (9, 0), (9, 9)):
        shown = grid[30 * row : 30 * row + 28, 30 * column : 30 * column + 28]
        assert np.array_equal(shown, augmented[row, column].transpose(1, 2, 0).squeeze())
    for column in (0, 4, 9):
        assert np.array_equal(top[:, 30 * column : 30 * column + 28], originals[column].transpose(1, 2, 0).squeeze())
    assert (grid[28:30] == 255).all()
    assert (grid[:, 28:30] == 255).all()


@pytest.mark.parametrize(
    ("amounts", "said"),
    [
        ({}, "leaves images as they are"),
        ({"degrees": 7.0, "fill": 1.0}, "rotation ±7°"),
        (
            {"degrees": 10.0, "shift": 0.1, "zoom": (0.9, 1.1), "shear_degrees": 0.1},
            "rotation ±10°, shift ±2.8 pixels, zoom 0.9 to 1.1, each axis its own, shear ±0.1°",
        ),
        ({"zoom": (1.0, 2.0), "zoom_alike": True}, "zoom 1 to 2"),
        ({"shift": 0.0357}, "shift ±1 pixels"),
    ],
)
def test_the_ranges_are_told(amounts: dict[str, Any], said: str) -> None:
    figure = augmented_figure(recipe(**amounts), images(10, 1, 28, 28), images(10, 10, 1, 28, 28).astype(np.float32))
    assert figure.get_suptitle() == "Augmentation of recipe mine"
    assert figure.subfigs[0].get_suptitle() == said
