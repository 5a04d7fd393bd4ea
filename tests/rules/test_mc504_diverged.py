from __future__ import annotations

from typing import Any

import pytest

from modelcheck.report import Start

from .making import decide, trained


def start(train_loss: float | None) -> Start:
    return Start(images=100, test_accuracy=0.1, test_loss=2.3, train_loss=train_loss)


@pytest.mark.parametrize(
    ("first", "last"),
    [
        (2.3, {"train_loss": 0.1, "test_loss": 0.1}),
        (2.3, {"train_loss": 2.31, "test_loss": 2.31}),
        (2.3, {"train_loss": 4.6, "test_loss": 4.6}),
        (2.3, {"train_loss": 1e9, "test_loss": 0.1}),
        (2.3, {"train_loss": 0.1, "test_loss": 1e9}),
        (30.0, {"train_loss": 20.0, "test_loss": 20.0}),
        (0.01, {"train_loss": 1.0, "test_loss": 1.0}),
    ],
    ids=[
        "learns", "learns nothing", "twice a guess", "came back", "overfits", "fell", "forgets what it knew"
    ],
)  # fmt: skip
def test_no_divergence(first: float, last: dict[str, Any]) -> None:
    found, findings = decide("MC504", "error", metrics=trained(start(first), **last))
    assert (found.outcome, findings) == ("pass", ())
    assert found.evidence == f"the training loss of the last of 2 epochs is {last['train_loss']:.4f}"


@pytest.mark.parametrize(
    ("first", "last", "evidence"),
    [
        (2.3, {"train_loss": None}, "the loss became NaN or infinite in epoch 2"),
        (None, {"train_loss": None, "test_loss": None}, "the loss became NaN or infinite in epoch 2"),
        (2.3, {"test_loss": None}, "the loss on the test set is NaN or infinite after epoch 2"),
        (
            2.31,
            {"train_loss": 4.8, "test_loss": 60123.0},
            "the loss grew from 2.31 in the first batch to 4.8 on the training set and 6.012e+04 on the test set in "
            "epoch 2; guessing costs 2.30",
        ),
    ],
)
def test_divergence(first: float | None, last: dict[str, Any], evidence: str) -> None:
    found, (finding,) = decide("MC504", "error", metrics=trained(start(first), **last))
    assert (found.outcome, found.evidence) == ("fail", evidence)
    assert finding.message.startswith(f"{evidence}. In the model, look for a logarithm")


@pytest.mark.parametrize("code", ["MC505", "MC507"])
def test_what_a_diverged_training_cannot_tell(code: str) -> None:
    found, _ = decide(code, {"level": "error"}, metrics=trained(train_loss=None))
    assert (found.outcome, found.cause) == ("not run", "the training diverged (MC504)")
