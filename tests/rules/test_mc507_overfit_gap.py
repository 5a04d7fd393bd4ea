from __future__ import annotations

import msgspec
import pytest

from modelcheck.errors import UsageError
from modelcheck.report import Metrics, TestAccuracy, TrainAccuracy

from .making import decide, trained


def known(train: float, test: float, images: int = 1_000_000) -> Metrics:
    return msgspec.structs.replace(
        trained(),
        test_images=images,
        train_accuracy=TrainAccuracy(images=images, last=train),
        test_accuracy=TestAccuracy(last=test, best=1.0, best_epoch=1),
    )


@pytest.mark.parametrize(
    ("setting", "train", "test", "outcome"),
    [
        ({}, 0.95, 0.9, "pass"),
        ({}, 0.96, 0.9, "fail"),
        ({}, 0.8, 0.99, "pass"),
        ({"max": 0.2}, 0.99, 0.8, "pass"),
        ({"max": 0.01}, 0.992, 0.98, "fail"),
    ],
)
def test_the_gap_between_the_final_accuracies(
    setting: dict[str, float], train: float, test: float, outcome: str
) -> None:
    found, findings = decide("MC507", {"level": "error", **setting}, metrics=known(train, test))
    assert found.outcome == outcome
    assert len(findings) == (outcome == "fail")


@pytest.mark.parametrize(("images", "outcome"), [(100, "pass"), (1_000, "pass"), (10_000, "fail")])
def test_what_may_be_chance_is_allowed(images: int, outcome: str) -> None:
    assert decide("MC507", {"level": "error"}, metrics=known(0.37, 0.3, images=images))[0].outcome == outcome


def test_evidence_and_what_helps() -> None:
    found, (finding,) = decide("MC507", {"max": 0.025}, metrics=known(0.999, 0.8, images=2_000))
    assert found.evidence == (
        "99.90 % of 2,000 training images, 80.00 % of the test images, 2.5 points between them allowed, "
        "give or take 1.8"
    )
    assert finding.message == (
        f"{found.evidence}: the model knows the training images by heart. Fewer parameters, dropout, augmentation or "
        "weight decay help"
    )
    assert finding.severity == "advice"


def test_after_an_interruption_it_is_not_run() -> None:
    stopped = msgspec.structs.replace(trained(), train_accuracy=None, interrupted=True)
    found, _ = decide("MC507", "error", metrics=stopped)
    assert (found.outcome, found.cause) == (
        "not run",
        "the training was interrupted, and its accuracy on training images not measured",
    )


@pytest.mark.parametrize("bound", [-0.1, 5, float("nan")])
def test_senseless_settings_are_refused(bound: float) -> None:
    with pytest.raises(UsageError, match=r"rules\.overfit-gap\.max: expected a number"):
        decide("MC507", {"max": bound})
