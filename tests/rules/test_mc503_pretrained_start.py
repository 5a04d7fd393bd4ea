from __future__ import annotations

import msgspec
import pytest

from modelcheck.report import Start

from .making import decide, trained


def start(accuracy: float) -> Start:
    return Start(images=2_000, test_accuracy=accuracy, test_loss=2.3, train_loss=2.3)


@pytest.mark.parametrize(("accuracy", "outcome"), [(0.0, "pass"), (0.1, "pass"), (0.4, "pass"), (0.4005, "fail")])
def test_four_times_chance_is_allowed(accuracy: float, outcome: str) -> None:
    found, findings = decide("MC503", "error", metrics=trained(start(accuracy)))
    assert found.outcome == outcome
    assert len(findings) == (outcome == "fail")


def test_evidence_and_what_to_do() -> None:
    found, (finding,) = decide("MC503", "error", metrics=trained(start(0.97)))
    measured = "97.00 % of 2,000 test images were right before any training, chance is 10.00 %, at most 40.00 % allowed"
    assert found.evidence == measured
    assert finding.message.startswith(f"{measured}: the model was trained elsewhere. Leave the weights out")
    assert "--weights FILE" in finding.message


@pytest.mark.parametrize(("largest", "outcome"), [(15, "fail"), (29, "fail"), (30, "pass"), (900, "pass")])
def test_chance_is_the_share_of_the_largest_class(largest: int, outcome: str) -> None:
    confusion = ((largest, 0), *((10, 0) for _ in range(9)))
    known = msgspec.structs.replace(trained(start(1.0)), confusion=confusion)
    found, _ = decide("MC503", "error", metrics=known)
    assert found.outcome == outcome
    assert outcome == "fail" or "of them are of one class" in (found.evidence or "")


def test_given_weights_are_the_users_own_wish() -> None:
    known = msgspec.structs.replace(trained(start(0.97)), weights="net.safetensors")
    found, _ = decide("MC503", "error", metrics=known)
    assert (found.outcome, found.cause) == ("not run", "the training started from net.safetensors, as it was told to")
