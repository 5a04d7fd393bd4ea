from __future__ import annotations

import math

import pytest
import torch
from torch.nn import functional as F

from modelcheck.errors import ForwardError
from modelcheck.facts.structs import OutputKind
from modelcheck.training.losses import check_output, classification_losses, log_probabilities

LOGITS = torch.tensor([[2.0, -1.0, 0.5], [0.0, 3.0, 1.0]])
LABELS = torch.tensor([0, 2])


@pytest.mark.parametrize(
    ("kind", "output"),
    [
        ("logits", LOGITS),
        ("log-probabilities", LOGITS.log_softmax(1)),
        ("probabilities", LOGITS.softmax(1)),
    ],
)
def test_all_kinds_of_output_give_one_loss(kind: OutputKind, output: torch.Tensor) -> None:
    torch.testing.assert_close(classification_losses(output, LABELS, kind).mean(), F.cross_entropy(LOGITS, LABELS))
    torch.testing.assert_close(log_probabilities(output, kind).exp(), LOGITS.softmax(1))


def test_a_loss_is_float32_whatever_the_output() -> None:
    assert classification_losses(LOGITS.bfloat16(), LABELS, "logits").dtype == torch.float32


def test_a_probability_of_zero_is_no_infinite_loss() -> None:
    loss = classification_losses(torch.tensor([[0.0, 1.0]]), torch.tensor([0]), "probabilities")
    assert loss.item() == pytest.approx(-math.log(1e-8))


def test_each_image_has_its_loss() -> None:
    losses = classification_losses(LOGITS, LABELS, "logits")
    torch.testing.assert_close(losses, F.cross_entropy(LOGITS, LABELS, reduction="none"))


@pytest.mark.parametrize(
    ("output", "found"),
    [(torch.zeros(2, 7), r"shape \(2, 7\)"), (torch.zeros(2, 10, 1), r"shape \(2, 10, 1\)"), ((), "tuple")],
)
def test_another_shape_is_the_authors_error(output: object, found: str) -> None:
    with pytest.raises(ForwardError, match=rf"{found} for 2 images; expected is shape \(2, 10\)"):
        check_output(output, 2, 10)
