from __future__ import annotations

import pytest
import torch

from modelcheck.training.progress import Progress

RIGHT = torch.eye(4)
LABELS = torch.arange(4)


def test_means_are_over_images_and_not_over_batches() -> None:
    progress = Progress()
    progress.add(torch.ones(4), RIGHT, LABELS)
    progress.add(torch.full((2,), 4.0), RIGHT[:2], torch.tensor([0, 3]))
    assert progress.read()
    assert progress.images == 6
    assert progress.loss == pytest.approx((4 * 1 + 2 * 4) / 6)
    assert progress.accuracy == pytest.approx(5 / 6)


@pytest.mark.parametrize("loss", [float("nan"), float("inf")])
def test_a_loss_that_is_not_finite_is_seen_and_never_forgotten(loss: float) -> None:
    progress = Progress()
    progress.add(torch.tensor([1.0, loss, 1.0, 1.0]), RIGHT, LABELS)
    assert not progress.read()
    progress.add(torch.ones(4), RIGHT, LABELS)
    assert not progress.read()


def test_reading_twice_counts_once() -> None:
    progress = Progress()
    progress.add(torch.ones(4), RIGHT, LABELS)
    assert progress.read()
    assert progress.read()
    assert (progress.loss, progress.accuracy) == (1.0, 1.0)
